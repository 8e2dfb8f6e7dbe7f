"""The undirected graph: its ties, each once, and whether they are mutual."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from twittomatic.dataset.graph import Graph, Nodes


@dataclass(frozen=True, slots=True, eq=False)
class Ties:
    """The edges of an undirected graph without loops.

    Attributes:
        low: Smaller node of each tie, in ascending order (int32, shape t).
        high: Larger node of each tie (int32, shape t).
        mutual: Whether both follow each other (bool, shape t).
        node_count: Number of nodes, including those without ties.
    """

    low: Nodes
    high: Nodes
    mutual: npt.NDArray[np.bool_]
    node_count: int

    @classmethod
    def of(cls, graph: Graph) -> Ties:
        """Drop the directions of a graph: a mutual follow is one tie, and a self-follow is none."""
        n = graph.node_count
        followed = np.repeat(np.arange(n, dtype=np.int32), graph.in_degrees())
        keys = np.minimum(followed, graph.followers).astype(np.int64) * n
        keys += np.maximum(followed, graph.followers)
        keys = keys[followed != graph.followers]
        del followed
        keys.sort()
        repeats = keys[1:] == keys[:-1]  # an edge is there once, so the second one has the other direction
        starts = np.flatnonzero(np.concatenate([np.ones(min(1, len(keys)), np.bool_), ~repeats]))
        mutual = np.concatenate([repeats, np.zeros(min(1, len(keys)), np.bool_)])[starts]
        keys = keys[starts]
        low, high = (keys // max(1, n)).astype(np.int32), (keys % max(1, n)).astype(np.int32)
        return cls(low, high, mutual, n)

    def degrees(self) -> npt.NDArray[np.int64]:
        """Return the number of ties of each node (int64, shape n)."""
        return _counts(self.low, self.high, self.node_count)

    def mutual_degrees(self) -> npt.NDArray[np.int64]:
        """Return the number of mutual ties of each node (int64, shape n)."""
        return _counts(self.low[self.mutual], self.high[self.mutual], self.node_count)


def _counts(low: Nodes, high: Nodes, node_count: int) -> npt.NDArray[np.int64]:
    return np.bincount(low, minlength=node_count) + np.bincount(high, minlength=node_count)
