"""Graph files of a dataset: the follow graph and the interactions, in every format."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pytest

from support.network import EMPTY, HOSTILE
from twittomatic.dataset.export import Choice, Exported, Output, export, parse_format
from twittomatic.dataset.export.size import MANY_EDGES, MOST_USERS, check_size
from twittomatic.errors import SettingsError
from twittomatic.storage.formats import member
from twittomatic.storage.paths import Layout


def exported(layout: Layout, *names: str, choice: Choice | None = None) -> tuple[list[bytes], Exported]:
    streams = [io.BytesIO() for _ in names]
    outputs = [Output(parse_format(name), stream) for name, stream in zip(names, streams, strict=True)]
    result = export(layout, outputs, choice or Choice())
    return [stream.getvalue() for stream in streams], result


FOLLOWS = {("3", "22"), ("9223372036854775807", "22")}


def test_the_follow_graph_is_the_same_in_every_format(layout: Layout) -> None:
    names = ("follows.gexf", "graph.graphml", "edges.net", "x.json", "edges.csv", "nodes.csv")
    (gexf, graphml, pajek, text, edges, nodes), result = exported(layout, *names)
    graph = nx.read_gexf(io.BytesIO(gexf))
    assert set(graph.edges) == FOLLOWS
    assert set(nx.read_graphml(io.BytesIO(graphml)).edges) == FOLLOWS
    assert set(nx.parse_pajek(pajek.decode()).edges()) == FOLLOWS
    assert {(edge["source"], edge["target"]) for edge in json.loads(text)["edges"]} == FOLLOWS
    assert {
        (row["follower"], row["followed"]) for row in csv.DictReader(io.StringIO(edges.decode()))
    } == FOLLOWS
    assert graph.nodes["3"] == {
        "label": "@Éva", "in_degree": 0, "out_degree": 1, "crawled": False, "complete": False,
    }  # fmt: skip
    assert graph.nodes["7"]["label"] == "7"
    assert [row["id"] for row in csv.DictReader(io.StringIO(nodes.decode()))] == list(graph)
    assert result.rows["users of graph"] == 4
    assert result.rows["edges of graph"] == 2
    assert result.warnings == []


def test_a_choice_holds_for_graph_files_too(layout: Layout) -> None:
    choice = Choice(among="crawled", columns=("in_degree",))
    (gexf,), _ = exported(layout, "graph.gexf", choice=choice)
    graph = nx.read_gexf(io.BytesIO(gexf))
    assert dict(graph.nodes(data=True)) == {
        "7": {"label": "7", "in_degree": 0},
        "22": {"label": "@Ada", "in_degree": 0},
    }


def test_a_dataset_without_anything_gives_empty_graphs(tmp_path: Path) -> None:
    layout = Layout(tmp_path, tmp_path / ".tmp")
    names = ("graph.gexf", "interactions.gexf", "graph.graphml", "interactions.graphml")
    files, result = exported(layout, *names)
    for file, read in zip(files, [nx.read_gexf] * 2 + [nx.read_graphml] * 2, strict=True):
        assert len(read(io.BytesIO(file))) == 0
    assert result.rows == dict.fromkeys(
        ["users of graph", "edges of graph", "users of interactions", "edges of interactions"], 0
    )


def test_interactions(layout: Layout) -> None:
    def write(user_id: str, *posts: dict[str, Any]) -> None:
        path = layout.file(user_id, "twt")
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(member([json.dumps(post).encode() for post in posts]))

    mention = {"mentions": [{"id": "3", "username": "Eva"}]}
    address = {"urls": [{"expanded_url": "https://x.com/EVA/status/8"}]}
    quote = {"entities": address, "referenced_tweets": [{"type": "quoted", "id": "8"}]}
    stranger = {"entities": {"mentions": [{"username": "nobody"}]}}
    write(
        "22",
        {"id": "5", "created_at": "2026-01-05T00:00:00.000Z", "in_reply_to_user_id": "22"},
        {"id": "4", "created_at": "2026-01-04T00:00:00.000Z", "entities": mention},
        {"id": "3", "created_at": "2026-01-03T00:00:00.000Z", **quote},
        {"id": "2", "created_at": "2026-01-02T00:00:00.000Z", **stranger},
    )
    write("100", {"id": "1", "created_at": "2026-01-01T00:00:00.000Z", "entities": mention})
    (table, gexf, graphml), result = exported(
        layout, "interactions.jsonl", "interactions.gexf", "interactions.graphml"
    )
    rows = [json.loads(line) for line in table.splitlines()]
    assert [(row["source"], row.get("target"), row["kind"], row["count"]) for row in rows] == [
        (100, 3, "mention", 1),
        (22, 22, "reply", 1),
        (22, None, "quote", 1),
        (22, 3, "mention", 1),
        (22, None, "mention", 1),
    ]
    assert rows[0]["first_at"] == rows[0]["last_at"] == "2026-01-01T00:00:00.000Z"
    graph = nx.read_gexf(io.BytesIO(gexf))
    assert dict(graph.nodes(data="label")) == {"3": "@Eva", "22": "@Ada", "100": "@grace"}
    assert dict(graph.nodes(data="has_timeline")) == {"3": False, "22": True, "100": True}
    assert graph.edges["22", "3"] == {
        "weight": 2, "retweets": 0, "replies": 0, "quotes": 1, "mentions": 1,
        "first_at": "2026-01-03T00:00:00.000Z", "last_at": "2026-01-04T00:00:00.000Z",
    }  # fmt: skip
    assert set(graph.edges) == {("22", "3"), ("100", "3"), ("22", "22")}
    assert dict(nx.read_graphml(io.BytesIO(graphml)).edges) == dict(graph.edges)
    assert result.rows == {"interactions": 5, "users of interactions": 3, "edges of interactions": 3}


def test_a_table_has_no_graph_file_and_a_graph_no_unknown_one() -> None:
    with pytest.raises(SettingsError, match="posts is a table"):
        parse_format("posts.gexf")
    with pytest.raises(SettingsError, match=r"extension is unknown.*\.gexf, \.graphml, \.json or \.net"):
        parse_format("graph.gml")


def test_a_graph_that_is_too_large_for_a_file_is_refused_with_an_alternative() -> None:
    network = HOSTILE.network()
    assert check_size(replace(network, edge_count=MANY_EDGES)) == []
    (warning,) = check_size(replace(network, edge_count=10 * MANY_EDGES))
    assert "20,000,000 edges" in warning
    assert "12 GB" in warning
    assert "--top" in warning
    ids = np.broadcast_to(np.int64(1), MOST_USERS)  # takes no memory
    assert check_size(replace(EMPTY.network(), ids=ids)) == []
    with pytest.raises(SettingsError, match=r"100,000,000 users; write edges\.parquet.*--min-degree"):
        check_size(replace(EMPTY.network(), ids=np.broadcast_to(np.int64(1), 2 * MOST_USERS)))
