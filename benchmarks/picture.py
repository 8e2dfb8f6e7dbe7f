"""Draw follow graphs: the layout against `fa2`, and a whole picture against its goals of time and memory.

Graphs: one as large as the demo's (3,438 users, 22,259 edges) and a large one (100,000 users, 1.8 million
edges), both with a heavy tail and communities. Times are CPU seconds, since the machine may be shared.

- layout: a step of ForceAtlas2 with its repulsion on a mesh, ours.
- fa2: a step of ForceAtlas2 by Barnes and Hut, in Cython (GPL-3: only here; `pip install fa2` to compare).
- picture: from the graph to a PNG of 2,400 pixels, in a process of its own: CPU seconds, peak memory.

    python benchmarks/picture.py [--users 100000] [--edges 1850000] [--steps 20]
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from harness import verdict
from twittomatic.dataset import Graph
from twittomatic.dataset.picture.layout import arrange, default_steps

GROUPS = 64
DEMO = (3_438, 23_500)  # users and edges, before edges that are drawn twice are dropped


def made_up(users: int, edges: int) -> Graph:
    """Return a graph with a heavy tail and communities of very different sizes."""
    random = np.random.default_rng(1)
    weight = np.minimum(1 + random.pareto(1.3, users), users / 50)
    group = random.zipf(1.6, users) % GROUPS
    order = np.argsort(group, kind="stable")
    total = np.concatenate([[0], np.cumsum(weight[order])])
    bounds = np.searchsorted(group[order], np.arange(GROUPS + 1))
    follower = random.integers(0, users, edges)
    within = random.random(edges) < 0.85
    low = np.where(within, total[bounds[group[follower]]], 0)
    high = np.where(within, total[bounds[group[follower] + 1]], total[-1])
    at = np.searchsorted(total, low + random.random(edges) * (high - low), side="right") - 1
    followed = order[np.minimum(at, users - 1)]
    keys = np.sort(followed * users + follower)
    keys = keys[np.append(True, keys[1:] != keys[:-1])]
    return Graph(
        ids=np.arange(users) * 1000 + 7,
        indptr=np.searchsorted(keys // users, np.arange(users + 1)).astype(np.int64),
        followers=(keys % users).astype(np.int32),
        crawled=np.ones(users, np.bool_),
    )


def cpu_seconds(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def peer_step(graph: Graph, steps: int) -> float | None:
    """Return the CPU seconds of a step of `fa2`, its start left out; None if it is not installed."""
    try:
        from fa2 import ForceAtlas2
        from scipy.sparse import csr_matrix
    except ImportError:
        return None
    n = graph.node_count
    one_way = csr_matrix((np.ones(graph.edge_count), graph.followers, graph.indptr), shape=(n, n))
    both_ways = (one_way + one_way.T).tolil()
    begin = np.random.default_rng(1).random((n, 2)) * np.sqrt(n)

    def run(count: int) -> float:
        layout = ForceAtlas2(linLogMode=False, barnesHutOptimize=True, verbose=False)
        return cpu_seconds(lambda: layout.forceatlas2(both_ways, pos=begin.copy(), iterations=count))

    return (run(1 + steps) - run(1)) / steps


def whole(users: int, edges: int, sender: Any) -> None:
    """Draw a made-up graph; send the CPU seconds and the peak memory of this process in MiB."""
    from twittomatic.dataset.picture import Picture

    graph = made_up(users, edges)
    spent = cpu_seconds(Picture(graph).png)
    sender.send((spent, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--users", type=int, default=100_000)
    parser.add_argument("--edges", type=int, default=1_850_000)
    parser.add_argument("--steps", type=int, default=20)
    options = parser.parse_args()
    for name, (users, edges), seconds in (
        ("demo", DEMO, 8),
        ("large", (options.users, options.edges), 300),
    ):
        graph = made_up(users, edges)
        print(f"{name}: {graph.node_count:,} users, {graph.edge_count:,} edges, {default_steps(users)} steps")
        arrange(graph, steps=1)
        ours = cpu_seconds(lambda graph=graph: arrange(graph, steps=options.steps)) / options.steps
        peer = peer_step(graph, options.steps)
        print(f"  a step: {ours * 1e3:,.1f} ms" + (f", fa2: {peer * 1e3:,.1f} ms" if peer else ""))
        if peer:
            verdict(f"{name}: a step of fa2 / of ours", peer / ours, 1)
        receiver, sender = multiprocessing.Pipe(duplex=False)
        process = multiprocessing.get_context("spawn").Process(target=whole, args=(users, edges, sender))
        process.start()
        spent, memory = receiver.recv()
        process.join()
        verdict(f"{name}: whole picture", spent, seconds, most=True, unit=" CPU s")
        verdict(f"{name}: peak memory", memory, 1024, most=True, unit=" MiB")


if __name__ == "__main__":
    main()
