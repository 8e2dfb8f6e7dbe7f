"""Choose the users that a picture shows: as many of the most followed ones as stay readable."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from twittomatic.dataset.graph import Graph, Nodes
from twittomatic.dataset.graph.edgeblocks import edge_blocks

_BLOCK = 4_000_000  # edges that are read together, so that memory does not grow with their number


def choose(graph: Graph, top: int, edges: int) -> npt.NDArray[np.bool_]:
    """Return the nodes that a picture shows, as a mask (shape n).

    They are the most followed nodes, without those that have no edge to another one of them.

    Args:
        graph: The follow graph.
        top: Maximum number of nodes.
        edges: Maximum number of edges among them; fewer nodes are shown if there are more.
    """
    n = graph.node_count
    followers, following = graph.in_degrees(), graph.out_degrees()
    rank = np.empty(n, np.int64)
    rank[np.lexsort((graph.ids, -following, -followers))] = np.arange(n)
    # An edge is among the first k nodes if both its ends are.
    by_last_end = np.zeros(n + 1, np.int64)
    for followed, follower in _edges(graph):
        by_last_end += np.bincount(np.maximum(rank[followed], rank[follower]) + 1, minlength=n + 1)
    fitting = int(np.searchsorted(np.cumsum(by_last_end), edges, side="right")) - 1
    shown: npt.NDArray[np.bool_] = rank < min(top, max(fitting, 1))
    linked = np.zeros(n, np.bool_)
    for followed, follower in _edges(graph):
        both = shown[followed] & shown[follower] & (followed != follower)
        linked[followed[both]] = True
        linked[follower[both]] = True
    return linked if linked.any() else shown


def _edges(graph: Graph) -> Iterator[tuple[npt.NDArray[np.int64], Nodes]]:
    """Yield the followed node and the follower of each edge, in blocks."""
    for block in edge_blocks(graph, _BLOCK):
        yield np.repeat(np.arange(block.first, block.last), block.counts), block.followers
