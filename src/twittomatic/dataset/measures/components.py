"""Connected components: weak ones in NumPy, strong ones by SciPy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from twittomatic.dataset.extras import require
from twittomatic.dataset.graph import Graph, Nodes
from twittomatic.dataset.graph.edgeblocks import edge_blocks
from twittomatic.dataset.measures.followed import FollowedPart

_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True, eq=False)
class Components:
    """A partition of the nodes into components.

    Attributes:
        labels: Component of each node, from 0 for the largest on (int32, shape n).
        sizes: Number of nodes of each component, in descending order (int64).
    """

    labels: Nodes
    sizes: npt.NDArray[np.int64]

    @property
    def count(self) -> int:
        """Number of components."""
        return len(self.sizes)


def components(graph: Graph) -> Components:
    """Return the weakly connected components: users connected by edges, regardless of direction.

    The algorithm is hooking and pointer jumping, block by block. Source: Shiloach and Vishkin, *An O(log n)
    parallel connectivity algorithm* (1982).
    """
    roots = np.arange(graph.node_count, dtype=np.int32)
    changed = graph.edge_count > 0
    while changed:
        changed = False
        for block in edge_blocks(graph, _BLOCK):
            followed = np.repeat(roots[block.first : block.last], block.counts)
            follower = roots[block.followers]
            apart = np.flatnonzero(followed != follower)
            if len(apart):
                changed = True
                low = np.minimum(followed[apart], follower[apart])
                high = np.maximum(followed[apart], follower[apart])
                np.minimum.at(roots, high, low)
                _point_to_roots(roots)
    return ordered(roots)


def strong_components(graph: Graph) -> Components:
    """Return the strongly connected components: users who reach each other along directed edges.

    Raises:
        SettingsError: SciPy is not installed.
    """
    sparse = require("scipy.sparse", "analysis")
    csgraph = require("scipy.sparse.csgraph", "analysis")
    part = FollowedPart.of(graph)  # a node without followers is a component of its own
    k = len(part.nodes)
    if k == 0:
        return ordered(np.arange(graph.node_count))
    ones = np.ones(len(part.followers), np.float64)
    matrix = sparse.csr_array((ones, part.followers, part.indptr), shape=(k, k))
    _, found = csgraph.connected_components(matrix, directed=True, connection="strong")
    labels = np.arange(graph.node_count)
    first = np.full(k, k, np.int64)
    np.minimum.at(first, found, np.arange(k))
    labels[part.nodes] = part.nodes[first[found]]
    return ordered(labels)


def _point_to_roots(roots: Nodes) -> None:
    while True:
        further = roots[roots]
        if np.array_equal(further, roots):
            return
        roots[:] = further


def ordered(labels: npt.NDArray[np.integer]) -> Components:
    """Renumber the parts of a partition by descending size; ties are ordered by their first node.

    Args:
        labels: Part of each node, a number less than n (shape n).
    """
    sizes = np.bincount(labels)
    used = np.flatnonzero(sizes)
    first = np.full(len(sizes), len(labels), np.int64)
    np.minimum.at(first, labels, np.arange(len(labels)))
    order = used[np.lexsort((first[used], -sizes[used]))]
    number = np.zeros(len(sizes), np.int32)
    number[order] = np.arange(len(order), dtype=np.int32)
    return Components(number[labels], sizes[order].astype(np.int64, copy=False))
