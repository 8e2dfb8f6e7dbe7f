import java.io.File;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Iterator;
import java.util.StringJoiner;
import org.gephi.graph.api.Column;
import org.gephi.graph.api.DirectedGraph;
import org.gephi.graph.api.Edge;
import org.gephi.graph.api.Element;
import org.gephi.graph.api.GraphController;
import org.gephi.graph.api.GraphModel;
import org.gephi.graph.api.Node;
import org.gephi.graph.api.Table;
import org.gephi.io.importer.api.Container;
import org.gephi.io.importer.api.ImportController;
import org.gephi.io.importer.api.Issue;
import org.gephi.io.processor.plugin.DefaultProcessor;
import org.gephi.project.api.ProjectController;
import org.openide.util.Lookup;

/** Opens graph files as Gephi does, and prints as JSON, a line each, what it understood and what it complained of. */
public class Read {
  public static void main(String[] names) throws Exception {
    PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    ProjectController projects = Lookup.getDefault().lookup(ProjectController.class);
    ImportController imports = Lookup.getDefault().lookup(ImportController.class);
    for (String name : names) {
      projects.newProject();
      Container container = imports.importFile(new File(name));
      StringJoiner issues = list();
      Iterator<Issue> found = container.getReport().getIssues(100);
      while (found.hasNext()) {
        Issue issue = found.next();
        issues.add(text(issue.getLevel() + ": " + issue.getMessage()));
      }
      imports.process(container, new DefaultProcessor(), projects.getCurrentWorkspace());
      GraphModel model = Lookup.getDefault().lookup(GraphController.class).getGraphModel();
      DirectedGraph graph = model.getDirectedGraph();
      StringJoiner nodes = list();
      for (Node node : graph.getNodes()) {
        nodes.add("[" + text(node.getId()) + "," + text(node.getLabel()) + "," + values(node, model.getNodeTable()) + "]");
      }
      StringJoiner edges = list();
      for (Edge edge : graph.getEdges()) {
        edges.add("[" + text(edge.getSource().getId()) + "," + text(edge.getTarget().getId()) + ","
            + edge.getWeight() + "," + values(edge, model.getEdgeTable()) + "]");
      }
      out.println("{\"issues\":" + issues + ",\"nodes\":" + nodes + ",\"edges\":" + edges + "}");
      projects.closeCurrentProject();
    }
    System.exit(0); // the toolkit leaves threads behind
  }

  private static StringJoiner list() {
    return new StringJoiner(",", "[", "]");
  }

  /** The values of the columns that the file brought, as texts. */
  private static String values(Element element, Table table) {
    StringJoiner values = new StringJoiner(",", "{", "}");
    for (Column column : table) {
      Object value = column.isProperty() ? null : element.getAttribute(column);
      if (value != null) {
        values.add(text(column.getTitle()) + ":" + text(value));
      }
    }
    return values.toString();
  }

  private static String text(Object value) {
    if (value == null) {
      return "null";
    }
    StringBuilder text = new StringBuilder("\"");
    for (char c : value.toString().toCharArray()) {
      text.append(c < 32 || c > 126 || c == '"' || c == '\\' ? String.format("\\u%04x", (int) c) : String.valueOf(c));
    }
    return text.append('"').toString();
  }
}
