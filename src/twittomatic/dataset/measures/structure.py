"""Cores, clustering and betweenness, by NetworKit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from twittomatic.dataset.extras import require
from twittomatic.dataset.graph import Graph, Nodes
from twittomatic.dataset.measures import networkit as engine
from twittomatic.dataset.measures.undirected import Ties
from twittomatic.errors import SettingsError

MOST_EXACT_STEPS = 200_000_000
"""Product of nodes and edges up to which betweenness is exact: some seconds on one core."""
SAMPLES = 256
"""Number of users from whose paths the betweenness of a larger graph is estimated."""


@dataclass(frozen=True, slots=True, eq=False)
class Cores:
    """The k-cores of the undirected graph.

    Attributes:
        numbers: Core number of each node: the largest k such that it belongs to a subgraph in which all nodes
            have at least k ties (int32, shape n).
    """

    numbers: Nodes

    @property
    def deepest(self) -> int:
        """The largest core number; 0 in a graph without nodes."""
        return int(self.numbers.max(initial=0))


@dataclass(frozen=True, slots=True, eq=False)
class Clustering:
    """Clustering coefficients of the undirected graph.

    Attributes:
        local: Share of the pairs of a node's neighbors that are tied, from 0 to 1; 0 with fewer than two
            neighbors (float64, shape n).
        triangles: Number of triangles that contain each node (int64, shape n).
        average: Mean of `local` over all nodes, Watts and Strogatz' coefficient.
        transitivity: Share of all paths of two ties that are closed to a triangle.
    """

    local: npt.NDArray[np.float64]
    triangles: npt.NDArray[np.int64]
    average: float
    transitivity: float


@dataclass(frozen=True, slots=True, eq=False)
class Betweenness:
    """Betweenness centrality.

    Attributes:
        scores: Share of the shortest paths between other nodes that pass through each node (float64, shape
            n).
        samples: Number of users from whose paths it is estimated; None if it is exact.
        seed: Seed of the sample; None if it is exact.
    """

    scores: npt.NDArray[np.float64]
    samples: int | None
    seed: int | None


def cores(graph: Graph) -> Cores:
    """Return the core number of each node, in the undirected graph.

    Source: Seidman, *Network structure and minimum degree* (1983).

    Raises:
        SettingsError: NetworKit is not installed.
    """
    networkit = require("networkit", "analysis")
    loaded = engine.undirected(Ties.of(graph))
    run = networkit.centrality.CoreDecomposition(loaded)
    run.run()
    return Cores(np.array(run.scores(), np.float64).astype(np.int32))


def clustering(graph: Graph) -> Clustering:
    """Return the clustering coefficients of the undirected graph, exactly.

    Source: Watts and Strogatz, *Collective dynamics of 'small-world' networks* (1998).

    Raises:
        SettingsError: NetworKit is not installed.
    """
    networkit = require("networkit", "analysis")
    ties = Ties.of(graph)
    loaded = engine.undirected(ties)
    run = networkit.centrality.LocalClusteringCoefficient(loaded, turbo=True)
    run.run()
    local = np.array(run.scores(), np.float64)
    local[~np.isfinite(local)] = 0.0
    degrees = ties.degrees()
    pairs = degrees * (degrees - 1) // 2
    triangles = np.rint(local * pairs).astype(np.int64)
    return Clustering(
        local=local,
        triangles=triangles,
        average=float(local.mean()) if len(local) else 0.0,
        transitivity=float(triangles.sum() / max(1, int(pairs.sum()))),
    )


def betweenness(graph: Graph, samples: int | None = None, seed: int | None = 1) -> Betweenness:
    """Return the betweenness of each node, along the direction of follows.

    It is exact in small graphs. In others, and wherever `samples` is given, it is estimated from the
    shortest paths of some random users: Geisberger, Sanders and Schultes, *Better Approximation of
    Betweenness Centrality* (2008). Half of the paths begin there and half end there, since either alone
    favors one side of a directed graph. The estimate has no guarantee for a single user. Source of the
    measure: Freeman, *A set of measures of centrality based on betweenness* (1977).

    Args:
        graph: The follow graph.
        samples: Number of users whose paths are followed; None chooses.
        seed: Seed of the sample. None uses all cores, and an estimate differs from run to run.

    Raises:
        SettingsError: NetworKit is not installed, or samples or seed are not allowed.
    """
    if samples is not None and samples < 1:
        raise SettingsError(f"samples={samples}: give at least 1.")
    engine.check_seed(seed)
    networkit = require("networkit", "analysis")
    n = graph.node_count
    if samples is None and n * graph.edge_count > MOST_EXACT_STEPS:
        samples = SAMPLES
    if n < 3:
        return Betweenness(np.zeros(n), None, None)
    loaded = engine.directed(graph)
    if samples is None or samples >= n:
        run = networkit.centrality.Betweenness(loaded)
        run.run()
        return Betweenness(np.array(run.scores()) / ((n - 1) * (n - 2)), None, None)
    reverse = networkit.graphtools.transpose(loaded)
    scores = np.zeros(n)
    with engine.repeatable(seed):
        for each in (loaded, reverse):
            run = networkit.centrality.EstimateBetweenness(each, max(1, samples // 2), False, seed is None)
            run.run()
            scores += np.array(run.scores()) / 2
    return Betweenness(scores / ((n - 1) * (n - 2)), samples, seed)
