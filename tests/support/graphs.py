"""Graphs to be measured: the bundled one, its crawled part with a border, and odd ones."""

from __future__ import annotations

import gzip
from collections.abc import Iterable
from functools import cache

import numpy as np

from twittomatic.dataset import Graph
from twittomatic.emulator import bundled_graph


def graph_of(
    edges: Iterable[tuple[int, int]], nodes: Iterable[int] = (), border: Iterable[int] = ()
) -> Graph:
    """Return the graph of edges (follower, followed), with further nodes; the border is not crawled."""
    pairs = np.array(sorted(set(edges)), np.int64).reshape(-1, 2)
    ids = np.array(sorted({*pairs.ravel().tolist(), *nodes}), np.int64)
    follower, followed = np.searchsorted(ids, pairs[:, 0]), np.searchsorted(ids, pairs[:, 1])
    order = np.lexsort((follower, followed))
    counts = np.bincount(followed, minlength=len(ids))
    return Graph(
        ids=ids,
        indptr=np.concatenate([np.zeros(1, np.int64), np.cumsum(counts, dtype=np.int64)]),
        followers=follower[order].astype(np.int32),
        crawled=~np.isin(ids, list(border)),
    )


@cache
def bundled() -> Graph:
    """Return the bundled follower graph: 3,726 users and 23,939 edges, all of them crawled."""
    with gzip.open(bundled_graph(), "rt") as file:
        pairs = [line.split() for line in file]
    return graph_of((int(follower), int(followed)) for followed, follower in pairs)


@cache
def bordered() -> Graph:
    """Return what a crawl of one hop finds in the bundled graph: the followers of the target's followers.

    Most of its users are at the border: nobody is known to follow them.
    """
    whole = bundled()
    target = int(np.searchsorted(whole.ids, 2979))
    crawled = np.zeros(whole.node_count, np.bool_)
    crawled[whole.followers[whole.indptr[target] : whole.indptr[target + 1]]] = True
    crawled[target] = True
    followed = np.repeat(np.arange(whole.node_count), whole.in_degrees())
    kept = crawled[followed]
    edges = list(
        zip(whole.ids[whole.followers[kept]].tolist(), whole.ids[followed[kept]].tolist(), strict=True)
    )
    return graph_of(edges, border=set(np.ravel(edges).tolist()) - set(whole.ids[crawled].tolist()))


def odd() -> dict[str, Graph]:
    """Return graphs of the kinds that break measures, by name."""
    return {
        "no users": graph_of([]),
        "one user": graph_of([], nodes=[5]),
        "users without edges": graph_of([], nodes=[5, 6, 7]),
        "a self-follow": graph_of([(5, 5)]),
        "a self-follow among others": graph_of([(5, 5), (5, 6), (6, 5), (7, 6)]),
        "one edge": graph_of([(2**63 - 1, 1)]),
    }
