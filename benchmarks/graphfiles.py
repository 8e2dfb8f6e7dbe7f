"""Write graph files, against lxml's incremental writer and NetworkX on the same graph.

The graph has ids of up to 19 digits, and nodes have five attributes. Each contender is a process of its own,
whose peak memory is measured, and writes to /dev/null. Rates are edges for each CPU second that it takes to
write nodes and edges; the seconds that it takes to make them up are subtracted. lxml and NetworkX, which are
slower, write a smaller graph of the same density, and NetworkX has its graph in memory before it is timed.

Without lxml, which is no dependency (pip install lxml), it is left out.

    python benchmarks/graphfiles.py [--edges 10000000] [--nodes 2000000] [--peers 500000]
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from twittomatic.dataset.export.gexf import gexf
from twittomatic.dataset.export.graphml import graphml
from twittomatic.dataset.export.graphology import graphology
from twittomatic.dataset.export.network import ArcBatch, Attribute, Network, NodeBatch
from twittomatic.dataset.export.pajek import pajek

WRITERS: dict[str, Callable[[Network], Iterator[bytes]]] = {
    "gexf": gexf,
    "graphml": graphml,
    "net": pajek,
    "json": graphology,
}
ATTRIBUTES = [
    Attribute("followers_count", "long"),
    Attribute("in_degree", "long"),
    Attribute("out_degree", "long"),
    Attribute("crawled", "boolean"),
    Attribute("pagerank", "double"),
]
NOWHERE = Path(os.devnull)
NODES, EDGES = 1 << 12, 1 << 15  # of a batch
GOAL_RATE, GOAL_RATIO = 2e6, 10
BASE_MIB, NODE_BYTES = 64, 16


def network(nodes: int, edges: int) -> Network:
    """Return a made-up graph. Its ids are in memory, and edges are made while they are read."""
    ids = np.random.default_rng(1).integers(10**17, 2 * 10**18, nodes)
    ids.sort()
    lists = -(-edges // EDGES)

    def node_batches() -> Iterator[NodeBatch]:
        random = np.random.default_rng(2)
        for begin in range(0, nodes, NODES):
            some = ids[begin : begin + NODES]
            degrees = (random.pareto(1.2, len(some)) * 20).astype(np.int64).tolist()
            scores = random.random(len(some)).tolist()
            crawled = [degree > 100 for degree in degrees]
            labels = [f"@user_{number % 10**9}" for number in some.tolist()]
            yield NodeBatch(some, labels, [degrees, degrees, degrees, crawled, scores])

    def arcs() -> Iterator[ArcBatch]:
        random = np.random.default_rng(3)
        for number in range(lists):
            count = min(EDGES, edges - number * EDGES)
            source = random.integers(0, nodes, count).astype(np.int32)
            target = np.repeat(random.integers(0, nodes, -(-count // 500)), 500)[:count]  # 500 followers each
            yield ArcBatch(source, target.astype(np.int32))

    return Network(
        description="benchmark",
        ids=ids,
        edge_count=edges,
        nodes=node_batches,
        edges=arcs,
        node_attributes=ATTRIBUTES,
    )


def bare(graph: Network) -> float:
    """Return the CPU seconds that it takes to make up the nodes and edges."""
    started = time.process_time()
    for batches in (graph.nodes(), graph.edges()):
        for _ in batches:
            pass
    return time.process_time() - started


def write_own(graph: Network, kind: str) -> float:
    started = time.process_time()
    with NOWHERE.open("wb") as file:
        for piece in WRITERS[kind](graph):
            file.write(piece)
    return time.process_time() - started


def write_lxml(graph: Network, kind: str) -> float:
    from lxml import etree

    started = time.process_time()
    with (
        NOWHERE.open("wb") as file,
        etree.xmlfile(file, encoding="utf-8") as out,
        out.element("gexf", xmlns="http://gexf.net/1.3", version="1.3"),
        out.element("graph"),
    ):
        with out.element("nodes"):
            for batch in graph.nodes():
                for user_id, label, *values in zip(
                    batch.ids.tolist(), batch.labels, *batch.columns, strict=True
                ):
                    node = etree.Element("node", id=str(user_id), label=label)
                    listed = etree.SubElement(node, "attvalues")
                    for attribute, value in zip(ATTRIBUTES, values, strict=True):
                        etree.SubElement(listed, "attvalue", {"for": attribute.name, "value": str(value)})
                    out.write(node)
        with out.element("edges"):
            for arcs in graph.edges():
                sources, targets = graph.ids[arcs.source].tolist(), graph.ids[arcs.target].tolist()
                for source, target in zip(sources, targets, strict=True):
                    out.write(etree.Element("edge", source=str(source), target=str(target)))
    return time.process_time() - started


def write_networkx(graph: Network, kind: str) -> float:
    import networkx as nx

    built = nx.DiGraph()
    names = [attribute.name for attribute in ATTRIBUTES]
    for batch in graph.nodes():
        for user_id, label, *values in zip(batch.ids.tolist(), batch.labels, *batch.columns, strict=True):
            built.add_node(str(user_id), label=label, **dict(zip(names, values, strict=True)))
    for arcs in graph.edges():
        sources, targets = graph.ids[arcs.source].tolist(), graph.ids[arcs.target].tolist()
        built.add_edges_from(zip(map(str, sources), map(str, targets), strict=True))
    started = time.process_time()
    write: Any = nx.write_gexf if kind == "gexf" else nx.write_graphml
    with NOWHERE.open("wb") as file:
        write(built, file)
    return time.process_time() - started


CONTENDERS = {"own": write_own, "lxml": write_lxml, "networkx": write_networkx}


def measure(contender: str, kind: str, nodes: int, edges: int) -> tuple[float, float]:
    """Return edges per CPU second, and MiB of memory at the peak, of a process of its own."""
    done = subprocess.run(
        [sys.executable, __file__, "--run", contender, kind, str(nodes), str(edges)],
        capture_output=True,
        text=True,
        check=True,
    )
    seconds, memory = json.loads(done.stdout)
    print(f"{contender:9} {kind:8} {edges / seconds:14,.0f} edges/CPU s {memory:8,.0f} MiB", flush=True)
    return edges / seconds, memory


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--edges", type=int, default=10_000_000)
    parser.add_argument("--nodes", type=int, default=2_000_000)
    parser.add_argument("--peers", type=int, default=500_000, help="edges for lxml and NetworkX")
    parser.add_argument("--run", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.run:
        contender, kind, nodes, edges = options.run
        graph = network(int(nodes), int(edges))
        seconds = CONTENDERS[contender](graph, kind) - (0 if contender == "networkx" else bare(graph))
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024  # on Linux it is in KiB
        print(json.dumps([seconds, memory]))
        return
    from harness import verdict  # it imports the crawler, whose memory is not that of a writer

    few = options.peers * options.nodes // options.edges
    print(f"{options.nodes:,} nodes, {options.edges:,} edges; peers {few:,} and {options.peers:,}")
    peers = {
        (peer, kind): measure(peer, kind, few, options.peers)[0]
        for peer, kind in (("lxml", "gexf"), ("networkx", "gexf"), ("networkx", "graphml"))
        if find_spec(peer)
    }
    rates = {}
    for kind in WRITERS:
        rates[kind], memory = measure("own", kind, options.nodes, options.edges)
        if kind in ("gexf", "graphml"):
            verdict(f"{kind}, million edges a CPU second", rates[kind] / 1e6, GOAL_RATE / 1e6)
        verdict(f"{kind}, MiB", memory, BASE_MIB + NODE_BYTES * options.nodes / 2**20, most=True)
    for (peer, kind), rate in peers.items():
        verdict(f"{kind}, against {peer}", rates[kind] / rate, GOAL_RATIO)


if __name__ == "__main__":
    main()
