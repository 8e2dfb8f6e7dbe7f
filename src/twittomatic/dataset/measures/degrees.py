"""Degrees and reciprocity."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from twittomatic.dataset.graph import Graph
from twittomatic.dataset.measures.undirected import Ties

Counts = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Degrees:
    """Degrees of each node.

    Attributes:
        followers: In-degree: number of followers in the graph (int64, shape n).
        following: Out-degree: number of nodes that the node follows (int64, shape n).
    """

    followers: Counts
    following: Counts


@dataclass(frozen=True, slots=True, eq=False)
class Reciprocity:
    """Mutual edges. Self-follows are not counted.

    Attributes:
        share: Share of the edges that are mutual, from 0 to 1; NaN without an edge.
        edges: Number of edges.
        pairs: Number of pairs who follow each other.
        mutual: Number of mutual edges of each node (int64, shape n).
        followers: Number of followers of each node (int64, shape n).
    """

    share: float
    edges: int
    pairs: int
    mutual: Counts
    followers: Counts


def degrees(graph: Graph) -> Degrees:
    """Return the degrees of each node."""
    return Degrees(graph.in_degrees(), graph.out_degrees())


def reciprocity(graph: Graph) -> Reciprocity:
    """Return the mutual edges of a graph.

    Edges to border users are unknown, so pass the subgraph of crawled users.
    Source: Newman, Forrest and Balthrop, *Email networks and the spread of computer viruses* (2002), as
    NetworkX computes it.
    """
    ties = Ties.of(graph)
    pairs = int(np.count_nonzero(ties.mutual))
    edges = len(ties.low) + pairs
    loops = np.zeros(graph.node_count, np.int64)
    followed = np.repeat(np.arange(graph.node_count), graph.in_degrees())
    loops[graph.followers[graph.followers == followed]] = 1
    return Reciprocity(
        share=2 * pairs / edges if edges else float("nan"),
        edges=edges,
        pairs=pairs,
        mutual=ties.mutual_degrees(),
        followers=graph.in_degrees() - loops,
    )
