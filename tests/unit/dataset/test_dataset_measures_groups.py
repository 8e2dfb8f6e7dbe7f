"""Components, communities and what follows each other, against NetworKit and NetworkX."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import networkit
import networkx
import numpy as np
import pytest

from support.graphs import bordered, bundled, graph_of, odd
from twittomatic.dataset import Graph
from twittomatic.dataset.measures import (
    communities,
    components,
    modularity,
    overlap,
    reciprocity,
    strong_components,
)
from twittomatic.dataset.measures import networkit as engine
from twittomatic.dataset.measures.undirected import Ties

GRAPHS: dict[str, Callable[[], Graph]] = {
    "bundled": bundled,
    "bordered": bordered,
    **{name: lambda graph=graph: graph for name, graph in odd().items()},  # type: ignore[misc]
}


def peer(graph: Graph) -> Any:
    owners = np.repeat(np.arange(graph.node_count), graph.in_degrees())
    found = networkx.DiGraph()
    found.add_nodes_from(range(graph.node_count))
    found.add_edges_from(zip(graph.followers.tolist(), owners.tolist(), strict=True))
    return found


def groups(labels: Any) -> set[frozenset[int]]:
    return {frozenset(np.flatnonzero(labels == label).tolist()) for label in np.unique(labels)}


@pytest.mark.parametrize("name", GRAPHS)
def test_weak_components_are_those_of_networkit(name: str) -> None:
    graph = GRAPHS[name]()
    loaded = engine.undirected(Ties.of(graph))  # held, since NetworKit does not
    run = networkit.components.ConnectedComponents(loaded)
    run.run()

    found = components(graph)

    assert groups(found.labels) == {frozenset(part) for part in run.getComponents() if part}
    assert found.sizes.tolist() == sorted(
        (size for size in run.getComponentSizes().values() if size), reverse=True
    )
    assert np.bincount(found.labels).tolist() == found.sizes.tolist()


@pytest.mark.parametrize("name", GRAPHS)
def test_strong_components_are_those_of_networkx(name: str) -> None:
    graph = GRAPHS[name]()

    found = strong_components(graph)

    assert groups(found.labels) == {
        frozenset(part) for part in networkx.strongly_connected_components(peer(graph))
    }


@pytest.mark.parametrize("method", ["leiden", "propagation"])
@pytest.mark.parametrize("name", GRAPHS)
def test_modularity_is_that_of_networkit(name: str, method: Any) -> None:
    graph = GRAPHS[name]()
    ties = Ties.of(graph)

    found = communities(graph, seed=1, method=method)

    assert (found.method, found.seed) == (method, 1)
    assert found.sizes.sum() == graph.node_count
    assert found.modularity == pytest.approx(modularity(ties, found.labels), abs=1e-12)
    if len(ties.low):
        partition = networkit.Partition(data=found.labels.astype(np.uint64))
        loaded = engine.undirected(ties)
        quality = networkit.community.Modularity().getQuality(partition, loaded)
        assert found.modularity == pytest.approx(quality, abs=1e-12)


@pytest.mark.parametrize("method", ["leiden", "propagation"])
def test_communities_repeat_for_a_seed(method: Any) -> None:
    threads = networkit.getMaxNumberOfThreads()

    first, again, other = (communities(bundled(), seed, method) for seed in (7, 7, 8))

    assert np.array_equal(first.labels, again.labels)
    assert not np.array_equal(first.labels, other.labels)
    assert networkit.getMaxNumberOfThreads() == threads


def test_label_propagation_is_nearly_as_good_as_leiden() -> None:
    leiden = communities(bundled(), seed=1, method="leiden")
    ours = communities(bundled(), seed=1, method="propagation")

    assert leiden.modularity > 0.42
    assert ours.modularity > 0.94 * leiden.modularity


def test_two_cliques_are_two_communities() -> None:
    left = [(a, b) for a in range(5) for b in range(5) if a != b]
    graph = graph_of([*left, *((a + 9, b + 9) for a, b in left), (0, 9)])

    for found in (communities(graph, method="leiden"), communities(graph, method="propagation")):
        assert found.labels.tolist() == [0] * 5 + [1] * 5


@pytest.mark.parametrize("name", GRAPHS)
def test_reciprocity_is_that_of_networkx(name: str) -> None:
    graph = GRAPHS[name]()
    theirs = peer(graph)
    theirs.remove_edges_from(list(networkx.selfloop_edges(theirs)))

    found = reciprocity(graph)

    assert found.edges == theirs.number_of_edges()
    if found.edges:
        assert found.share == pytest.approx(networkx.overall_reciprocity(theirs))
    else:
        assert np.isnan(found.share)
    assert found.mutual.tolist() == [
        sum(theirs.has_edge(node, other) for other in theirs.predecessors(node)) for node in theirs
    ]
    assert found.followers.tolist() == [theirs.in_degree(node) for node in theirs]


def test_overlap_counts_followers_that_users_share() -> None:
    graph = bundled()

    found = overlap(graph, users=12)

    lists = [set(graph.followers[graph.indptr[n] : graph.indptr[n + 1]].tolist()) for n in found.nodes]
    assert [len(users) for users in lists] == sorted(graph.in_degrees().tolist(), reverse=True)[:12]
    assert found.shared.tolist() == [[len(a & b) for b in lists] for a in lists]
    assert found.jaccard()[3, 5] == len(lists[3] & lists[5]) / len(lists[3] | lists[5])
