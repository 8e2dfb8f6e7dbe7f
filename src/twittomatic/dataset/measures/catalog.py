"""The catalog of measures: name, columns, caveats, and the function that computes them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt

from twittomatic.dataset.graph import Graph
from twittomatic.dataset.measures import communities as community
from twittomatic.dataset.measures import components as component
from twittomatic.dataset.measures import degrees as degree
from twittomatic.dataset.measures import rank, structure
from twittomatic.errors import SettingsError

Among = Literal["crawled", "all"]
Columns = Mapping[str, npt.NDArray[Any]]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Measured:
    """The values of a measure.

    Attributes:
        columns: Values of the nodes by column name (shape n); the first column ranks the users.
        facts: Values for the whole graph, and parameters, by name.
        sizes: Number of users of each group in descending order, if the measure partitions the users (int64).
        caveats: Sentences about the limits of the values.
    """

    columns: Columns
    facts: Mapping[str, int | float | str | None] = field(default_factory=dict)
    sizes: npt.NDArray[np.int64] | None = None
    caveats: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Measure:
    """A measure of the users.

    Attributes:
        title: Title, such as `PageRank`.
        summary: One sentence for the help.
        among: Users for whom it is meaningful.
        columns: Names of its columns.
        compute: Computes it for a graph and a seed.
    """

    title: str
    summary: str
    among: Among
    columns: tuple[str, ...]
    compute: Callable[[Graph, int], Measured]


_BORDER_RANK = (
    "Border users have no followers in the dataset, so they all have the minimum score: compare only crawled "
    "users."
)


def _degrees(graph: Graph, seed: int) -> Measured:
    found = degree.degrees(graph)
    followers = found.followers[graph.crawled]
    return Measured(
        columns={"in_degree": found.followers, "out_degree": found.following},
        facts={
            "most followers": int(followers.max(initial=0)),
            "median followers of crawled users": float(np.median(followers)) if len(followers) else None,
            "mean followers of crawled users": float(followers.mean()) if len(followers) else None,
            "crawled users without followers": int(np.count_nonzero(followers == 0)),
        },
        caveats=["Followers are counted in this graph; a profile's followers_count is that of the network."],
    )


def _pagerank(graph: Graph, seed: int) -> Measured:
    found = rank.pagerank(graph)
    caveats = [] if found.converged else [f"It did not converge in {found.iterations} iterations."]
    return Measured(
        columns={"pagerank": found.scores},
        facts={"damping": rank.DAMPING, "iterations": found.iterations},
        caveats=[*caveats, *_border(graph, _BORDER_RANK)],
    )


def _hits(graph: Graph, seed: int) -> Measured:
    found = rank.hits(graph)
    caveats = [] if found.converged else [f"It did not converge in {found.iterations} iterations."]
    return Measured(
        columns={"authority": found.authorities, "hub": found.hubs},
        facts={"iterations": found.iterations},
        caveats=[*caveats, *_border(graph, _BORDER_RANK)],
    )


def _components(graph: Graph, seed: int) -> Measured:
    found = component.components(graph)
    largest = float(found.sizes[0] / graph.node_count) if found.count else None
    return Measured(
        columns={"component": found.labels},
        facts={"components": found.count, "share of users in the largest": largest},
        sizes=found.sizes,
        caveats=["Weak components: the direction of a follow does not count."],
    )


def _communities(graph: Graph, seed: int) -> Measured:
    found = community.communities(graph, seed)
    by = {"leiden": "Leiden (NetworKit, one thread)", "propagation": "label propagation"}[found.method]
    caveats = ["Communities vary with the seed: trust what several seeds agree on."]
    if found.method == "propagation":
        caveats.append(
            "Leiden finds slightly better ones and needs NetworKit: pip install 'twittomatic[analysis]'"
        )
    return Measured(
        columns={"community": found.labels},
        facts={
            "communities": found.count,
            "modularity": found.modularity,
            "method": by,
            "seed": found.seed,
        },
        sizes=found.sizes,
        caveats=[
            *caveats,
            *_border(graph, "Border users join the communities of the few users whom they follow here."),
        ],
    )


def _cores(graph: Graph, seed: int) -> Measured:
    found = structure.cores(graph)
    return Measured(
        columns={"core": found.numbers},
        facts={
            "deepest core": found.deepest,
            "users in it": int(np.count_nonzero(found.numbers == found.deepest)),
        },
        caveats=_border(graph, "The core numbers of border users are lower bounds."),
    )


def _clustering(graph: Graph, seed: int) -> Measured:
    found = structure.clustering(graph)
    return Measured(
        columns={"triangles": found.triangles, "clustering": found.local},
        facts={
            "average clustering": found.average,
            "transitivity": found.transitivity,
            "triangles": int(found.triangles.sum() // 3),
        },
        caveats=_border(graph, "Ties between border users are unknown, so all values are too low."),
    )


def _reciprocity(graph: Graph, seed: int) -> Measured:
    found = degree.reciprocity(graph)
    share = np.full(graph.node_count, np.nan)
    np.divide(found.mutual, found.followers, out=share, where=found.followers > 0)
    return Measured(
        columns={"mutual": found.mutual, "reciprocity": share},
        facts={
            "share of follows that are mutual": None if np.isnan(found.share) else found.share,
            "mutual pairs": found.pairs,
        },
        caveats=_border(graph, "Border users have no followers in the dataset, so they lower the share."),
    )


def _betweenness(graph: Graph, seed: int) -> Measured:
    found = structure.betweenness(graph, seed=seed)
    caveats = []
    if found.samples is not None:
        caveats.append(
            f"Estimated from the shortest paths of {found.samples} random users: the ranking is "
            "reliable, but the value of a single user may be far off."
        )
    return Measured(
        columns={"betweenness": found.scores},
        facts={
            "paths": "all" if found.samples is None else f"those of {found.samples} users",
            "seed": found.seed,
        },
        caveats=[*caveats, *_border(graph, "No path leads to border users.")],
    )


def _border(graph: Graph, sentence: str) -> list[str]:
    return [] if graph.crawled.all() else [sentence]


MEASURES: Final[Mapping[str, Measure]] = {
    "degrees": Measure(
        title="Degrees",
        summary="Degrees: the users with the most followers in the graph.",
        among="all",
        columns=("in_degree", "out_degree"),
        compute=_degrees,
    ),
    "pagerank": Measure(
        title="PageRank",
        summary="PageRank: users who are followed by important users.",
        among="all",
        columns=("pagerank",),
        compute=_pagerank,
    ),
    "hits": Measure(
        title="Hubs and authorities",
        summary="Hubs and authorities: who follows important users, and whom such followers follow.",
        among="all",
        columns=("authority", "hub"),
        compute=_hits,
    ),
    "components": Measure(
        title="Weak components",
        summary="Weak components: groups of users with no follow between them.",
        among="all",
        columns=("component",),
        compute=_components,
    ),
    "communities": Measure(
        title="Communities",
        summary="Communities and their modularity, by Leiden or label propagation.",
        among="crawled",
        columns=("community",),
        compute=_communities,
    ),
    "cores": Measure(
        title="Core numbers",
        summary="Core numbers: who is in the dense middle of the graph.",
        among="crawled",
        columns=("core",),
        compute=_cores,
    ),
    "clustering": Measure(
        title="Clustering",
        summary="Clustering: how often two contacts of a user know each other.",
        among="crawled",
        columns=("triangles", "clustering"),
        compute=_clustering,
    ),
    "reciprocity": Measure(
        title="Reciprocity",
        summary="Reciprocity: the share of follows that are mutual.",
        among="crawled",
        columns=("mutual", "reciprocity"),
        compute=_reciprocity,
    ),
    "betweenness": Measure(
        title="Betweenness",
        summary="Betweenness: who connects users far apart.",
        among="crawled",
        columns=("betweenness",),
        compute=_betweenness,
    ),
}
"""Measures by their names."""


def node_columns(graph: Graph, names: Sequence[str], seed: int = 1) -> dict[str, npt.NDArray[Any]]:
    """Return columns for the nodes of a graph, each of shape n.

    Args:
        graph: The graph to measure.
        names: Names of measures, which add all their columns, or of single columns such as `community`.
        seed: Seed of measures that use random numbers.

    Raises:
        SettingsError: a name is unknown, or a library is not installed.
    """
    of_column = {column: name for name, measure in MEASURES.items() for column in measure.columns}
    columns: dict[str, npt.NDArray[Any]] = {}
    found: dict[str, Columns] = {}
    for name in names:
        measure = name if name in MEASURES else of_column.get(name)
        if measure is None:
            raise SettingsError(f"{name!r} is no measure; there are {', '.join(MEASURES)}.")
        if measure not in found:
            found[measure] = MEASURES[measure].compute(graph, seed).columns
        wanted = MEASURES[measure].columns if name in MEASURES else (name,)
        columns.update((column, found[measure][column]) for column in wanted)
    return columns
