"""Cores, clustering and betweenness against NetworkX and igraph."""

from __future__ import annotations

from collections.abc import Callable

import igraph
import networkx
import numpy as np
import pytest

from support.graphs import bordered, bundled, odd
from twittomatic.dataset import Graph
from twittomatic.dataset.measures import betweenness, clustering, cores, structure
from twittomatic.dataset.measures.undirected import Ties

PLACES = [bundled, bordered]


def undirected(graph: Graph) -> networkx.Graph:
    ties = Ties.of(graph)
    found = networkx.Graph()
    found.add_nodes_from(range(graph.node_count))
    found.add_edges_from(zip(ties.low.tolist(), ties.high.tolist(), strict=True))
    return found


@pytest.mark.parametrize("graph", PLACES)
def test_cores_are_those_of_networkx(graph: Callable[[], Graph]) -> None:
    theirs = networkx.core_number(undirected(graph()))

    found = cores(graph())

    assert found.numbers.tolist() == [theirs[node] for node in range(graph().node_count)]
    assert found.deepest == max(theirs.values())


def test_clustering_is_that_of_networkx() -> None:
    theirs = undirected(bordered())
    local = np.array([*networkx.clustering(theirs).values()])

    found = clustering(bordered())

    assert found.local == pytest.approx(local)
    assert found.triangles.tolist() == [*networkx.triangles(theirs).values()]
    assert found.average == pytest.approx(local.mean())
    assert found.transitivity == pytest.approx(networkx.transitivity(theirs))


def test_betweenness_is_that_of_igraph() -> None:
    graph = bordered()
    owners = np.repeat(np.arange(graph.node_count), graph.in_degrees())
    theirs = igraph.Graph(n=graph.node_count, edges=np.stack([graph.followers, owners], 1), directed=True)
    paths = (graph.node_count - 1) * (graph.node_count - 2)

    found = betweenness(graph)

    assert (found.samples, found.seed) == (None, None)
    assert found.scores == pytest.approx(np.array(theirs.betweenness()) / paths, abs=1e-12)


def test_the_betweenness_of_a_large_graph_is_estimated(monkeypatch: pytest.MonkeyPatch) -> None:
    graph = bundled()
    monkeypatch.setattr(structure, "MOST_EXACT_STEPS", 1_000_000)

    found, again, other = betweenness(graph), betweenness(graph), betweenness(graph, seed=2)

    assert (found.samples, found.seed) == (structure.SAMPLES, 1)
    assert np.array_equal(found.scores, again.scores)
    assert not np.array_equal(found.scores, other.scores)
    exact = betweenness(graph, samples=graph.node_count)
    assert exact.samples is None
    assert found.scores.argmax() == exact.scores.argmax()
    assert np.corrcoef(found.scores, exact.scores)[0, 1] > 0.98


@pytest.mark.parametrize("name", odd())
def test_odd_graphs_have_a_structure(name: str) -> None:
    graph = odd()[name]

    assert len(graph.cores().numbers) == len(graph.clustering().local) == graph.node_count
    assert graph.betweenness().scores.sum() == (0.5 if name == "a self-follow among others" else 0)
