"""Graphs for other libraries: the same nodes, edges and directions, whatever the graph."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import networkx
import numpy as np
import pytest

from support.graphs import bordered, graph_of, odd
from twittomatic.dataset import Graph
from twittomatic.dataset.graph import handouts
from twittomatic.errors import SettingsError

GRAPHS = {**odd(), "border": bordered()}
Pairs = list[tuple[int, int]]


def edges(graph: Graph) -> Pairs:
    followed = np.repeat(np.arange(graph.node_count), graph.in_degrees())
    return sorted(zip(graph.followers.tolist(), followed.tolist(), strict=True))


def of_scipy(matrix: Any) -> Pairs:
    assert set(matrix.data.tolist()) <= {1}
    rows, columns = matrix.nonzero()
    return sorted(zip(rows.tolist(), columns.tolist(), strict=True))


HANDED: dict[str, Callable[[Graph], tuple[int, Pairs]]] = {
    "scipy": lambda graph: (graph.scipy().shape[0], of_scipy(graph.scipy())),
    "networkit": lambda graph: (
        (handed := graph.networkit()).numberOfNodes(),
        sorted(handed.iterEdges()),
    ),
    "igraph": lambda graph: ((handed := graph.igraph()).vcount(), sorted(handed.get_edgelist())),
    "networkx": lambda graph: (len(handed := graph.networkx()), sorted(handed.edges)),
}


@pytest.mark.parametrize("library", HANDED)
@pytest.mark.parametrize("name", GRAPHS)
def test_a_library_gets_the_same_edges(library: str, name: str) -> None:
    graph = GRAPHS[name]

    assert HANDED[library](graph) == (graph.node_count, edges(graph))


def test_nodes_have_their_user_and_whether_they_were_crawled(tmp_path: Path) -> None:
    graph = graph_of([(2**63 - 1, 5), (10**18 + 1, 5)], border=[10**18 + 1, 2**63 - 1])

    assert graph.igraph().vs["name"] == ["5", str(10**18 + 1), str(2**63 - 1)]
    assert graph.igraph().vs["crawled"] == [True, False, False]
    assert dict(graph.networkx().nodes(data="id")) == {0: 5, 1: 10**18 + 1, 2: 2**63 - 1}
    graph.igraph().write_graphml(str(tmp_path / "graph.graphml"))
    read = networkx.read_graphml(tmp_path / "graph.graphml")
    assert [node["name"] for _, node in read.nodes(data=True)] == ["5", str(10**18 + 1), str(2**63 - 1)]


def test_networkx_is_refused_a_graph_that_it_cannot_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handouts, "_MOST_NETWORKX_EDGES", 1)

    with pytest.raises(SettingsError, match=r"use graph\.igraph\(\) or graph\.networkit\(\), or a subgraph"):
        graph_of([(1, 2), (2, 3)]).networkx()


@pytest.mark.parametrize(
    ("library", "command"),
    [
        ("igraph", "pip install igraph"),
        ("networkx", "pip install networkx"),
        ("networkit", r"pip install 'twittomatic\[analysis\]'"),
    ],
)
def test_a_missing_library_is_a_sentence(monkeypatch: pytest.MonkeyPatch, library: str, command: str) -> None:
    monkeypatch.setitem(sys.modules, library, None)

    with pytest.raises(SettingsError, match=f"(?i)needs {library}, which is not installed; run: {command}$"):
        getattr(graph_of([(1, 2)]), library)()
