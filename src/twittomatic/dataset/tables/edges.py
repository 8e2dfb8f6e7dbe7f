"""The edges of the follow graph as a table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from twittomatic.dataset.graph.arrayfile import release
from twittomatic.dataset.graph.edgeblocks import edge_blocks
from twittomatic.dataset.tables.columns import Batch, Column, Type
from twittomatic.dataset.tables.table import Table

if TYPE_CHECKING:
    from twittomatic.dataset.edges import EdgeBatch
    from twittomatic.dataset.graph import Graph

EDGE_COLUMNS: Final = (
    Column("follower", Type.INT64, "id of the user who follows", encoding="BYTE_STREAM_SPLIT"),
    Column("followed", Type.INT64, "id of the user who is followed", encoding="RLE_DICTIONARY"),
)
DENSE_EDGE_COLUMNS: Final = (
    Column("follower", Type.INT32, "`number` of the follower", encoding="DELTA_BINARY_PACKED"),
    Column("followed", Type.INT32, "`number` of the user who is followed", encoding="RLE_DICTIONARY"),
)
_BATCH = 1 << 17  # edges


def edge_table(edges: Iterable[EdgeBatch]) -> Table:
    """Return the edges of a dataset as a table, list by list, each in the network's order."""

    def read() -> Iterator[Batch]:
        for batch in edges:
            yield {"follower": batch.follower, "followed": batch.followed}

    return Table("edges", EDGE_COLUMNS, read)


def graph_edge_table(graph: Graph, *, dense: bool = False) -> Table:
    """Return the edges of a graph as a table, sorted by `followed` and `follower`.

    Args:
        graph: The graph.
        dense: Whether users are given by node number (int32) instead of by id.
    """

    def read() -> Iterator[Batch]:
        for followed, follower in node_pairs(graph):
            if dense:
                yield {"follower": follower, "followed": followed}
            else:
                yield {"follower": graph.ids[follower], "followed": graph.ids[followed]}

    return Table("edges", DENSE_EDGE_COLUMNS if dense else EDGE_COLUMNS, read)


def node_pairs(graph: Graph) -> Iterator[tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]]:
    """Yield the edges of a graph in batches of two arrays: the followed node, and the follower (int32).

    Pages of a mapped graph are released behind each batch.
    """
    for block in edge_blocks(graph, _BATCH):
        nodes = np.arange(block.first, block.last, dtype=np.int32)
        yield np.repeat(nodes, block.counts), block.followers
        release(block.followers)
        release(graph.indptr[block.first : block.last])
