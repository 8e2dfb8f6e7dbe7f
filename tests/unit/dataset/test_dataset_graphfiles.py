"""Graph files as NetworkX, igraph and a JSON parser read them."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import igraph
import msgspec
import networkx as nx
import pytest

from support.network import ALONE, EDGE_ATTRIBUTES, EMPTY, NODE_ATTRIBUTES, SAMPLES, Sample, allowed_in_xml
from twittomatic.dataset.export.gexf import gexf
from twittomatic.dataset.export.graphml import graphml
from twittomatic.dataset.export.graphology import graphology
from twittomatic.dataset.export.network import Network
from twittomatic.dataset.export.pajek import pajek


def written(writer: Callable[[Network], Iterator[bytes]], sample: Sample) -> bytes:
    return b"".join(writer(sample.network()))


def nodes_of(sample: Sample, cleaned: Callable[[str], str]) -> dict[str, dict[str, Any]]:
    """What a reader finds of the nodes: unknown values are absent."""
    names = [attribute.name for attribute in NODE_ATTRIBUTES]
    return {
        str(user_id): {"label": cleaned(label) or str(user_id), **_known(names, values, cleaned)}
        for user_id, (label, values) in sample.nodes.items()
    }


def edges_of(sample: Sample, cleaned: Callable[[str], str]) -> dict[tuple[str, str], dict[str, Any]]:
    names = [attribute.name for attribute in EDGE_ATTRIBUTES]
    return {
        (str(source), str(target)): {"weight": known[0], **_known(names, known[1], cleaned)} if known else {}
        for (source, target), known in sample.edges.items()
    }


def _known(names: list[str], values: tuple[Any, ...], cleaned: Callable[[str], str]) -> dict[str, Any]:
    return {
        name: cleaned(value) if isinstance(value, str) else value
        for name, value in zip(names, values, strict=True)
        if value is not None
    }


@pytest.fixture(params=SAMPLES.values(), ids=SAMPLES)
def sample(request: pytest.FixtureRequest) -> Sample:
    chosen: Sample = request.param
    return chosen


@pytest.mark.parametrize(("writer", "read"), [(gexf, nx.read_gexf), (graphml, nx.read_graphml)])
def test_networkx_reads_every_node_edge_and_attribute(
    sample: Sample, writer: Callable[[Network], Iterator[bytes]], read: Callable[[Any], Any]
) -> None:
    graph = read(io.BytesIO(written(writer, sample)))
    assert graph.is_directed()
    assert not graph.is_multigraph()
    assert dict(graph.nodes(data=True)) == nodes_of(sample, allowed_in_xml)
    assert {(a, b): known for a, b, known in graph.edges(data=True)} == edges_of(sample, allowed_in_xml)


def test_igraph_reads_graphml(sample: Sample, tmp_path: Path) -> None:
    path = tmp_path / "graph.graphml"
    path.write_bytes(written(graphml, sample))
    graph = igraph.Graph.Read_GraphML(str(path))
    assert graph.is_directed()
    nodes, edges = nodes_of(sample, allowed_in_xml), edges_of(sample, allowed_in_xml)
    assert graph.vs["id"] == [*nodes]
    for name in ("label", "display_name"):
        assert graph.vs[name] == [known.get(name, "") for known in nodes.values()]
    names = graph.vs["id"]
    assert {(names[edge.source], names[edge.target]) for edge in graph.es} == {*edges}
    for edge in graph.es if "weight" in graph.es.attributes() else ():
        known = edges[names[edge.source], names[edge.target]]
        assert (edge["weight"], edge["kind"]) == (known["weight"], known.get("kind", ""))


def test_networkx_and_igraph_read_pajek(sample: Sample, tmp_path: Path) -> None:
    path = tmp_path / "graph.net"
    path.write_bytes(written(pajek, sample))
    edges = edges_of(sample, str)
    graph = nx.read_pajek(path)
    assert [*graph] == [*map(str, sample.nodes)]
    assert {(a, b): known.get("weight") for a, b, known in graph.edges(data=True)} == {
        edge: known.get("weight") for edge, known in edges.items()
    }
    if sample is not EMPTY:  # igraph has no file without nodes
        read = igraph.Graph.Read_Pajek(str(path))
        names = read.vs["name"]
        assert names == [*map(str, sample.nodes)]
        assert {(names[edge.source], names[edge.target]) for edge in read.es} == {*edges}


def test_graphology_gets_ids_as_texts_and_all_characters(sample: Sample) -> None:
    graph = msgspec.json.decode(written(graphology, sample))
    assert graph["options"] == {"type": "directed", "multi": False, "allowSelfLoops": True}
    assert {node["key"]: node["attributes"] for node in graph["nodes"]} == nodes_of(sample, str)
    edges = {(edge["source"], edge["target"]): edge.get("attributes", {}) for edge in graph["edges"]}
    assert edges == edges_of(sample, str)


def test_what_no_reader_checks() -> None:
    text = written(gexf, ALONE).decode()
    assert text.startswith('<?xml version="1.0" encoding="UTF-8"?>\n<gexf xmlns="http://gexf.net/1.3"')
    assert '<attribute id="followers_count" title="followers_count" type="long"/>' in text
    assert '<edge source="9223372036854775807" target="9223372036854775807"/>' in text  # no id
