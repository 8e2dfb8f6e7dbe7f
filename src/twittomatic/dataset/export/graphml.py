"""GraphML, which igraph, NetworkX, Gephi, yEd and most other tools read: http://graphml.graphdrawing.org/."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from twittomatic.dataset.export.edgetext import edge_text
from twittomatic.dataset.export.network import ArcBatch, Attribute, Network, NodeBatch
from twittomatic.dataset.export.xmltext import elements, xml_text, xml_texts

_HEAD = """\
<?xml version="1.0" encoding="UTF-8"?>
<graphml xmlns="http://graphml.graphdrawing.org/xmlns">
<desc>{description}</desc>
"""
_LABEL = Attribute("label", "string")
_WEIGHT = Attribute("weight", "long")
_VALUE = '<data key="{}">', "</data>"


def graphml(network: Network) -> Iterator[bytes]:
    """Yield a network as GraphML, in pieces.

    The id of a key is its name. A name that nodes and edges share is one key for all, since ids of keys are
    unique in a file. Labels and weights are attributes, as GraphML has no others.
    """
    nodes = [_LABEL, *network.node_attributes]
    edges = [*([_WEIGHT] if network.is_weighted else ()), *network.edge_attributes]
    keys = [_key(attribute, "all" if attribute in edges else "node") for attribute in nodes]
    keys += [_key(attribute, "edge") for attribute in edges if attribute not in nodes]
    head = _HEAD.format(description=xml_text(network.description))
    yield f'{head}{"".join(keys)}<graph edgedefault="directed">\n'.encode()
    for batch in network.nodes():
        yield _nodes(batch, network.node_attributes).encode()
    for arcs in network.edges():
        yield _edges(arcs, network, edges).encode()
    yield b"</graph>\n</graphml>\n"


def _key(attribute: Attribute, of: str) -> str:
    name = xml_text(attribute.name)
    return f'<key id="{name}" for="{of}" attr.name="{name}" attr.type="{attribute.type}"/>\n'


def _nodes(nodes: NodeBatch, attributes: Sequence[Attribute]) -> str:
    values = elements(attributes, nodes.columns, *_VALUE)
    return "".join(
        [
            f'<node id="{user_id}"><data key="label">{label or user_id}</data>{text}</node>\n'
            for user_id, label, text in zip(nodes.ids.tolist(), xml_texts(nodes.labels), values, strict=False)
        ]
    )


def _edges(edges: ArcBatch, network: Network, attributes: list[Attribute]) -> str:
    sources, targets = network.ids[edges.source], network.ids[edges.target]
    if not attributes:
        return edge_text(sources, targets, '<edge source="', '" target="', '"/>\n')
    weights = () if edges.weights is None else (edges.weights,)
    values = elements(attributes, [*weights, *edges.columns], *_VALUE)
    return "".join(
        [
            f'<edge source="{source}" target="{target}">{text}</edge>\n'
            for source, target, text in zip(sources.tolist(), targets.tolist(), values, strict=True)
        ]
    )
