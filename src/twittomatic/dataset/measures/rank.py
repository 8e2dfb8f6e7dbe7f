"""PageRank and HITS, by iteration over the follower lists."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from twittomatic.dataset.graph import Graph, Nodes
from twittomatic.dataset.graph.arrayfile import release
from twittomatic.dataset.graph.edgeblocks import BLOCK, edge_blocks, follow_counts, row_blocks
from twittomatic.dataset.measures.followed import FollowedPart, row_sums, sums_by_row
from twittomatic.errors import SettingsError

DAMPING = 0.85
TOLERANCE = 1e-10
MOST_ITERATIONS = 1_000

_LARGEST_PART = 1 / 3  # of all edges: a part that is larger is not copied


@dataclass(frozen=True, slots=True, eq=False)
class PageRank:
    """PageRank of each node.

    Attributes:
        scores: PageRank of each node (float64, shape n); the sum is 1.
        iterations: Number of iterations.
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
        iterations: Number of iterations.
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
    system without it is solved, and the result is divided by its sum. Ranks are replaced in place, block by
    block (Gauss and Seidel's method): beside the mapped graph it takes 12 bytes a user. If most edges come
    from users without followers, the others are copied, 4 bytes each.

    Args:
        graph: The follow graph.
        damping: Probability of following an edge instead of jumping to any user; above 0 and below 1.
        tolerance: Sum of the absolute changes of all scores below which it has converged.
        most_iterations: Maximum number of iterations.

    Raises:
        SettingsError: the damping is no such probability.
    """
    if not 0 < damping < 1:
        raise SettingsError(f"damping={damping}: give a probability above 0 and below 1, such as {DAMPING}.")
    n = graph.node_count
    if n == 0:
        return PageRank(np.empty(0), 0, converged=True)
    counts = follow_counts(graph)
    visited = sum(
        int(counts[first:last][np.diff(graph.indptr[first : last + 1]) > 0].sum(dtype=np.int64))
        for first, last in row_blocks(graph.indptr)
    )
    if visited > _LARGEST_PART * graph.edge_count:
        system = _System(graph.indptr, graph.followers, np.broadcast_to(1.0, n), counts, damping)
        iterations, converged = system.solve(tolerance, most_iterations, 0)
        scores = system.ranks()
        scores /= scores.sum()
        return PageRank(scores, iterations, converged)
    part = FollowedPart.of(graph)
    part_counts = counts[part.nodes]
    counts[part.nodes] = 0
    # Users without followers keep the least rank, so what they pass is computed once.
    fixed = 1.0 + _passed_once(graph, part.nodes, counts, damping)
    del counts
    system = _System(part.indptr, part.followers, fixed, part_counts, damping)
    iterations, converged = system.solve(tolerance, most_iterations, n - len(fixed))
    ranks = system.ranks()
    whole = n - len(fixed) + float(ranks.sum())
    scores = np.full(n, 1.0 / whole)
    scores[part.nodes] = ranks / whole
    return PageRank(scores, iterations, converged)


def _passed_once(
    graph: Graph, followed: npt.NDArray[np.int64], counts: Nodes, damping: float
) -> npt.NDArray[np.float64]:
    """Return what users of rank 1 pass to each user who has followers.

    Args:
        graph: The follow graph.
        followed: All nodes that have followers, ascending (shape k).
        counts: How many users each user follows; 0 for those who pass nothing (shape n).
        damping: Share of a rank that is passed on.
    """
    sums = np.zeros(len(followed))
    share = damping / np.maximum(np.arange(int(counts.max()) + 1), 1)
    share[0] = 0.0
    for block in edge_blocks(graph, BLOCK):
        filled = block.counts > 0
        starts = (np.cumsum(block.counts) - block.counts)[filled]
        place = int(np.searchsorted(followed, block.first))
        sums[place : place + len(starts)] += np.add.reduceat(share[counts[block.followers]], starts)
        release(block.followers)
    return sums


class _System:
    """The equations `rank = fixed + what the followers pass`, solved in place.

    Args:
        indptr: Where the followers of each user begin, shape n + 1.
        followers: The followers.
        fixed: The part of each rank that does not come from these followers (shape n).
        counts: How many users each user follows (shape n).
        damping: Share of a rank that is passed on.
    """

    def __init__(
        self,
        indptr: npt.NDArray[np.int64],
        followers: Nodes,
        fixed: npt.NDArray[np.float64],
        counts: Nodes,
        damping: float,
    ) -> None:
        self._indptr, self._followers, self._fixed, self._counts = indptr, followers, fixed, counts
        self._damping = damping
        self._passed = damping / np.maximum(counts, np.int32(1))  # by each user to each user followed
        self._passed *= fixed

    def solve(self, tolerance: float, most_iterations: int, others: int) -> tuple[int, bool]:
        """Iterate, and return how often, and whether the tolerance was reached.

        Args:
            tolerance: Largest change of all ranks together, as a share of their sum.
            most_iterations: Iterations after which it stops even so.
            others: Sum of all ranks that are not in the system.
        """
        fixed_sum = float(self._fixed.sum())
        iterations, converged = 0, len(self._fixed) == 0
        while not converged and iterations < most_iterations:
            ranks_sum = passed_sum = change = 0.0
            for first, last, received in row_sums(self._passed, self._indptr, self._followers):
                counts, before = self._counts[first:last], self._passed[first:last]
                ranks = received + self._fixed[first:last]
                share = self._damping / np.maximum(counts, 1)
                after = ranks * share
                change += float((np.abs(after - before) / share).sum())
                passed_sum += float(after @ counts)
                ranks_sum += float(ranks.sum())
                before[:] = after
            # The sum of the solution is known to be `fixed_sum` and what is passed. Scaling the ranks so that
            # this holds saves up to half of the iterations.
            scale = fixed_sum / (ranks_sum - passed_sum)
            self._passed *= scale
            change += abs(scale - 1.0) * ranks_sum
            converged = change <= tolerance * (others + scale * ranks_sum)
            iterations += 1
        return iterations, converged

    def ranks(self) -> npt.NDArray[np.float64]:
        """Return the rank of each user; the system is not usable any more."""
        np.maximum(self._counts, 1, out=self._counts)
        self._passed *= self._counts
        self._passed /= self._damping
        return self._passed


def hits(graph: Graph, tolerance: float = TOLERANCE, most_iterations: int = MOST_ITERATIONS) -> Hits:
    """Return the hubs and authorities of a graph.

    Source: Kleinberg, *Authoritative Sources in a Hyperlinked Environment* (1999). Both are scaled to a sum
    of 1, as in NetworkX. Without edges, all users have the same scores.

    Args:
        graph: The follow graph.
        tolerance: Sum of the absolute changes of all authorities below which it has converged.
        most_iterations: Maximum number of iterations.
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
