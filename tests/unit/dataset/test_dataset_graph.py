from __future__ import annotations

import numpy as np

from twittomatic.dataset import Graph, open
from twittomatic.storage.formats import member
from twittomatic.storage.paths import Layout


def edges(graph: Graph) -> set[tuple[int, int]]:
    followed = np.repeat(graph.ids, graph.in_degrees())
    return set(zip(graph.ids[graph.followers].tolist(), followed.tolist(), strict=True))


def test_followers_of_a_node_are_adjacent_sorted_and_unique(layout: Layout) -> None:
    path = layout.file("300", "fws")
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(member([b"22", b"3", b"22"]))

    graph = open(layout.output).graph()

    assert graph.ids.tolist() == [3, 7, 22, 300, 2**63 - 1]
    assert graph.crawled.tolist() == [False, True, True, True, False]
    assert edges(graph) == {(3, 22), (2**63 - 1, 22), (3, 300), (22, 300)}
    assert graph.in_degrees().tolist() == [0, 0, 2, 2, 0]
    assert graph.out_degrees().tolist() == [2, 0, 1, 0, 1]
    assert edges(graph.subgraph(graph.crawled)) == {(22, 300)}


def test_an_empty_dataset_has_an_empty_graph(layout: Layout) -> None:
    for path in layout.files("fws"):
        path.unlink()

    graph = open(layout.output).graph()

    assert (graph.node_count, graph.edge_count) == (0, 0)
    assert graph.subgraph(graph.crawled).node_count == 0
