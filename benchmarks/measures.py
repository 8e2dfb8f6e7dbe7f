"""PageRank and components of a follow graph, against NetworKit and igraph.

Two graphs with a heavy tail: as after a crawl, where most users were never crawled, and one in which
everybody was. Each contender runs in its own process with one thread. Seconds are CPU seconds of that
process, and the time to load our arrays into a library counts. Bytes are the peak of its resident memory
over what it had before: the mapped graph counts.

    python benchmarks/measures.py [--edges 10000000] [--only twittomatic]
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from harness import verdict
from twittomatic.dataset import Graph
from twittomatic.dataset.measures import components, pagerank
from twittomatic.dataset.measures.followed import FollowedPart, sums_by_row

EDGES_PER_S = 50e6  # goal: a core and iteration
BYTES_PER_EDGE = 8  # goal: the graph included
TOLERANCE = 1e-10
_FILES = ("ids", "indptr", "followers", "crawled")


def make(place: Path, edges: int, crawled_share: float) -> None:
    """Write the arrays of a graph of about so many edges and a seventh as many users."""
    random = np.random.default_rng(7)
    users = edges // 7
    crawled = max(1, int(users * crawled_share))
    lengths = (random.pareto(1.15, crawled) + 1) * 20
    lengths = np.minimum(lengths, edges / 30)
    lengths = np.maximum((lengths * edges / lengths.sum()).astype(np.int64), 1)
    nodes = np.sort(random.permutation(users)[:crawled])
    keys = []
    for begin in range(0, crawled, 1 << 14):
        some = lengths[begin : begin + (1 << 14)]
        followed = np.repeat(nodes[begin : begin + (1 << 14)], some)
        near = random.random(len(followed)) < 0.7  # of the same neighborhood of users
        follower = (random.random(len(followed)) ** 2.2 * users).astype(np.int64)
        follower = np.where(near, (followed // 4096 * 4096 + follower % 4096) % users, follower)
        part = followed * users + follower
        part.sort()
        keys.append(part[np.concatenate([[True], part[1:] != part[:-1]])])
    flat = np.concatenate(keys)
    counts = np.bincount(flat // users, minlength=users)
    is_crawled = np.zeros(users, np.bool_)
    is_crawled[nodes] = True
    arrays = {
        "ids": np.arange(users),
        "indptr": np.concatenate([[0], np.cumsum(counts)]),
        "followers": (flat % users).astype(np.int32),
        "crawled": is_crawled,
    }
    for name, array in arrays.items():
        np.save(place / name, array)


def load(place: Path) -> Graph:
    """Map the arrays of a graph, as a dataset's cache is mapped."""
    return Graph(**{name: np.load(place / f"{name}.npy", mmap_mode="r") for name in _FILES})


def run(contender: str, measure: str, place: Path) -> dict[str, Any]:
    """Measure a graph in this process; return the seconds, the bytes and what was found."""
    graph = load(place)
    if contender == "networkit":
        import networkit

        networkit.setNumberOfThreads(1)
    elif contender == "igraph":
        import igraph
    Path("/proc/self/clear_refs").write_text("5")  # forget the peak that the parent process left
    before = peak()
    started = time.process_time()
    if contender != "twittomatic":
        followed = np.repeat(np.arange(graph.node_count, dtype=np.uint32), graph.in_degrees())
        follower = np.asarray(graph.followers).astype(np.uint32)
    if contender == "twittomatic":
        loaded = started
        if measure == "pagerank":
            ranks = pagerank(graph, tolerance=TOLERANCE)
            found: float = ranks.iterations
        else:
            found = components(graph).count
    elif contender == "networkit":
        library = networkit.GraphFromCoo(
            (follower, followed), n=graph.node_count, directed=measure == "pagerank"
        )
        loaded = time.process_time()
        if measure == "pagerank":
            sinks = networkit.centrality.SinkHandling.DistributeSinks
            job = networkit.centrality.PageRank(library, damp=0.85, tol=TOLERANCE, distributeSinks=sinks)
            job.run()
            found = job.numberOfIterations()
        else:
            job = networkit.components.ConnectedComponents(library)
            job.run()
            found = job.numberOfComponents()
    else:
        pairs = np.stack([follower, followed], 1)
        library = igraph.Graph(n=graph.node_count, edges=pairs, directed=True)
        loaded = time.process_time()
        found = (
            float(np.argmax(library.pagerank())) if measure == "pagerank" else len(library.components("weak"))
        )
    return {
        "load": loaded - started,
        "run": time.process_time() - loaded,
        "bytes": peak() - before,
        "found": found,
    }


def peak() -> int:
    """Return the peak of this process's resident memory, in bytes."""
    found = re.search(r"VmHWM:\s+([0-9]+) kB", Path("/proc/self/status").read_text())
    assert found
    return int(found[1]) * 1024


def one_iteration(graph: Graph) -> tuple[float, float]:
    """Return the edges a second of an iteration, by the edges of the graph and by those visited."""
    part = FollowedPart.of(graph)
    values = np.random.default_rng(1).random(len(part.nodes))
    sums_by_row(values, part.indptr, part.followers)
    started = time.process_time()
    sums_by_row(values, part.indptr, part.followers)
    taken = time.process_time() - started
    return graph.edge_count / taken, len(part.followers) / taken


def in_process(contender: str, measure: str, place: Path) -> dict[str, Any]:
    """Measure in a process of its own, with one thread."""
    command = [sys.executable, __file__, "--run", contender, measure, str(place)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--edges", type=int, default=10_000_000)
    parser.add_argument("--only", choices=("twittomatic", "networkit", "igraph"))
    parser.add_argument("--run", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.run:
        contender, measure, place = options.run
        print(json.dumps(run(contender, measure, Path(place))))
        return
    for kind, share in (("after a crawl: 1 % of the users crawled", 0.01), ("all users crawled", 1.0)):
        with tempfile.TemporaryDirectory() as name:
            place = Path(name)
            make(place, options.edges, share)
            report(kind, place, options.only)


def report(kind: str, place: Path, only: str | None) -> None:
    """Print the figures of a graph."""
    graph = load(place)
    print(f"\n{kind}: {graph.edge_count:,} edges, {graph.node_count:,} users")
    for measure in ("pagerank", "components"):
        whole = {}
        for contender in ("twittomatic", "networkit", "igraph"):
            if only in (None, contender):
                figures = in_process(contender, measure, place)
                whole[contender] = figures["load"] + figures["run"]
                print(
                    f"{measure:12} {contender:12} load {figures['load']:8.2f} s  "
                    f"run {figures['run']:8.2f} s  "
                    f"{figures['bytes'] / graph.edge_count:7.1f} B an edge  "
                    f"found {figures['found']:g}"
                )
                if contender == "twittomatic" and measure == "pagerank":
                    bytes_per_edge = figures["bytes"] / graph.edge_count
                    verdict("bytes an edge", bytes_per_edge, BYTES_PER_EDGE, most=True)
        for peer in set(whole) - {"twittomatic"}:
            if "twittomatic" in whole:
                ratio = whole[peer] / whole["twittomatic"]
                verdict(f"{measure}, against {peer} with its loading", ratio, 1)
    by_edges, visited = one_iteration(graph)
    verdict("an iteration of PageRank, M edges of the graph a second", by_edges / 1e6, EDGES_PER_S / 1e6)
    verdict("an iteration of PageRank, M visited edges a second", visited / 1e6, EDGES_PER_S / 1e6)


if __name__ == "__main__":
    main()
