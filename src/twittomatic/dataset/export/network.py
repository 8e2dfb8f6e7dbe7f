"""What a writer of graph files is given: nodes and edges with attributes, in batches."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from math import isfinite
from typing import Any, Literal, NamedTuple, TypeAlias

from twittomatic.clock import rfc3339_ms
from twittomatic.dataset.graph import Nodes
from twittomatic.dataset.ids import UserIds
from twittomatic.dataset.tables.columns import Type as ColumnType

Type: TypeAlias = Literal["string", "long", "double", "boolean"]
"""Type of an attribute: those that GEXF, GraphML and their readers have in common."""

Value: TypeAlias = str | int | float | bool | None
"""Value of an attribute; None where it is not known, and a file then has no value."""


class Attribute(NamedTuple):
    """A column of nodes or edges.

    Attributes:
        name: Its title, and its id in the file.
        type: Type of its values.
    """

    name: str
    type: Type


@dataclass(frozen=True, slots=True, eq=False)
class NodeBatch:
    """Some nodes, in the order of their numbers. `len(batch)` is how many.

    Attributes:
        ids: Their user ids.
        labels: What is written beside a node; an empty one stands for the id.
        columns: The values of each attribute, parallel to `ids`.
    """

    ids: UserIds
    labels: Sequence[str]
    columns: Sequence[Sequence[Value]] = ()

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True, slots=True, eq=False)
class ArcBatch:
    """Some edges. `len(batch)` is how many.

    Attributes:
        source: Number of the node that each edge leaves (int32).
        target: Number of the node that it enters, parallel to `source` (int32).
        weights: Weight of each edge, parallel to `source`; None where edges have no weight.
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
        description: What a node and an edge are; the files that have room for it say so.
        ids: User id of each node, sorted (int64).
        edge_count: Number of edges.
        nodes: Returns the nodes in batches.
        edges: Returns the edges in batches.
        node_attributes: Of each node, parallel to `NodeBatch.columns`.
        edge_attributes: Of each edge, parallel to `ArcBatch.columns`.
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


def listed(values: Any, kind: ColumnType) -> list[Value]:
    """Return a column of a table as values: times as RFC 3339; NaN and infinite numbers are unknown."""
    known: list[Any] = values if isinstance(values, list) else values.tolist()
    if kind is ColumnType.TIME:
        return [None if moment is None else rfc3339_ms(moment) for moment in known]
    if kind is ColumnType.FLOAT:
        return [number if number is not None and isfinite(number) else None for number in known]
    return known
