"""Graph files hold the same nodes, edges and attributes, whatever is in them, as far as XML 1.0 allows."""

from __future__ import annotations

import io
from xml.etree import ElementTree

import msgspec
import networkx as nx
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support.network import NODE_ATTRIBUTES, Row, Sample, allowed_in_xml
from twittomatic.dataset.export.gexf import gexf
from twittomatic.dataset.export.graphml import graphml
from twittomatic.dataset.export.graphology import graphology
from twittomatic.dataset.export.pajek import pajek

ids = st.integers(0, 2**63 - 1)
# Any text, and often one that makes trouble. Profiles have no unpaired surrogates, since JSON has none.
texts = st.text() | st.text(st.sampled_from("&<>\"'\t\n\r\x00\x0b\x1f\x7f\x85\u202e\ufffd\ufffe\uffff𝓐{}%"))
counts = st.none() | st.integers(0, 2**63 - 1)
rows = st.tuples(st.none() | texts, counts, st.none() | st.floats(allow_nan=False, allow_infinity=False),
                 st.none() | st.booleans())  # fmt: skip


@st.composite
def samples(draw: st.DrawFn) -> Sample:
    nodes = sorted(draw(st.sets(ids, max_size=8)))
    rows_of: dict[int, tuple[str, Row]] = {node: (draw(texts), draw(rows)) for node in nodes}
    pairs = draw(st.sets(st.tuples(*[st.sampled_from(nodes)] * 2), max_size=12)) if nodes else set()
    is_weighted = draw(st.booleans())
    weights = st.tuples(st.integers(1, 10**6), st.tuples(st.none() | texts, counts))
    return Sample(rows_of, {pair: draw(weights) if is_weighted else None for pair in pairs})


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)  # it depends on the machine
@given(samples())
def test_graph_files_hold_what_the_graph_holds(sample: Sample) -> None:
    names = [attribute.name for attribute in NODE_ATTRIBUTES]
    expected = {
        str(user_id): {"label": allowed_in_xml(label) or str(user_id)}
        | {
            name: allowed_in_xml(value) if isinstance(value, str) else value
            for name, value in zip(names, values, strict=True)
            if value is not None
        }
        for user_id, (label, values) in sample.nodes.items()
    }
    weights = {
        (str(source), str(target)): known[0] if known else None
        for (source, target), known in sample.edges.items()
    }
    network = sample.network()
    for read, writer in ((nx.read_gexf, gexf), (nx.read_graphml, graphml)):
        graph = read(io.BytesIO(b"".join(writer(network))))
        assert dict(graph.nodes(data=True)) == expected
        assert {(a, b): known.get("weight") for a, b, known in graph.edges(data=True)} == weights

    found = msgspec.json.decode(b"".join(graphology(network)))
    assert [node["key"] for node in found["nodes"]] == [*map(str, sample.nodes)]
    assert {(edge["source"], edge["target"]) for edge in found["edges"]} == {*weights}

    lines = b"".join(pajek(network)).decode().splitlines()
    assert len(lines) == 2 + len(sample.nodes) + len(sample.edges)


@given(texts)
def test_a_text_is_the_same_in_an_attribute_and_in_an_element(text: str) -> None:
    sample = Sample({1: (text, (text, None, None, None))}, {})
    element = ElementTree.fromstring(b"".join(graphml(sample.network())))
    data = element.findall(".//{*}node/{*}data")
    assert [each.text or "" for each in data] == [allowed_in_xml(text) or "1", allowed_in_xml(text)]
