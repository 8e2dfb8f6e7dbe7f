"""Graphology's JSON, which sigma and other JavaScript libraries import: https://graphology.github.io/."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from twittomatic.dataset.export.edgetext import edge_text
from twittomatic.dataset.export.network import ArcBatch, Attribute, Network, NodeBatch, Value

_encode = msgspec.json.Encoder().encode


def graphology(network: Network) -> Iterator[bytes]:
    """Yield a network as the serialization of graphology, in pieces.

    Ids are texts: a number of JavaScript is exact up to 2**53 only, and most ids are above that.
    """
    options = {"type": "directed", "multi": False, "allowSelfLoops": True}
    head = _encode({"attributes": {"description": network.description}, "options": options})
    yield head[:-1] + b',"nodes":['
    yield from _joined(_node_lines(nodes, network.node_attributes) for nodes in network.nodes())
    yield b'\n],"edges":['
    yield from _joined(_edge_lines(edges, network) for edges in network.edges())
    yield b"\n]}\n"


def _joined(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Put commas between the elements of a list, a line each."""
    comma = b"\n"
    for piece in pieces:
        if piece:
            yield comma + piece
            comma = b",\n"


def _node_lines(nodes: NodeBatch, attributes: Sequence[Attribute]) -> bytes:
    return b",\n".join(
        [
            _encode({"key": str(user_id), "attributes": {"label": label or str(user_id)} | known})
            for user_id, label, known in zip(
                nodes.ids.tolist(), nodes.labels, _known(attributes, nodes.columns, len(nodes)), strict=True
            )
        ]
    )


def _edge_lines(edges: ArcBatch, network: Network) -> bytes:
    sources, targets = network.ids[edges.source], network.ids[edges.target]
    if edges.weights is None and not edges.columns:
        return edge_text(sources, targets, '{"source":"', '","target":"', '"},\n')[:-2].encode()
    attributes, columns = [*network.edge_attributes], [*edges.columns]
    if edges.weights is not None:
        attributes, columns = [Attribute("weight", "long"), *attributes], [edges.weights, *columns]
    return b",\n".join(
        [
            _encode({"source": str(source), "target": str(target), "attributes": known})
            for source, target, known in zip(
                sources.tolist(), targets.tolist(), _known(attributes, columns, len(edges)), strict=True
            )
        ]
    )


def _known(
    attributes: Sequence[Attribute], columns: Sequence[Sequence[Value]], count: int
) -> Iterator[dict[str, Value]]:
    """Yield for each row the values that are known, by the name of their attribute."""
    names = [attribute.name for attribute in attributes]
    rows = zip(*columns, strict=True) if columns else iter([()] * count)
    for row in rows:
        yield {name: value for name, value in zip(names, row, strict=True) if value is not None}
