"""Blocks of a graph's edges, so that a memory-mapped graph is never copied as a whole."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from twittomatic.dataset.graph import Graph, Nodes

BLOCK = 1 << 16
"""Edges that are gathered at a time: 512 KB of float64, which a core's cache holds."""


class EdgeBlock(NamedTuple):
    """Some edges of a graph, adjacent in its order.

    Attributes:
        first: The first node whose followers are among them.
        last: The node after the last such node.
        counts: Edges of each of these nodes in the block.
        followers: The follower of each edge.
    """

    first: int
    last: int
    counts: npt.NDArray[np.int64]
    followers: Nodes


def row_blocks(indptr: npt.NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    """Yield ranges (first, last) of rows with at most `BLOCK` edges in all; a longer row is alone.

    Args:
        indptr: Where each row begins, and where the last one ends.
    """
    first = 0
    while first < len(indptr) - 1:
        last = int(np.searchsorted(indptr, indptr[first] + BLOCK, "right")) - 1
        last = min(max(last, first + 1), len(indptr) - 1)
        yield first, last
        first = last


def edge_blocks(graph: Graph, edges: int) -> Iterator[EdgeBlock]:
    """Yield the edges of a graph, so many at a time; a list of followers may be divided."""
    for begin in range(0, graph.edge_count, edges):
        end = min(begin + edges, graph.edge_count)
        first = int(np.searchsorted(graph.indptr, begin, "right")) - 1
        last = int(np.searchsorted(graph.indptr, end, "left"))
        bounds = np.clip(graph.indptr[first : last + 1], begin, end)
        yield EdgeBlock(first, last, bounds[1:] - bounds[:-1], graph.followers[begin:end])
