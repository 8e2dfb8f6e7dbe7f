"""Exported tables contain what the files of the dataset do, in every kind of file."""

from __future__ import annotations

import csv
import gc
import gzip
import io
import json
from typing import Any

import pytest

from support.dataset import DatasetWriter
from twittomatic.dataset.export import Choice, Exported, Output, export, parse_format
from twittomatic.dataset.export.kinds.parquet import ParquetWriter
from twittomatic.dataset.tables.columns import Column, Type
from twittomatic.errors import SettingsError
from twittomatic.storage.commit import measured
from twittomatic.storage.formats import member
from twittomatic.storage.paths import Layout


def exported(layout: Layout, name: str, choice: Choice | None = None) -> tuple[bytes, Exported]:
    stream = io.BytesIO()
    result = export(layout, [Output(parse_format(name), stream)], choice or Choice())
    return stream.getvalue(), result


def rows(layout: Layout, name: str, choice: Choice | None = None) -> list[dict[str, Any]]:
    data, _ = exported(layout, name, choice)
    return [json.loads(line) for line in data.splitlines()]


def test_edges(layout: Layout) -> None:
    data, result = exported(layout, "edges.csv")
    assert data.decode().splitlines() == ["follower,followed", "3,22", "9223372036854775807,22"]
    assert result.rows == {"edges": 2}
    assert gzip.decompress(exported(layout, "edges.csv.gz")[0]) == data
    assert rows(layout, "edges.jsonl") == [
        {"follower": 3, "followed": 22},
        {"follower": 2**63 - 1, "followed": 22},
    ]


def test_nodes(layout: Layout) -> None:
    nodes = rows(layout, "nodes.jsonl")
    assert [node["id"] for node in nodes] == [3, 7, 22, 2**63 - 1]
    assert [node.get("name") for node in nodes] == ["Éva", None, "Ada", None]
    assert [node["crawled"] for node in nodes] == [False, True, True, False]
    assert [(node["in_degree"], node["out_degree"]) for node in nodes] == [(0, 1), (0, 0), (2, 0), (0, 1)]


def test_coverage_takes_the_profiles_count_where_no_list_claimed_any(layout: Layout) -> None:
    writer = DatasetWriter(layout)
    writer.store("22", "fws", [b"3", b"7", b"50"])
    path = writer.store("3", "fws", [b"22", b"7"], line=False)
    writer.journal.append(writer.entry(path, measured(path), claimed=4))
    counts = {"22": 6, "3": 1_000, "7": 0, "50": 9}
    profiles = [
        b'{"id":"%s","public_metrics":{"followers_count":%d}}' % (user.encode(), count)
        for user, count in counts.items()
    ]
    writer.store("22", "usr", profiles)

    nodes = {node["id"]: node for node in rows(layout, "nodes.jsonl")}

    assert {user: node.get("coverage") for user, node in nodes.items()} == {22: 0.5, 3: 0.5, 7: 1.0, 50: None}
    assert {user: node.get("claimed") for user, node in nodes.items()} == {22: None, 3: 4, 7: None, 50: None}


def test_profiles_are_one_a_user(layout: Layout) -> None:
    assert {(row["id"], row["username"]) for row in rows(layout, "profiles.jsonl")} == {
        (3, "Éva"),
        (22, "Ada"),
        (100, "grace"),
    }


def test_posts(layout: Layout) -> None:
    table = list(csv.DictReader(io.StringIO(exported(layout, "posts.csv")[0].decode())))
    assert [row["id"] for row in table] == ["1", "9", "8"]


def test_entities_of_a_wrong_type_are_left_out(layout: Layout) -> None:
    entities = {
        "urls": [None, {"url": "u"}],
        "hashtags": ["x", {"tag": "y"}],
        "mentions": 5,
        "cashtags": [[]],
    }
    post = {"id": "77", "entities": entities, "author": {"entities": {"url": {"urls": [None]}}}}
    layout.file("22", "twt").write_bytes(member([json.dumps(post).encode()]))

    row = next(row for row in rows(layout, "posts.jsonl") if row["id"] == 77)

    assert (row["entities.urls"], row["entities.hashtags"]) == (["u"], ["#y"])


def test_dense_edges_are_pairs_of_node_numbers(layout: Layout) -> None:
    choice = Choice(dense=True)
    ids = {node["number"]: node["id"] for node in rows(layout, "nodes.jsonl", choice)}
    assert sorted(ids) == [0, 1, 2, 3]
    edges = [(ids[edge["follower"]], ids[edge["followed"]]) for edge in rows(layout, "edges.jsonl", choice)]
    assert edges == [(3, 22), (2**63 - 1, 22)]


@pytest.mark.parametrize("kind", [".csv", ".csv.gz", ".jsonl", ".jsonl.gz", ".parquet"])
def test_the_same_dataset_gives_the_same_bytes(layout: Layout, kind: str) -> None:
    assert exported(layout, "nodes" + kind)[0] == exported(layout, "nodes" + kind)[0]


@pytest.mark.parametrize(
    ("name", "choice", "sentence"),
    [
        ("edges.csv", Choice(measures=("pagerank",)), "--measures"),
        ("interactions.gexf", Choice(measures=("pagerank",)), "--measures"),
        ("posts.csv", Choice(top=3), "are about the follow graph"),
        ("profiles.csv", Choice(dense=True), "are about the follow graph"),
    ],
)
def test_a_choice_without_any_effect_is_refused(
    layout: Layout, name: str, choice: Choice, sentence: str
) -> None:
    with pytest.raises(SettingsError, match=sentence):
        exported(layout, name, choice)


def test_an_abandoned_parquet_file_prints_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    with io.BytesIO() as stream:
        writer = ParquetWriter(stream, (Column("id", Type.INT64, "user id"),))
        writer.write({"id": [1]})
    del writer
    gc.collect()

    assert capfd.readouterr().err == ""
