"""GEXF 1.3, the format of Gephi: https://gexf.net/."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import repeat

from twittomatic.dataset.export.edgetext import edge_text
from twittomatic.dataset.export.network import ArcBatch, Attribute, Network, NodeBatch
from twittomatic.dataset.export.xmltext import elements, xml_text, xml_texts

# NetworkX knows a version by its namespace, http and all, and refuses any other.
_HEAD = """\
<?xml version="1.0" encoding="UTF-8"?>
<gexf xmlns="http://gexf.net/1.3" version="1.3">
<meta lastmodifieddate="{day}"><creator>Twittomatic</creator><description>{description}</description></meta>
<graph defaultedgetype="directed" idtype="string" mode="static">
"""
_VALUE = '<attvalue for="{}" value="', '"/>'


def gexf(network: Network) -> Iterator[bytes]:
    """Yield a network as GEXF, in pieces.

    The id of an attribute is its title, since readers show the one or the other. Edges have no ids: Gephi
    drops an edge with an id that it has already met.
    """
    head = _HEAD.format(day=datetime.now(UTC).date(), description=xml_text(network.description))
    node_columns, edge_columns = network.node_attributes, network.edge_attributes
    yield f"{head}{_declared('node', node_columns)}{_declared('edge', edge_columns)}<nodes>\n".encode()
    for nodes in network.nodes():
        yield _nodes(nodes, network.node_attributes).encode()
    yield b"</nodes>\n<edges>\n"
    for edges in network.edges():
        yield _edges(edges, network).encode()
    yield b"</edges>\n</graph>\n</gexf>\n"


def _declared(of: str, attributes: Sequence[Attribute]) -> str:
    if not attributes:
        return ""
    names = [(xml_text(name), kind) for name, kind in attributes]
    lines = [f'<attribute id="{name}" title="{name}" type="{kind}"/>\n' for name, kind in names]
    return f'<attributes class="{of}" mode="static">\n{"".join(lines)}</attributes>\n'


def _nodes(nodes: NodeBatch, attributes: Sequence[Attribute]) -> str:
    values = elements(attributes, nodes.columns, *_VALUE)
    return "".join(
        [
            f'<node id="{user_id}" label="{label or user_id}"><attvalues>{text}</attvalues></node>\n'
            if text
            else f'<node id="{user_id}" label="{label or user_id}"/>\n'
            for user_id, label, text in zip(nodes.ids.tolist(), xml_texts(nodes.labels), values, strict=False)
        ]
    )


def _edges(edges: ArcBatch, network: Network) -> str:
    sources, targets = network.ids[edges.source], network.ids[edges.target]
    if edges.weights is None and not edges.columns:
        return edge_text(sources, targets, '<edge source="', '" target="', '"/>\n')
    weights = repeat("") if edges.weights is None else [f' weight="{weight}"' for weight in edges.weights]
    values = elements(network.edge_attributes, edges.columns, *_VALUE)
    return "".join(
        [
            f'<edge source="{source}" target="{target}"{weight}><attvalues>{text}</attvalues></edge>\n'
            for source, target, weight, text in zip(
                sources.tolist(), targets.tolist(), weights, values, strict=False
            )
        ]
    )
