"""Choose the users that a picture shows: as many of the most followed as stay readable."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from twittomatic.dataset.graph import Graph, Nodes

_BLOCK = 4_000_000  # edges looked at together: memory does not grow with the graph's edges


def choose(graph: Graph, top: int, edges: int) -> npt.NDArray[np.bool_]:
    """Return which nodes a picture shows (shape n): the most followed ones that are linked to one another.

    Args:
        graph: The follow graph.
        top: So many nodes at most.
        edges: So many edges among them at most; of more, fewer nodes are shown.
    """
    n = graph.node_count
    followers, following = graph.in_degrees(), graph.out_degrees()
    rank = np.empty(n, np.int64)
    rank[np.lexsort((graph.ids, -following, -followers))] = np.arange(n)
    # An edge is among the first k nodes if both its ends are.
    by_last_end = np.zeros(n + 1, np.int64)
    for followed, follower in _blocks(graph):
        by_last_end += np.bincount(np.maximum(rank[followed], rank[follower]) + 1, minlength=n + 1)
    fitting = int(np.searchsorted(np.cumsum(by_last_end), edges, side="right")) - 1
    shown: npt.NDArray[np.bool_] = rank < min(top, max(fitting, 1))
    linked = np.zeros(n, np.bool_)
    for followed, follower in _blocks(graph):
        both = shown[followed] & shown[follower] & (followed != follower)
        linked[followed[both]] = True
        linked[follower[both]] = True
    return linked if linked.any() else shown


def _blocks(graph: Graph) -> Iterator[tuple[npt.NDArray[np.int64], Nodes]]:
    """Yield the followed and the follower of each edge, in blocks."""
    at = 0
    while at < graph.node_count:
        to = max(at + 1, int(np.searchsorted(graph.indptr, graph.indptr[at] + _BLOCK, side="right")) - 1)
        counts = np.diff(graph.indptr[at : to + 1])
        follower = graph.followers[graph.indptr[at] : graph.indptr[to]]
        yield np.repeat(np.arange(at, to), counts), np.asarray(follower)
        at = to
