"""Communities by label propagation under the constraint of modularity, in NumPy alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from twittomatic.dataset.measures.undirected import Ties

_Labels = npt.NDArray[np.int64]
_Weights = npt.NDArray[np.float64]

_MOST_ROUNDS = 100
_QUIET = 0.001  # share of moving nodes below which a level ends


@dataclass(frozen=True, slots=True, eq=False)
class _Level:
    """An undirected graph; both ends have each edge.

    Attributes:
        indptr: Where the neighbours of each node begin (shape n + 1).
        neighbours: The neighbours, without the node itself.
        weights: The weight of each of these edges; None if all are 1.
        loops: Weight of each node's edges to itself, both directions (shape n).
    """

    indptr: npt.NDArray[np.int64]
    neighbours: _Labels
    weights: _Weights | None
    loops: _Weights

    @property
    def count(self) -> int:
        """Number of nodes."""
        return len(self.loops)

    @classmethod
    def of(cls, ties: Ties) -> _Level:
        """Return the first level, in which each node is a community of its own."""
        count = ties.node_count
        keys = np.concatenate(
            [ties.low.astype(np.int64) * count + ties.high, ties.high.astype(np.int64) * count + ties.low]
        )
        keys.sort()
        indptr = np.searchsorted(keys, np.arange(count + 1) * count)
        return cls(indptr, keys % count, None, np.zeros(count))

    def degrees(self) -> _Weights:
        """Return the weight of each node's edges, loops included (shape n)."""
        if self.weights is None:
            return self.loops + np.diff(self.indptr)
        before = np.concatenate([[0.0], np.cumsum(self.weights)])
        return self.loops + np.diff(before[self.indptr])

    def rows(self, nodes: _Labels) -> tuple[_Labels, npt.NDArray[np.int64] | slice]:
        """Return each node as often as it has neighbours, and where these are."""
        counts = self.indptr[nodes + 1] - self.indptr[nodes]
        owners = np.repeat(np.arange(len(nodes)), counts)
        shift = self.indptr[nodes] - (np.cumsum(counts) - counts)
        return nodes[owners], np.arange(len(owners)) + shift[owners]

    def tied(self, nodes: _Labels, labels: _Labels) -> tuple[_Labels, _Labels, _Weights]:
        """Return the weight of the edges between each of some nodes and each community next to it.

        Returns:
            Nodes, ascending; communities; weights.
        """
        owners, places = self.rows(nodes)
        keys = owners * self.count + labels[self.neighbours[places]]
        return _summed(keys, None if self.weights is None else self.weights[places], self.count)

    def joined(self, labels: _Labels, count: int) -> _Level:
        """Return the level whose nodes are the communities of this one, numbered from 0 on."""
        owners = np.repeat(np.arange(self.count), np.diff(self.indptr))
        keys = labels[owners] * count + labels[self.neighbours]
        rows, columns, weights = _summed(keys, self.weights, count)
        loops = _sums(labels, self.loops, count)
        inside = rows == columns
        loops[rows[inside]] += weights[inside]
        rows, columns, weights = rows[~inside], columns[~inside], weights[~inside]
        return _Level(np.searchsorted(rows, np.arange(count + 1)), columns, weights, loops)


def propagated_labels(ties: Ties, seed: int) -> _Labels:
    """Return the community of each node (int64, shape n), reproducible for a seed.

    Each round, a random half of the nodes whose neighbours moved take the label of their neighbours that
    raises modularity most; when few move any more, communities become nodes and the same begins again.
    Sources: Barber and Clark, *Detecting network communities by propagating labels under constraints* (2009);
    the levels are those of Blondel and others, *Fast unfolding of communities* (2008). Half of the nodes at a
    time, since neighbours that move at once would swap labels for ever.

    Args:
        ties: The undirected graph.
        seed: Seed of the random numbers.
    """
    random = np.random.default_rng(seed)
    labels = np.arange(ties.node_count)
    if not len(ties.low):
        return labels
    level = _Level.of(ties)
    while True:
        found = _moved(level, random)
        is_used = np.zeros(level.count, np.bool_)
        is_used[found] = True
        found = (np.cumsum(is_used) - 1)[found]
        labels = found[labels]
        merged = int(is_used.sum())
        if merged == level.count:
            return labels
        level = level.joined(found, merged)


