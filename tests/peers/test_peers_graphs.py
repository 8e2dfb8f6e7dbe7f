"""Gephi, graphology and R understand every graph file as it was meant."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from programs import HERE, Peer

from support.network import EDGE_ATTRIBUTES, NODE_ATTRIBUTES, SAMPLES, Sample, allowed_in_xml
from twittomatic.dataset.export.gexf import gexf
from twittomatic.dataset.export.graphml import graphml
from twittomatic.dataset.export.graphology import graphology
from twittomatic.dataset.export.network import Attribute, Network
from twittomatic.dataset.export.pajek import pajek

Writer = Callable[[Network], Iterator[bytes]]
WRITERS: dict[str, Writer] = {"gexf": gexf, "graphml": graphml, "net": pajek, "json": graphology}
NODE_NAMES = [attribute.name for attribute in NODE_ATTRIBUTES]


@pytest.fixture
def files(tmp_path: Path) -> Callable[[str], list[Path]]:
    """Writes all samples in a format, and returns the files in the order of `SAMPLES`."""

    def write(kind: str) -> list[Path]:
        paths = [tmp_path / f"{name}.{kind}" for name in SAMPLES]
        for path, sample in zip(paths, SAMPLES.values(), strict=True):
            path.write_bytes(b"".join(WRITERS[kind](sample.network())))
        return paths

    return write


def known(attributes: tuple[Attribute, ...], values: tuple[Any, ...]) -> dict[str, Any]:
    """The values that a reader of XML finds; none of them tells an empty text from an unknown one."""
    return {
        name: allowed_in_xml(value) if isinstance(value, str) else value
        for (name, _), value in zip(attributes, values, strict=True)
        if value not in (None, "")
    }


def edges_of(sample: Sample) -> dict[tuple[str, str], tuple[float, dict[str, Any]]]:
    return {
        (str(a), str(b)): (float(row[0]), known(EDGE_ATTRIBUTES, row[1])) if row else (1.0, {})
        for (a, b), row in sample.edges.items()
    }


def java(value: Any) -> str:
    """A value as Java writes it."""
    if isinstance(value, bool):
        return str(value).lower()
    return {1e-300: "1.0E-300"}.get(value, str(value)) if isinstance(value, float) else str(value)


@pytest.mark.parametrize("kind", ["gexf", "graphml"])
def test_gephi_reads_all_without_an_error(gephi: Peer, files: Callable[[str], list[Path]], kind: str) -> None:
    answers = gephi([HERE / "gephi" / "Read.java", *files(kind)]).split("\n")[:-1]
    for sample, answer in zip(SAMPLES.values(), answers, strict=True):
        found = msgspec.json.decode(answer)
        assert [issue for issue in found["issues"] if not issue.startswith("INFO")] == []
        assert {node: (label, values) for node, label, values in found["nodes"]} == {
            str(user_id): (
                label or str(user_id),
                {name: java(value) for name, value in known(NODE_ATTRIBUTES, values).items()},
            )
            for user_id, (label, values) in sample.nodes.items()
        }
        assert len(found["nodes"]) == len(sample.nodes)
        assert {(a, b): (weight, values) for a, b, weight, values in found["edges"]} == {
            edge: (weight, {name: java(value) for name, value in values.items()})
            for edge, (weight, values) in edges_of(sample).items()
        }
        assert len(found["edges"]) == len(sample.edges)


def javascript(value: Any) -> Any:
    """A value as JavaScript has it: all numbers are doubles."""
    return value if isinstance(value, str) else float(value)


@pytest.mark.parametrize("kind", ["gexf", "json"])
def test_graphology_reads_all(node: Peer, files: Callable[[str], list[Path]], kind: str) -> None:
    answers = node([HERE / "graphology" / "read.js", *files(kind)]).split("\n")[:-1]
    for sample, answer in zip(SAMPLES.values(), answers, strict=True):
        found = msgspec.json.decode(answer)
        ids = [each["key"] for each in found["nodes"]]
        assert ids == [*map(str, sample.nodes)]
        if kind == "gexf":
            assert [
                {
                    name: javascript(each["attributes"][name])
                    for name in NODE_NAMES
                    if each["attributes"].get(name)
                }
                for each in found["nodes"]
            ] == [
                {name: javascript(value) for name, value in known(NODE_ATTRIBUTES, values).items() if value}
                for _, values in sample.nodes.values()
            ]
        edges = {(each["source"], each["target"]): each.get("attributes", {}) for each in found["edges"]}
        assert {edge: values.get("weight", 1) for edge, values in edges.items()} == {
            edge: weight for edge, (weight, _) in edges_of(sample).items()
        }


def test_r_reads_graphml(rscript: Peer, files: Callable[[str], list[Path]], tmp_path: Path) -> None:
    for sample, path in zip(SAMPLES.values(), files("graphml"), strict=True):
        rscript([HERE / "r" / "read.R", path])
        with (tmp_path / "nodes.csv").open(encoding="utf-8", newline="") as file:
            nodes = {row["id"]: row for row in csv.DictReader(file)}
        assert [*nodes] == [*map(str, sample.nodes)]
        for user_id, (label, values) in sample.nodes.items():
            row, expected = nodes[str(user_id)], known(NODE_ATTRIBUTES, values)
            assert row["label"] == (label or str(user_id))
            assert row["display_name"] == expected.get("display_name", "")
            assert row["crawled"] == str(expected.get("crawled", False)).upper()
        with (tmp_path / "edges.csv").open(encoding="utf-8", newline="") as file:
            edges = {
                (row["source"], row["target"]): float(row.get("weight") or 1) for row in csv.DictReader(file)
            }
        assert edges == {edge: weight for edge, (weight, _) in edges_of(sample).items()}
