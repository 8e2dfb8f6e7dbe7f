"""The input of the writers of graph files: nodes and edges with attributes, in batches."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from math import isfinite
from typing import Any, Literal, NamedTuple, TypeAlias

from twittomatic.clock import rfc3339_ms
from twittomatic.dataset.graph import Nodes
from twittomatic.dataset.ids import UserIds
from twittomatic.dataset.tables.columns import Type as ColumnType
from twittomatic.dataset.tables.columns import values_of

Type: TypeAlias = Literal["string", "long", "double", "boolean"]
"""Type of an attribute: the types that GEXF, GraphML and their readers have in common."""

Value: TypeAlias = str | int | float | bool | None
"""Value of an attribute; None is a missing value, which is not written."""


class Attribute(NamedTuple):
    """A column of nodes or edges.

    Attributes:
        name: Its title, which is also its id in the file.
        type: Type of its values.
    """

    name: str
    type: Type


@dataclass(frozen=True, slots=True, eq=False)
class NodeBatch:
    """A batch of nodes, sorted by number. `len(batch)` is the number of nodes.

    Attributes:
        ids: User ids (int64, shape n).
        labels: Label of each node; the id takes the place of an empty one.
        columns: The values of each attribute, parallel to `ids`.
    """

    ids: UserIds
    labels: Sequence[str]
    columns: Sequence[Sequence[Value]] = ()

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True, slots=True, eq=False)
class ArcBatch:
    """A batch of edges. `len(batch)` is the number of edges.

    Attributes:
        source: Number of the source node of each edge (int32, shape m).
        target: Number of the target node of each edge (int32, shape m).
        weights: Weight of each edge, parallel to `source`; None if the network is unweighted.
        columns: The values of each attribute, parallel to `source`.
    """

    source: Nodes
    target: Nodes
    weights: Sequence[int] | None = None
    columns: Sequence[Sequence[Value]] = ()

    def __len__(self) -> int:
        return len(self.source)


@dataclass(frozen=True, kw_only=True, eq=False)
class Network:
    """A directed graph that is written to a file, nodes before edges.

    Attributes:
        description: Meaning of nodes and edges, for the file formats that have a description.
        ids: User id of each node, sorted (int64).
        edge_count: Number of edges.
        nodes: Returns an iterator over batches of the nodes.
        edges: Returns an iterator over batches of the edges.
        node_attributes: Attributes of the nodes, parallel to `NodeBatch.columns`.
        edge_attributes: Attributes of the edges, parallel to `ArcBatch.columns`.
        is_weighted: Whether each edge has a weight.
    """

    description: str
    ids: UserIds
    edge_count: int
    nodes: Callable[[], Iterator[NodeBatch]]
    edges: Callable[[], Iterator[ArcBatch]]
    node_attributes: Sequence[Attribute] = field(default=())
    edge_attributes: Sequence[Attribute] = field(default=())
    is_weighted: bool = False

    @property
    def node_count(self) -> int:
        """Number of nodes."""
        return len(self.ids)


def attribute_values(values: Any, kind: ColumnType) -> list[Value]:
    """Convert a column of a table to attribute values: times to RFC 3339, NaN and infinities to None."""
    known = values_of(values)
    if kind is ColumnType.TIME:
        return [None if moment is None else rfc3339_ms(moment) for moment in known]
    if kind is ColumnType.FLOAT:
        return [number if number is not None and isfinite(number) else None for number in known]
    return known
