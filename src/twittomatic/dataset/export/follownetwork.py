"""The follow graph as a network for graph files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

import numpy as np

from twittomatic.dataset.export.network import ArcBatch, Attribute, Network, NodeBatch, attribute_values
from twittomatic.dataset.export.network import Type as AttributeType
from twittomatic.dataset.graph import Graph
from twittomatic.dataset.tables.columns import Type
from twittomatic.dataset.tables.edges import node_pairs
from twittomatic.dataset.tables.table import Table

_DESCRIPTION = (
    "Who follows whom: an edge goes from a follower to the user who is followed. Users whose `crawled` is "
    "false have no followers here, whatever they have on the network."
)
_TYPES: Final[dict[Type, AttributeType]] = {
    Type.INT64: "long",
    Type.INT32: "long",
    Type.FLOAT: "double",
    Type.BOOLEAN: "boolean",
}
_NOT_ATTRIBUTES: Final = ("id", "name")  # the id of a node, and its label; igraph wants a `name` to be unique

_NODES, _EDGES = 1 << 12, 1 << 15  # of a batch: as text they take some megabytes


@contextmanager
def follow_network(graph: Graph, nodes: Table, columns: Sequence[str] = ()) -> Iterator[Network]:
    """Yield the follow graph as a network whose node attributes are the columns of a table.

    Args:
        graph: The graph.
        nodes: Table of its users, sorted by id, with the columns `id` and `name`.
        columns: Columns that become attributes; empty selects all.
    """
    chosen = [
        column
        for column in nodes.columns
        if column.name not in _NOT_ATTRIBUTES and (not columns or column.name in columns)
    ]

    def node_batches() -> Iterator[NodeBatch]:
        for batch in nodes.batches():
            ids = np.asarray(batch["id"])
            for begin in range(0, len(ids), _NODES):
                part = slice(begin, begin + _NODES)
                labels = ["@" + name if name else "" for name in batch["name"][part]]
                columns = [attribute_values(batch[column.name][part], column.type) for column in chosen]
                yield NodeBatch(ids[part], labels, columns)

    def arcs() -> Iterator[ArcBatch]:
        for followed, follower in node_pairs(graph):
            for begin in range(0, len(followed), _EDGES):
                part = slice(begin, begin + _EDGES)
                yield ArcBatch(follower[part], followed[part])

    yield Network(
        description=_DESCRIPTION,
        ids=graph.ids,
        edge_count=graph.edge_count,
        nodes=node_batches,
        edges=arcs,
        node_attributes=[Attribute(column.name, _TYPES.get(column.type, "string")) for column in chosen],
    )
