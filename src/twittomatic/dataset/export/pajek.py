"""Pajek's .net: nodes by number with a label, then arcs; the smallest of the files."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from twittomatic.dataset.export.edgetext import edge_text
from twittomatic.dataset.export.network import ArcBatch, Network

_NODES = 1 << 14  # nodes that are formatted together


def pajek(network: Network) -> Iterator[bytes]:
    """Yield a network as a Pajek file, in pieces.

    The label of a node is its user id: readers merge nodes with equal labels, and names are not unique. The
    format has no other attributes. Nodes are numbered from 1, by ascending id.
    """
    yield f"*Vertices {network.node_count}\n".encode()
    for begin in range(0, network.node_count, _NODES):
        ids = network.ids[begin : begin + _NODES].tolist()
        lines = [f'{number} "{user_id}"\n' for number, user_id in enumerate(ids, start=begin + 1)]
        yield "".join(lines).encode()
    yield b"*Arcs\n"
    for edges in network.edges():
        yield _arcs(edges).encode()


def _arcs(edges: ArcBatch) -> str:
    sources, targets = edges.source.astype(np.int64) + 1, edges.target.astype(np.int64) + 1
    if edges.weights is None:
        return edge_text(sources, targets, "", " ", "\n")
    rows = zip(sources.tolist(), targets.tolist(), edges.weights, strict=True)
    return "".join([f"{source} {target} {weight}\n" for source, target, weight in rows])
