"""Degrees, and how much following is mutual."""

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
        followers: Followers in the graph, the in-degree (int64, shape n).
        following: Users of the graph whom the node follows, the out-degree (int64, shape n).
    """

    followers: Counts
    following: Counts


@dataclass(frozen=True, slots=True, eq=False)
class Reciprocity:
    """How much following is mutual.

    Attributes:
        share: Edges that are answered by an edge back, of all edges without self-follows: 0 to 1, and NaN if
            there are none.
        edges: Number of edges without self-follows.
        pairs: Number of pairs who follow each other.
        mutual: Users whom each node follows and who follow back (int64, shape n).
        followers: Followers of each node without itself (int64, shape n).
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
    """Return which part of the edges is mutual.

    An edge from a user who was not crawled cannot be seen answered, so take the graph among crawled users.
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
