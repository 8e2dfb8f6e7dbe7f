"""Communities and their modularity: Leiden by NetworKit, or label propagation without it."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from typing import Literal

import numpy as np
import numpy.typing as npt

from twittomatic.dataset.extras import require
from twittomatic.dataset.graph import Graph, Nodes
from twittomatic.dataset.measures import networkit as engine
from twittomatic.dataset.measures.components import ordered
from twittomatic.dataset.measures.propagation import propagated_labels
from twittomatic.dataset.measures.undirected import Ties

Method = Literal["leiden", "propagation"]

_LEIDEN_ITERATIONS = 3  # NetworKit's default; more raise modularity by less than 0.001


@dataclass(frozen=True, slots=True, eq=False)
class Communities:
    """A partition of the nodes into communities.

    Attributes:
        labels: Community of each node, from 0 for the largest on (int32, shape n).
        sizes: Number of nodes of each community, in descending order (int64).
        modularity: Newman's modularity of the undirected graph, from -0.5 to 1.
        method: `leiden` or `propagation`.
        seed: Seed that reproduces the communities; None if they are not reproducible.
    """

    labels: Nodes
    sizes: npt.NDArray[np.int64]
    modularity: float
    method: Method
    seed: int | None

    @property
    def count(self) -> int:
        """Number of communities."""
        return len(self.sizes)


def modularity(ties: Ties, labels: npt.NDArray[np.integer]) -> float:
    """Return Newman's modularity of a partition; 0 for a graph without ties.

    Source: Newman, *Modularity and community structure in networks* (2006).
    """
    count = len(ties.low)
    if count == 0:
        return 0.0
    inside = np.count_nonzero(labels[ties.low] == labels[ties.high]) / count
    ends = np.bincount(labels[ties.low], minlength=ties.node_count) + np.bincount(
        labels[ties.high], minlength=ties.node_count
    )
    shares = ends / (2 * count)
    return float(inside - shares @ shares)


def communities(graph: Graph, seed: int | None = 1, method: Method | None = None) -> Communities:
    """Find communities in the undirected graph.

    Args:
        graph: The follow graph; usually `graph.subgraph(graph.crawled)`, without border users.
        seed: Seed of the random numbers. None uses all cores, and the result differs from run to run.
        method: `leiden` needs NetworKit, `propagation` needs NumPy only. By default, Leiden if NetworKit
            is installed.

    Raises:
        SettingsError: `method` is `leiden`, and NetworKit is not installed, or the seed is negative or too
            large.
    """
    engine.check_seed(seed)
    ties = Ties.of(graph)
    if method is None:
        method = "leiden" if find_spec("networkit") else "propagation"
    if method == "leiden":
        labels = _leiden(ties, seed)
    else:
        seed = 1 if seed is None else seed
        labels = propagated_labels(ties, seed)
    found = ordered(labels)
    return Communities(found.labels, found.sizes, modularity(ties, labels), method, seed)


def _leiden(ties: Ties, seed: int | None) -> npt.NDArray[np.int64]:
    """Source: Traag, Waltman and van Eck, *From Louvain to Leiden* (2019)."""
    networkit = require("networkit", "analysis")
    loaded = engine.undirected(ties)
    with engine.repeatable(seed):
        run = networkit.community.ParallelLeiden(loaded, iterations=_LEIDEN_ITERATIONS)
        run.run()
        return np.array(run.getPartition().getVector(), np.int64)
