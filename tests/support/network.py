"""Graphs with hostile content, and what a reader must find of them in a file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from twittomatic.dataset.export.network import ArcBatch, Attribute, Network, NodeBatch, Value

NODE_ATTRIBUTES = (
    Attribute("display_name", "string"),
    Attribute("followers_count", "long"),
    Attribute("pagerank", "double"),
    Attribute("crawled", "boolean"),
)
EDGE_ATTRIBUTES = (Attribute("kind", "string"), Attribute("replies", "long"))
BATCH = 2  # nodes or edges: a file has several batches

Row = tuple[Value, ...]
"""The values of a node or an edge, parallel to the attributes."""


@dataclass(frozen=True)
class Sample:
    """A graph in plain Python.

    Attributes:
        nodes: Label and values of each node, by its id, in ascending order.
        edges: Weight and values of each edge, by source and target; both empty in a graph without weights.
    """

    nodes: dict[int, tuple[str, Row]]
    edges: dict[tuple[int, int], tuple[int, Row] | None]

    def network(self) -> Network:
        """Return what a writer is given. Edges are sorted by target."""
        ids = np.array([*self.nodes], np.int64)
        number = {user_id: place for place, user_id in enumerate(self.nodes)}
        edges = sorted(self.edges, key=lambda edge: (edge[1], edge[0]))
        is_weighted = any(self.edges.values())

        def nodes() -> Iterator[NodeBatch]:
            for begin in range(0, len(ids), BATCH):
                rows = [self.nodes[user_id] for user_id in ids[begin : begin + BATCH].tolist()]
                columns = list(zip(*(values for _, values in rows), strict=True))
                yield NodeBatch(ids[begin : begin + BATCH], [label for label, _ in rows], columns)

        def arcs() -> Iterator[ArcBatch]:
            for begin in range(0, len(edges), BATCH):
                some = edges[begin : begin + BATCH]
                source, target = (np.array([number[edge[end]] for edge in some], np.int32) for end in (0, 1))
                known = [self.edges[edge] for edge in some]
                values = [known for known in known if known is not None]
                weights = [weight for weight, _ in values] if is_weighted else None
                columns = list(zip(*(row for _, row in values), strict=True))
                yield ArcBatch(source, target, weights, columns)

        return Network(
            description='An edge goes from "follower" to <followed> & back',
            ids=ids,
            edge_count=len(edges),
            nodes=nodes,
            edges=arcs,
            node_attributes=NODE_ATTRIBUTES,
            edge_attributes=EDGE_ATTRIBUTES if is_weighted else (),
            is_weighted=is_weighted,
        )


HOSTILE = Sample(
    nodes={
        7: ("", (None, None, None, None)),
        12: ("@plain", ("Plain", 3, 0.25, True)),
        2**53 + 1: ("@tags", ("</node><script>alert('x')</script>]]>", 0, 1e-300, False)),
        765432109876543210: ("@quotes", ("\"double\" & 'single' &amp; \\", 2**53 + 1, 0.1, False)),
        1234567890123456789: ("@controls", ("a\x00b\x08c\x0bd\x1be\x7ff\x85g\ufffeh\uffffi", 1, 1 / 3, True)),
        1234567890123456790: ("@lines", ("one\ttwo\nthree\rfour\r\nfive  six ", 1, 5.0, None)),
        9223372036854775806: (
            "@scripts",
            ("مرحبا \u202egro.elpmaxe\u202c 𝓝𝓪𝓶𝓮 👩‍👩‍👧 नमस्ते \u2028", 12, 0.0, False),
        ),
        2**63 - 1: ("=cmd|' /C calc'!A0", ("", 2**63 - 1, 1.0, True)),
    },
    edges={
        (7, 12): None,
        (2**63 - 1, 12): None,
        (9223372036854775806, 12): None,
        (12, 2**63 - 1): None,
        (12, 12): None,
        (1234567890123456789, 1234567890123456790): None,
        (1234567890123456790, 1234567890123456789): None,
        (765432109876543210, 2**53 + 1): None,
    },
)
WEIGHTED = Sample(
    nodes=HOSTILE.nodes,
    edges={
        edge: (weight, (kind, replies))
        for edge, weight, kind, replies in zip(
            HOSTILE.edges,
            range(1, 9),
            ["mention", '<&">', "", None, "a\nb", "x", "y", "z"],
            [*range(7), None],
            strict=True,
        )
    },
)
EMPTY = Sample(nodes={}, edges={})
ALONE = Sample(nodes={2**63 - 1: ("@only", ("Only", 1, 1.0, True))}, edges={(2**63 - 1, 2**63 - 1): None})
SAMPLES = {"hostile": HOSTILE, "weighted": WEIGHTED, "empty": EMPTY, "alone": ALONE}


def allowed_in_xml(text: str) -> str:
    """Return what XML 1.0 can hold of a text, by its own definition."""
    return "".join(
        c
        for c in text
        if c in "\t\n\r" or "\x20" <= c <= "\ud7ff" or "\ue000" <= c <= "\ufffd" or c > "\uffff"
    )
