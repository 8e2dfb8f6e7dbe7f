"""Overlap of the followers of users."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from twittomatic.dataset.graph import Graph

_NODES = 1 << 14  # nodes of a block: with 1,000 users, 64 MB of float32


@dataclass(frozen=True, slots=True, eq=False)
class Overlap:
    """Followers that users share.

    Attributes:
        nodes: Compared users, in descending order of followers (int64, shape u).
        shared: Number of followers that each two of them share; the diagonal is the number of followers
            (int64, shape u, u).
    """

    nodes: npt.NDArray[np.int64]
    shared: npt.NDArray[np.int64]

    def jaccard(self) -> npt.NDArray[np.float64]:
        """Return the Jaccard index of each pair, from 0 to 1 (float64, shape u, u)."""
        own = np.diagonal(self.shared)
        either = own[:, np.newaxis] + own - self.shared
        share: npt.NDArray[np.float64] = self.shared / np.maximum(either, 1)
        return share


def overlap(graph: Graph, users: int = 100) -> Overlap:
    """Return the number of followers that each two of the most followed users share.

    Args:
        graph: The whole follow graph, including border users.
        users: Number of users to compare.
    """
    counts = graph.in_degrees()
    order = np.argsort(-counts, kind="stable")[: max(0, users)]
    nodes = order[counts[order] > 0]
    lists = [graph.followers[graph.indptr[node] : graph.indptr[node + 1]] for node in nodes]
    shared = np.zeros((len(nodes), len(nodes)), np.int64)
    cuts = np.arange(0, graph.node_count + _NODES, _NODES)
    places = [np.searchsorted(followers, cuts) for followers in lists]
    for block in range(len(cuts) - 1):
        follows = np.zeros((len(nodes), _NODES), np.float32)  # exact: it counts less than 2**24
        for row, (followers, place) in enumerate(zip(lists, places, strict=True)):
            follows[row, followers[place[block] : place[block + 1]] - cuts[block]] = 1
        shared += (follows @ follows.T).astype(np.int64)
    return Overlap(nodes, shared)