def _moved(level: _Level, random: np.random.Generator) -> _Labels:
    """Move nodes to their neighbours' communities while modularity grows; return their communities."""
    count = level.count
    degrees = level.degrees()
    total = float(degrees.sum())
    labels = np.arange(count)
    strength = degrees.copy()
    quality = best = -float((strength / total) @ (strength / total))  # up to the loops, which no move changes
    best_labels = labels
    waiting = np.diff(level.indptr) > 0
    for _ in range(_MOST_ROUNDS):
        chosen = np.flatnonzero(waiting)
        chosen = chosen[random.random(len(chosen)) < 0.5]
        waiting[chosen] = False
        nodes, theirs, tied = level.tied(chosen, labels)
        own = theirs == labels[nodes]
        gains = tied - degrees[nodes] * (strength[theirs] - np.where(own, degrees[nodes], 0.0)) / total
        staying = -degrees * (strength[labels] - degrees) / total
        staying[nodes[own]] = gains[own]
        top = _largest(nodes, gains, random)
        top = top[gains[top] > staying[nodes[top]] + 1e-12]
        movers = nodes[top]
        if len(movers):
            following = labels.copy()
            following[movers] = theirs[top]
            owners, places = level.rows(movers)
            others = level.neighbours[places]
            change = (following[owners] == following[others]).astype(np.float64)
            change -= labels[owners] == labels[others]
            if level.weights is not None:
                change *= level.weights[places]
            is_mover = np.zeros(count, np.bool_)
            is_mover[movers] = True
            change[~is_mover[others]] *= 2.0  # the same edge from its other end
            labels = following
            waiting[others] = True
            before = float((strength / total) @ (strength / total))
            strength = _sums(labels, degrees, count)
            quality += float(change.sum()) / total + before - float((strength / total) @ (strength / total))
            if quality > best:
                best, best_labels = quality, labels
        if len(movers) <= _QUIET * count:
            break
    return best_labels


def _largest(nodes: _Labels, gains: _Weights, random: np.random.Generator) -> npt.NDArray[np.int64]:
    """Return the index of the largest gain of each node, a random one among ties; nodes are ascending."""
    largest = _largest_of_each(nodes, gains)
    equal = np.flatnonzero(gains == largest)
    dice = random.random(len(equal))
    chosen: _Labels = equal[dice == _largest_of_each(nodes[equal], dice)]
    return chosen


def _largest_of_each(nodes: _Labels, values: _Weights) -> _Weights:
    """Return for each value the largest value of its node."""
    if not len(nodes):
        return values
    is_first = np.ones(len(nodes), np.bool_)
    np.not_equal(nodes[1:], nodes[:-1], out=is_first[1:])
    largest: _Weights = np.maximum.reduceat(values, np.flatnonzero(is_first))
    of_each: _Weights = largest[np.cumsum(is_first) - 1]
    return of_each


def _sums(labels: _Labels, values: _Weights, count: int) -> _Weights:
    return np.bincount(labels, weights=values, minlength=count).astype(np.float64, copy=False)


def _summed(
    keys: npt.NDArray[np.int64], weights: _Weights | None, count: int
) -> tuple[_Labels, _Labels, _Weights]:
    """Sum the weights of equal pairs of numbers; return the sorted unique pairs and their sums.

    Args:
        keys: The pairs, encoded as `first * count + second`.
        weights: Weights of the pairs; None if all are 1.
        count: Exclusive upper bound of the numbers.
    """
    if weights is None:
        keys = np.sort(keys)
    else:
        order = np.argsort(keys, kind="stable")
        keys, weights = keys[order], weights[order]
    is_first = np.ones(len(keys), np.bool_)
    np.not_equal(keys[1:], keys[:-1], out=is_first[1:])
    starts = np.flatnonzero(is_first)
    if weights is None:
        sums = np.diff(np.append(starts, len(keys))).astype(np.float64)
    else:
        sums = np.add.reduceat(weights, starts) if len(starts) else weights
    keys = keys[starts]
    return keys // count, keys % count, sums
