"""Communities by label propagation under the constraint of modularity, in NumPy alone."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from twittomatic.dataset.measures.undirected import Ties

_Labels = npt.NDArray[np.int64]
_Weights = npt.NDArray[np.float64]

_MOST_ROUNDS = 100
_QUIET = 0.001  # share of moving nodes below which a level ends


def propagated_labels(ties: Ties, seed: int) -> _Labels:
    """Return a community for each node, repeatable for a seed.

    Each round, a random half of the nodes take the label of their neighbours that raises modularity most;
    when few move any more, communities become nodes and the same begins again. Sources: Barber and Clark,
    *Detecting network communities by propagating labels under constraints* (2009); the levels are those of
    Blondel and others, *Fast unfolding of communities* (2008). Half of the nodes at a time, since neighbours
    that move at once would swap labels for ever.

    Args:
        ties: The undirected graph.
        seed: Seed of the random numbers.
    """
    random = np.random.default_rng(seed)
    labels = np.arange(ties.node_count)
    rows = np.concatenate([ties.low, ties.high]).astype(np.int64)
    columns = np.concatenate([ties.high, ties.low]).astype(np.int64)
    weights = np.ones(len(rows))
    count = ties.node_count
    while count and len(rows):
        found = _level(rows, columns, weights, count, random)
        is_used = np.zeros(count, np.bool_)
        is_used[found] = True
        found = (np.cumsum(is_used) - 1)[found]
        labels = found[labels]
        merged = int(is_used.sum())
        if merged == count:
            break
        rows, columns, weights = _summed(found[rows], found[columns], weights, merged)
        count = merged
    return labels


def _level(
    rows: _Labels, columns: _Labels, weights: _Weights, count: int, random: np.random.Generator
) -> _Labels:
    """Move nodes to their neighbours' communities while modularity grows; return their communities."""
    degrees = np.bincount(rows, weights=weights, minlength=count).astype(np.float64, copy=False)
    total = float(degrees.sum())
    labels = np.arange(count)
    loops = rows == columns
    rows, columns, weights = rows[~loops], columns[~loops], weights[~loops]
    best, best_labels = modularity_of(rows, columns, weights, labels, degrees), labels
    for _ in range(_MOST_ROUNDS):
        awake = random.random(count) < 0.5
        chosen = awake[rows]
        nodes, theirs, tied = _summed(rows[chosen], labels[columns[chosen]], weights[chosen], count)
        strength = np.bincount(labels, weights=degrees, minlength=count)
        own = theirs == labels[nodes]
        gains = tied - degrees[nodes] * (strength[theirs] - np.where(own, degrees[nodes], 0.0)) / total
        staying = -degrees * (strength[labels] - degrees) / total
        staying[nodes[own]] = gains[own]
        order = np.lexsort((random.random(len(nodes)), gains, nodes))
        is_last = np.ones(len(nodes), np.bool_)
        is_last[:-1] = nodes[order][1:] != nodes[order][:-1]
        top = order[is_last]
        top = top[gains[top] > staying[nodes[top]] + 1e-12]
        following = labels.copy()
        following[nodes[top]] = theirs[top]
        labels = following
        quality = modularity_of(rows, columns, weights, labels, degrees)
        if quality > best:
            best, best_labels = quality, labels
        if len(top) <= _QUIET * count:
            break
    return best_labels


def _summed(
    rows: _Labels, columns: _Labels, weights: _Weights, count: int
) -> tuple[_Labels, _Labels, _Weights]:
    """Add up the weights of equal pairs; return the pairs sorted, each once."""
    keys = rows * count + columns
    order = np.argsort(keys, kind="stable")
    keys = keys[order]
    starts = np.flatnonzero(np.concatenate([np.ones(min(1, len(keys)), np.bool_), keys[1:] != keys[:-1]]))
    sums = np.add.reduceat(weights[order], starts) if len(starts) else weights[:0]
    return keys[starts] // count, keys[starts] % count, sums


def modularity_of(
    rows: _Labels, columns: _Labels, weights: _Weights, labels: _Labels, degrees: _Weights
) -> float:
    """Return the modularity of labels, up to the loops, which no move changes."""
    total = float(degrees.sum())
    inside = float(weights[labels[rows] == labels[columns]].sum()) / total
    strength = np.bincount(labels, weights=degrees)
    return inside - float((strength / total) @ (strength / total))
