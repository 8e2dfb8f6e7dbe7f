"""A directed graph in compressed sparse rows: the followers of each node are adjacent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import numpy.typing as npt

from twittomatic.dataset.ids import UserIds

if TYPE_CHECKING:
    from twittomatic.dataset import measures

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

    def degrees(self) -> measures.Degrees:
        """Return how many followers each node has, and how many users it follows."""
        from twittomatic.dataset import measures

        return measures.degrees(self)

    def reciprocity(self) -> measures.Reciprocity:
        """Return which part of the edges is mutual."""
        from twittomatic.dataset import measures

        return measures.reciprocity(self)

    def pagerank(self, damping: float = 0.85) -> measures.PageRank:
        """Return the PageRank of each node, as igraph and NetworkX define it.

        Args:
            damping: Probability of following an edge instead of jumping to any user.
        """
        from twittomatic.dataset import measures

        return measures.pagerank(self, damping)

    def hits(self) -> measures.Hits:
        """Return the hubs and authorities of each node."""
        from twittomatic.dataset import measures

        return measures.hits(self)

    def components(self) -> measures.Components:
        """Return the weakly connected components."""
        from twittomatic.dataset import measures

        return measures.components(self)

    def communities(self, seed: int | None = 1) -> measures.Communities:
        """Return communities of the undirected graph: by Leiden, or by label propagation without NetworKit.

        Args:
            seed: The same seed gives the same communities. None uses all cores, and the result differs from
                run to run.
        """
        from twittomatic.dataset import measures

        return measures.communities(self, seed)

    def cores(self) -> measures.Cores:
        """Return the core number of each node in the undirected graph.

        Raises:
            SettingsError: NetworKit is not installed.
        """
        from twittomatic.dataset import measures

        return measures.cores(self)

    def clustering(self) -> measures.Clustering:
        """Return the clustering coefficients of the undirected graph.

        Raises:
            SettingsError: NetworKit is not installed.
        """
        from twittomatic.dataset import measures

        return measures.clustering(self)

    def betweenness(self, samples: int | None = None, seed: int | None = 1) -> measures.Betweenness:
        """Return which share of the shortest paths leads over each node.

        Args:
            samples: Sources of paths from which it is estimated; None is exact in small graphs.
            seed: The same seed gives the same sample.

        Raises:
            SettingsError: NetworKit is not installed.
        """
        from twittomatic.dataset import measures

        return measures.betweenness(self, samples, seed)

    def overlap(self, users: int = 100) -> measures.Overlap:
        """Return how many followers the most followed users share, two by two.

        Args:
            users: How many of the most followed users are compared.
        """
        from twittomatic.dataset import measures

        return measures.overlap(self, users)
