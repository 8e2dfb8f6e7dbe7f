"""PageRank and HITS, by iterations over the follower lists."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from twittomatic.dataset.graph import Graph
from twittomatic.dataset.graph.edgeblocks import edge_blocks
from twittomatic.dataset.measures.followed import FollowedPart, sums_by_row

DAMPING = 0.85
TOLERANCE = 1e-10
MOST_ITERATIONS = 1_000

_BLOCK = 1 << 20  # edges


@dataclass(frozen=True, slots=True, eq=False)
class PageRank:
    """PageRank of each node.

    Attributes:
        scores: Share of the whole rank (float64, shape n); the sum is 1.
        iterations: How often every edge was visited.
        converged: Whether the tolerance was reached.
    """

    scores: npt.NDArray[np.float64]
    iterations: int
    converged: bool


@dataclass(frozen=True, slots=True, eq=False)
class Hits:
    """Kleinberg's hubs and authorities.

    Attributes:
        hubs: High for a user who follows good authorities (float64, shape n); the sum is 1.
        authorities: High for a user whom good hubs follow (float64, shape n); the sum is 1.
        iterations: How often every edge was visited.
        converged: Whether the tolerance was reached.
    """

    hubs: npt.NDArray[np.float64]
    authorities: npt.NDArray[np.float64]
    iterations: int
    converged: bool


def pagerank(
    graph: Graph,
    damping: float = DAMPING,
    tolerance: float = TOLERANCE,
    most_iterations: int = MOST_ITERATIONS,
) -> PageRank:
    """Return the PageRank of each node, as igraph and NetworkX define it.

    A user passes rank on to the users they follow, in equal parts. A user who follows nobody passes it on to
    all users. Source: Page, Brin, Motwani and Winograd, *The PageRank Citation Ranking* (1999).

    The rank of a user who follows nobody is spread evenly, which only scales all ranks alike. So the linear
    system without it is solved, and the result is divided by its sum.

    Args:
        graph: The follow graph.
        damping: Probability of following an edge instead of jumping to any user.
        tolerance: Largest change of all scores together in the last iteration.
        most_iterations: Iterations after which it stops even so.
    """
    n = graph.node_count
    if n == 0:
        return PageRank(np.empty(0), 0, converged=True)
    followed_counts = np.zeros(n, np.int32)
    for begin in range(0, graph.edge_count, _BLOCK):
        np.add.at(followed_counts, graph.followers[begin : begin + _BLOCK], np.int32(1))
    # What a user passes to each user followed, of a rank of 1.
    passed = damping / np.maximum(followed_counts, 1)
    del followed_counts
    part = FollowedPart.of(graph)
    share = passed[part.nodes]
    passed[part.nodes] = 0.0
    # Users without followers keep the least rank, so what they pass is computed once.
    fixed = 1.0 + sums_by_row(passed, graph.indptr[np.append(part.nodes, n)], graph.followers)
    del passed
    outside_count = n - len(fixed)
    whole = outside_count + float(fixed.sum())
    least, ranks = 1.0 / whole, fixed / whole  # `least` is the rank of a user without followers
    iterations, converged = 0, len(ranks) == 0
    while not converged and iterations < most_iterations:
        received = sums_by_row(ranks * share, part.indptr, part.followers)
        least = (1.0 - float(received.sum())) / whole  # so that the sum of all ranks is 1
        following = least * fixed + received
        converged = float(np.abs(following - ranks).sum()) <= tolerance
        ranks = following
        iterations += 1
    scores = np.full(n, least)
    scores[part.nodes] = ranks
    return PageRank(scores, iterations, converged)


def hits(graph: Graph, tolerance: float = TOLERANCE, most_iterations: int = MOST_ITERATIONS) -> Hits:
    """Return the hubs and authorities of a graph.

    Source: Kleinberg, *Authoritative Sources in a Hyperlinked Environment* (1999). Both are scaled to a sum
    of 1, as in NetworkX. A graph without edges gives everybody the same scores.

    Args:
        graph: The follow graph.
        tolerance: Largest change of all authorities together in the last iteration.
        most_iterations: Iterations after which it stops even so.
    """
    n = graph.node_count
    if graph.edge_count == 0:
        even = np.full(n, 1.0 / max(1, n))
        return Hits(even, even.copy(), 0, converged=True)
    authorities = np.full(n, 1.0 / n)
    iterations, converged = 0, False
    while not converged and iterations < most_iterations:
        hubs = sums_of_followed(graph, authorities)
        following = sums_by_row(hubs, graph.indptr, graph.followers)
        following /= following.sum()
        converged = float(np.abs(following - authorities).sum()) <= tolerance
        authorities = following
        iterations += 1
    hubs = sums_of_followed(graph, authorities)
    return Hits(hubs / hubs.sum(), authorities, iterations, converged)


def sums_of_followed(graph: Graph, values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return for each node the sum of the values of the users it follows (float64, shape n)."""
    block = max(1 << 20, graph.node_count)  # a block costs as much as there are nodes
    sums = np.zeros(graph.node_count)
    for part in edge_blocks(graph, block):
        weights = np.repeat(values[part.first : part.last], part.counts)
        sums += np.bincount(part.followers, weights=weights, minlength=graph.node_count)
    return sums
