"""PageRank and HITS against igraph, on the bundled graph and on the part that a shallow crawl finds."""

from __future__ import annotations

from collections.abc import Callable

import igraph
import numpy as np
import numpy.typing as npt
import pytest

from support.graphs import bordered, bundled, graph_of, odd
from twittomatic.dataset import Graph
from twittomatic.dataset.graph import edgeblocks
from twittomatic.dataset.measures import followed, hits, pagerank, rank
from twittomatic.errors import SettingsError

PLACES = [bundled, bordered]


def peer(graph: Graph) -> igraph.Graph:
    owners = np.repeat(np.arange(graph.node_count), graph.in_degrees())
    return igraph.Graph(n=graph.node_count, edges=np.stack([graph.followers, owners], 1), directed=True)


def close(ours: npt.NDArray[np.float64], theirs: list[float]) -> bool:
    return float(np.abs(ours - theirs).max(initial=0.0)) < 1e-9


@pytest.mark.parametrize("graph", PLACES)
@pytest.mark.parametrize("damping", [0.5, 0.85])
def test_pagerank_is_that_of_igraph(graph: Callable[[], Graph], damping: float) -> None:
    found = pagerank(graph(), damping)

    assert found.converged
    assert found.scores.sum() == pytest.approx(1)
    assert close(found.scores, peer(graph()).pagerank(damping=damping))


@pytest.mark.parametrize("name", odd())
def test_pagerank_of_odd_graphs_is_that_of_igraph(name: str) -> None:
    graph = odd()[name]

    assert close(pagerank(graph).scores, peer(graph).pagerank())
    assert close(graph.pagerank(), peer(graph).pagerank())


def test_blocks_end_anywhere_without_changing_a_sum(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = [pagerank(graph(), tolerance=1e-12).scores for graph in PLACES]

    for module in (edgeblocks, followed, rank):
        monkeypatch.setattr(module, "BLOCK", 20)  # some lists are longer, and some blocks have several lists

    for graph, scores in zip(PLACES, whole, strict=True):
        assert np.allclose(pagerank(graph(), tolerance=1e-12).scores, scores, rtol=0, atol=1e-11)


def test_a_run_that_was_stopped_says_so() -> None:
    assert not pagerank(bundled(), most_iterations=3).converged
    assert not hits(bundled(), most_iterations=3).converged


@pytest.mark.parametrize("graph", PLACES)
def test_hubs_and_authorities_are_those_of_igraph(graph: Callable[[], Graph]) -> None:
    with pytest.warns(RuntimeWarning, match="zeros"):  # users who follow nobody are no hubs at all
        hubs = peer(graph()).hub_score(scale=True)
        authorities = peer(graph()).authority_score(scale=True)

    found = hits(graph())

    assert found.converged
    assert close(found.hubs / found.hubs.max(), hubs)
    assert close(found.authorities / found.authorities.max(), authorities)


def test_a_hub_follows_an_authority() -> None:
    found = graph_of([(1, 9), (2, 9), (2, 8)]).hits()

    assert found.hubs.argmax() == 1
    assert found.authorities.tolist()[-1] == found.authorities.max()
    assert (found.hubs.sum(), found.authorities.sum()) == pytest.approx((1, 1))


@pytest.mark.parametrize("name", odd())
def test_odd_graphs_have_hubs_and_authorities(name: str) -> None:
    found = hits(odd()[name])

    assert found.converged
    assert np.isfinite(found.hubs).all() and np.isfinite(found.authorities).all()


@pytest.mark.parametrize("damping", [-1, 0, 1, 2, float("nan")])
def test_a_damping_that_is_no_probability_is_refused(damping: float) -> None:
    with pytest.raises(SettingsError, match="above 0 and below 1"):
        bundled().pagerank(damping)


@pytest.mark.parametrize("seed", [-1, 2**31])
def test_a_seed_that_no_generator_takes_is_refused(seed: int) -> None:
    graph = bundled()
    for use in (
        graph.communities,
        lambda seed: graph.betweenness(5, seed),
        lambda seed: graph.picture(seed=seed),
    ):
        with pytest.raises(SettingsError, match="a seed is 0 or more"):
            use(seed)
    with pytest.raises(SettingsError, match="samples=0"):
        graph.betweenness(0)
