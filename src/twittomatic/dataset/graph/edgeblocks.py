"""Iterate over the edges of a graph in blocks, so that a memory-mapped graph is never copied as a whole."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from twittomatic.dataset.graph.arrayfile import release
from twittomatic.dataset.graph.graph import Graph, Nodes

BLOCK = 1 << 16
"""Edges of a block whose values are gathered: 512 KB of float64, which fit into the cache of a core."""

_COUNTED = 1 << 18  # edges


class EdgeBlock(NamedTuple):
    """Consecutive edges of a graph.

    Attributes:
        first: First node that has followers in the block.
        last: End of the range of these nodes, exclusive.
        counts: Edges of each node from `first` to `last` in the block (int64, shape last - first).
        followers: Follower of each edge (int32, shape of at most the size of a block).
    """

    first: int
    last: int
    counts: npt.NDArray[np.int64]
    followers: Nodes


def row_blocks(indptr: npt.NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    """Yield ranges (first, last) of rows with at most `BLOCK` edges in all; a longer row is alone.

    There are at most `BLOCK` rows, too, since many may be empty.

    Args:
        indptr: Where each row begins, and where the last one ends.
    """
    first = 0
    while first < len(indptr) - 1:
        last = int(np.searchsorted(indptr, indptr[first] + BLOCK, "right")) - 1
        last = min(max(last, first + 1), first + BLOCK, len(indptr) - 1)
        yield first, last
        first = last


def edge_blocks(graph: Graph, edges: int) -> Iterator[EdgeBlock]:
    """Yield the edges of a graph in blocks.

    Args:
        graph: The graph.
        edges: Edges of a block; the last one may have fewer. A list of followers may continue in the next.
    """
    for begin in range(0, graph.edge_count, edges):
        end = min(begin + edges, graph.edge_count)
        first = int(np.searchsorted(graph.indptr, begin, "right")) - 1
        last = int(np.searchsorted(graph.indptr, end, "left"))
        bounds = np.clip(graph.indptr[first : last + 1], begin, end)
        yield EdgeBlock(first, last, bounds[1:] - bounds[:-1], graph.followers[begin:end])


def follow_counts(graph: Graph) -> Nodes:
    """Return how many users each node follows, in 4 bytes a node (int32, shape n)."""
    counts = np.zeros(graph.node_count, np.int32)
    for begin in range(0, graph.edge_count, _COUNTED):
        followers = graph.followers[begin : begin + _COUNTED]
        np.add.at(counts, followers, np.int32(1))
        release(followers)
    return counts
