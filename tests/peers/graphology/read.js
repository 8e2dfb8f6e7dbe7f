// Reads graph files with graphology, and prints each as its serialization, a line each.
const {readFileSync} = require('fs');
const {Graph} = require('graphology');
const gexf = require('graphology-gexf');

for (const name of process.argv.slice(2)) {
  const text = readFileSync(name, 'utf8');
  const graph = name.endsWith('.json') ? Graph.from(JSON.parse(text)) : gexf.parse(Graph, text);
  console.log(JSON.stringify(graph.export()));
}
