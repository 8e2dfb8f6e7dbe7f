"""A directed graph in compressed sparse rows: the followers of each node are adjacent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

from twittomatic.dataset.ids import UserIds
from twittomatic.model import Ending

if TYPE_CHECKING:
    from twittomatic.dataset import measures
    from twittomatic.dataset.picture import Labels, Picture, ReadProfiles

Nodes: TypeAlias = npt.NDArray[np.int32]
"""Node numbers, from 0 to one less than the number of nodes."""

ENDINGS = ("", *map(str, Ending))
"""Endings of lists by their number in `GraphLists.endings`; 0 means unknown."""

_STEP = 1 << 22  # edges that are processed together


@dataclass(frozen=True, slots=True, eq=False)
class GraphLists:
    """Journal data about the follower lists of a graph; all arrays are parallel.

    Attributes:
        nodes: The crawled nodes, sorted (int32).
        lines: Number of followers in the file, including duplicates (int64).
        endings: Ending of the list, as an index into `ENDINGS` (uint8); 0 if the journal has no line about
            this version of the list.
        claimed: Claimed count when the list was downloaded, -1 if unknown (int64).
        began_at: Time of the first request, in microseconds since the epoch; 0 if unknown (int64).
        ended_at: Time when the list ended, in microseconds since the epoch; 0 if unknown (int64).
        depth: Hops from a seed, -1 if unknown (int32).
    """

    nodes: Nodes
    lines: npt.NDArray[np.int64]
    endings: npt.NDArray[np.uint8]
    claimed: npt.NDArray[np.int64]
    began_at: npt.NDArray[np.int64]
    ended_at: npt.NDArray[np.int64]
    depth: npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True, eq=False)
class Graph:
    """The follow graph. An edge leads from a follower to the user who is followed. Arrays are read-only.

    Attributes:
        ids: User id of each node, sorted (int64, shape n).
        indptr: Start of the followers of each node in `followers` (int64, shape n + 1).
        followers: Followers of all nodes (int32, shape m). Those of node i are
            `followers[indptr[i]:indptr[i + 1]]`, sorted and without duplicates.
        crawled: Whether the list of a node's followers is in the dataset (bool, shape n). The other nodes are
            border users: they have no followers in the graph, regardless of the network.
        lists: Journal data about the lists of the crawled nodes; None if the graph was made without it.
    """

    ids: UserIds
    indptr: npt.NDArray[np.int64]
    followers: Nodes
    crawled: npt.NDArray[np.bool_]
    lists: GraphLists | None = None

    def __repr__(self) -> str:
        return (
            f"<Graph of {self.node_count:,} users and {self.edge_count:,} follows; "
            f"{int(self.crawled.sum()):,} users were crawled>"
        )

    @property
    def node_count(self) -> int:
        """Number of nodes."""
        return len(self.ids)

    @property
    def edge_count(self) -> int:
        """Number of edges."""
        return len(self.followers)

    @property
    def complete(self) -> npt.NDArray[np.bool_]:
        """Whether the list of a node's followers is in the dataset and complete (bool, shape n)."""
        complete = np.zeros(self.node_count, np.bool_)
        if self.lists is not None:
            complete[self.lists.nodes] = self.lists.endings == ENDINGS.index(Ending.COMPLETE)
        return complete

    @property
    def claimed(self) -> npt.NDArray[np.int64]:
        """Claimed count of each node's list; -1 if unknown (int64, shape n)."""
        claimed = np.full(self.node_count, -1)
        if self.lists is not None:
            claimed[self.lists.nodes] = self.lists.claimed
        return claimed

    @property
    def coverage(self) -> npt.NDArray[np.float64]:
        """Length of each node's list divided by its claimed count (float64, shape n); NaN if unknown.

        It may be above 1, since the claim may be older than the list.
        """
        coverage = np.full(self.node_count, np.nan)
        if self.lists is not None:
            claimed, lines = self.lists.claimed, self.lists.lines
            known = claimed >= 0
            share = np.where(lines == claimed, 1.0, lines / np.maximum(claimed, 1))
            coverage[self.lists.nodes[known]] = share[known]
        return coverage

    def in_degrees(self) -> npt.NDArray[np.int64]:
        """Return the number of followers of each node in the graph (int64, shape n)."""
        return np.diff(self.indptr)

    def out_degrees(self) -> npt.NDArray[np.int64]:
        """Return the number of nodes that each node follows (int64, shape n)."""
        degrees = np.zeros(self.node_count, np.int64)
        for start in range(0, self.edge_count, step := max(_STEP, self.node_count)):
            degrees += np.bincount(self.followers[start : start + step], minlength=self.node_count)
        return degrees

    def subgraph(self, nodes: npt.NDArray[np.bool_]) -> Graph:
        """Return the subgraph induced by some nodes, which are renumbered in the same order.

        Args:
            nodes: Mask of the nodes to keep (bool, shape n).
        """
        number = np.cumsum(nodes, dtype=np.int32) - np.int32(1)
        counts = np.zeros(self.node_count, np.int64)
        pieces: list[Nodes] = []
        for first, last in node_ranges(self.indptr):
            followers = self.followers[self.indptr[first] : self.indptr[last]]
            degrees = np.diff(self.indptr[first : last + 1])
            kept = nodes[followers] & np.repeat(nodes[first:last], degrees)
            pieces.append(number[followers[kept]])
            counts[first:last] = np.bincount(
                np.repeat(np.arange(last - first), degrees)[kept], minlength=last - first
            )
        return Graph(
            ids=self.ids[nodes],
            indptr=np.concatenate([np.zeros(1, np.int64), np.cumsum(counts[nodes])]),
            followers=np.concatenate([np.empty(0, np.int32), *pieces]),
            crawled=self.crawled[nodes],
            lists=_among(self.lists, nodes, number),
        )

    def degrees(self) -> measures.Degrees:
        """Return the in-degree and out-degree of each node."""
        from twittomatic.dataset import measures

        return measures.degrees(self)

    def reciprocity(self) -> measures.Reciprocity:
        """Return the share of mutual edges, and the mutual edges of each node."""
        from twittomatic.dataset import measures

        return measures.reciprocity(self)

    def pagerank(self, damping: float = 0.85) -> npt.NDArray[np.float64]:
        """Return the PageRank of each node, as igraph and NetworkX define it: float64, shape n, sum 1.

        Args:
            damping: Probability of following an edge instead of jumping to any user.
        """
        from twittomatic.dataset import measures

        return measures.pagerank(self, damping).scores

    def hits(self) -> measures.Hits:
        """Return the hub and authority scores of each node."""
        from twittomatic.dataset import measures

        return measures.hits(self)

    def components(self) -> measures.Components:
        """Return the weakly connected components."""
        from twittomatic.dataset import measures

        return measures.components(self)

    def communities(self, seed: int | None = 1) -> measures.Communities:
        """Return communities of the undirected graph: by Leiden, or by label propagation without NetworKit.

        Args:
            seed: Seed of the random numbers; the same seed gives the same communities. None uses all cores,
                and the result differs from run to run.
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
        """Return the betweenness centrality of each node: its share of the shortest paths.

        Args:
            samples: Number of random users from whose paths it is estimated; None computes it exactly in
                small graphs, and samples in large ones.
            seed: Seed of the sample.

        Raises:
            SettingsError: NetworKit is not installed.
        """
        from twittomatic.dataset import measures

        return measures.betweenness(self, samples, seed)

    def picture(
        self,
        profiles: ReadProfiles | None = None,
        *,
        top: int | None = None,
        size: int = 2400,
        light: bool = False,
        labels: Labels = "names",
        seed: int = 1,
    ) -> Picture:
        """Return a picture, which a notebook shows and `Picture.save` writes as PNG or HTML.

        >>> graph.picture(ds.node_profiles, top=5000).save("graph.html")  # doctest: +SKIP

        Args:
            profiles: Reads the profiles whose names label the users, such as `Dataset.node_profiles`; None
                labels them by id.
            top: Number of users to show, the most followed ones; None shows as many as stay readable.
            size: Length of the longer side of the PNG, in pixels.
            light: Whether the background is light.
            labels: Label users with their `names`, with `pseudonyms`, or with `none`.
            seed: Seed of the layout and the communities; the same seed gives the same picture.

        Raises:
            SettingsError: an argument is not allowed.
        """
        from twittomatic.dataset.picture import Picture

        return Picture(self, profiles, top=top, size=size, light=light, labels=labels, seed=seed)

    def _repr_html_(self) -> str:
        from twittomatic.dataset.notebook import card

        facts = {
            "users": self.node_count,
            "follows": self.edge_count,
            "users with their list of followers": int(self.crawled.sum()),
        }
        return card("Follow graph", facts, "graph.picture() draws it.")

    def overlap(self, users: int = 100) -> measures.Overlap:
        """Return the number of followers that each two of the most followed users share.

        Args:
            users: Number of users to compare.
        """
        from twittomatic.dataset import measures

        return measures.overlap(self, users)

    def scipy(self) -> Any:
        """Return the adjacency matrix as a `scipy.sparse.csc_array`: 1 at `[i, j]` if node i follows node j.

        Raises:
            SettingsError: SciPy is not installed.
        """
        from twittomatic.dataset.graph.handouts import to_scipy

        return to_scipy(self)

    def networkit(self) -> Any:
        """Return a directed `networkit.Graph` with the same node numbers.

        Raises:
            SettingsError: NetworKit is not installed.
        """
        from twittomatic.dataset.graph.handouts import to_networkit

        return to_networkit(self)

    def igraph(self) -> Any:
        """Return a directed `igraph.Graph` with the same node numbers.

        Vertices have `name`, the user id as text (igraph writes numbers as floats), and `crawled`.

        Raises:
            SettingsError: igraph is not installed.
        """
        from twittomatic.dataset.graph.handouts import to_igraph

        return to_igraph(self)

    def networkx(self) -> Any:
        """Return a `networkx.DiGraph` with the same node numbers. Nodes have `id`, the user, and `crawled`.

        Raises:
            SettingsError: NetworkX is not installed, or there are more than 2,000,000 edges.
        """
        from twittomatic.dataset.graph.handouts import to_networkx

        return to_networkx(self)


def node_ranges(indptr: npt.NDArray[np.int64]) -> list[tuple[int, int]]:
    """Divide the nodes into ranges with some million edges each; a node with more is a range of its own."""
    ranges = []
    first, count = 0, len(indptr) - 1
    while first < count:
        last = int(np.searchsorted(indptr, indptr[first] + _STEP, side="right")) - 1
        last = min(max(last, first + 1), first + _STEP, count)
        ranges.append((first, last))
        first = last
    return ranges


def _among(lists: GraphLists | None, nodes: npt.NDArray[np.bool_], number: Nodes) -> GraphLists | None:
    if lists is None:
        return None
    kept = nodes[lists.nodes]
    return GraphLists(
        nodes=number[lists.nodes[kept]],
        lines=lists.lines[kept],
        endings=lists.endings[kept],
        claimed=lists.claimed[kept],
        began_at=lists.began_at[kept],
        ended_at=lists.ended_at[kept],
        depth=lists.depth[kept],
    )
