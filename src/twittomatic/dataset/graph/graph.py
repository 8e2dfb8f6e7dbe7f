"""A directed graph in compressed sparse rows: the followers of each node are adjacent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from twittomatic.dataset.ids import UserIds

Nodes: TypeAlias = npt.NDArray[np.int32]
"""Node numbers, from 0 to one less than the number of nodes."""


@dataclass(frozen=True, slots=True, eq=False)
class Graph:
    """The follow graph. An edge leads from a follower to the user who is followed.

    Attributes:
        ids: User id of each node, sorted (int64, shape n).
        indptr: Where the followers of each node begin in `followers` (int64, shape n + 1).
        followers: The followers of node i are `followers[indptr[i]:indptr[i + 1]]`: sorted, each once (int32,
            shape m).
        crawled: Whether the dataset has the list of a node's followers (bool, shape n). The others have no
            followers here, whatever they have on the network.
    """

    ids: UserIds
    indptr: npt.NDArray[np.int64]
    followers: Nodes
    crawled: npt.NDArray[np.bool_]

    @property
    def node_count(self) -> int:
        """Number of nodes."""
        return len(self.ids)

    @property
    def edge_count(self) -> int:
        """Number of edges."""
        return len(self.followers)

    def in_degrees(self) -> npt.NDArray[np.int64]:
        """Return how many followers each node has in the graph (shape n)."""
        return np.diff(self.indptr)

    def out_degrees(self) -> npt.NDArray[np.int64]:
        """Return how many users of the graph each node follows (shape n)."""
        return np.bincount(self.followers, minlength=self.node_count).astype(np.int64, copy=False)

    def subgraph(self, nodes: npt.NDArray[np.bool_]) -> Graph:
        """Return the graph among some nodes, numbered anew in the same order.

        Args:
            nodes: Whether each node stays (shape n).
        """
        number = np.cumsum(nodes, dtype=np.int64) - 1
        followed = np.repeat(np.arange(self.node_count), self.in_degrees())
        kept = nodes[followed] & nodes[self.followers]
        counts = np.bincount(number[followed[kept]], minlength=int(nodes.sum()))
        return Graph(
            ids=self.ids[nodes],
            indptr=np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)]),
            followers=number[self.followers[kept]].astype(np.int32),
            crawled=self.crawled[nodes],
        )
