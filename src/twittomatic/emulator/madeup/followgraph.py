"""Follow graph of up to a billion users, computed without storing edges.

Users are assigned to *layers*. A layer has targets, the few users who can be followed in it, and a
crowd, the many users who each follow exactly one of them. Each layer orders its crowd in a row by its
own permutation; the row is cut into blocks of heavy-tailed lengths, and the users in a block follow that
block's target. So

- the followers of a target are one block: arithmetic, then the inverse permutation;
- the target that a user follows is the block in which the permutation puts that user;
- no user follows a target twice, because a target has one layer and one block in it.

Crowds shrink from layer to layer, so most users follow a few dozen others and some follow a thousand.
No user follows itself: a user in its own block is skipped in both lists.
"""

from bisect import bisect_left
from math import isqrt, sqrt

import numpy as np

from .permutation import Permutation, forward_many, round_seeds
from .prng import Array, derive, mix

MAX_LAYERS = 1024
MAX_MEDIAN = 32  # half of the users follow no more than that


class FollowGraph:
    """The edges among ordinals 0 to population - 1.

    Args:
        seed: The seed that selects the graph.
        population: 1 to 1e9.
    """

    def __init__(self, seed: int, population: int) -> None:
        self._ranks = Permutation(derive(seed, "ranks"), population)
        self._follow_ranks = Permutation(derive(seed, "eager"), population)
        # In a small world users follow few others: among a thousand, nobody knows a hundred on average.
        self._layers = min(MAX_LAYERS, isqrt(population))
        median = max(1.0, min(MAX_MEDIAN, self._layers / 8))
        shares = [median / (median + layer) for layer in range(self._layers)]
        self._crowds = [int(population * share) for share in shares]
        self._targets = [-(-(population - layer) // self._layers) for layer in range(self._layers)]
        seeds = [mix(derive(seed, "layers"), layer) for layer in range(self._layers)]
        self._rows = [Permutation(s, max(1, n)) for s, n in zip(seeds, self._crowds, strict=True)]
        self._crowd_array = np.array(self._crowds, np.uint64)
        self._target_array = np.array(self._targets, np.uint64)
        self._seed_arrays = tuple(np.array([round_seeds(s) for s in seeds], np.uint64).T)

    def follower_count(self, ordinal: int) -> int:
        """Return the number of followers."""
        layer, first, past = self._block(ordinal)
        return past - first - (self._self_place(ordinal, layer, first, past) is not None)

    def following_count(self, ordinal: int) -> int:
        """Return the number of users followed."""
        layer, first, past = self._block(ordinal)
        own = self._self_place(ordinal, layer, first, past)
        return self._crowds_joined(self._follow_ranks.forward(ordinal)) - (own is not None)

    def followers(self, ordinal: int, start: int, stop: int) -> Array:
        """Return followers[start:stop], without duplicates."""
        layer, first, past = self._block(ordinal)
        own = self._self_place(ordinal, layer, first, past)
        stop = min(stop, past - first - (own is not None))
        places = np.arange(first + start, first + max(start, stop), dtype=np.uint64)
        if own is not None:
            places += places >= np.uint64(own)
        return self._follow_ranks.back_array(self._rows[layer].back_array(places))

    def following(self, ordinal: int, start: int, stop: int) -> list[int]:
        """Return following[start:stop], without duplicates."""
        rank = self._follow_ranks.forward(ordinal)
        found: list[int] = []
        # Only the user's own layer may have to be skipped, so one more than requested is enough.
        for layer in range(min(stop + 1, self._crowds_joined(rank))):
            target = self._target(layer, self._rows[layer].forward(rank))
            if target != ordinal:
                found.append(target)
        return found[start:stop]

    def counts(self, ordinals: Array) -> tuple[Array, Array]:
        """Return the follower counts and the following counts of many users at once."""
        layers_n = np.uint64(self._layers)
        places, layers = np.divmod(self._ranks.forward_array(ordinals), layers_n)
        crowds, targets = self._crowd_array[layers], self._target_array[layers]
        first = _cuts(crowds, targets, places)
        past = _cuts(crowds, targets, places + np.uint64(1))
        rank = self._follow_ranks.forward_array(ordinals)
        joined = layers_n - np.searchsorted(self._crowd_array[::-1], rank, side="right").astype(np.uint64)
        own = np.zeros(len(ordinals), np.uint64)
        inside = np.flatnonzero(rank < crowds)
        seeds = tuple(s[layers[inside]] for s in self._seed_arrays)
        places_in_row = forward_many(seeds, crowds[inside], rank[inside])
        own[inside] = (places_in_row >= first[inside]) & (places_in_row < past[inside])
        return past - first - own, joined - own

    def _block(self, ordinal: int) -> tuple[int, int, int]:
        place, layer = divmod(self._ranks.forward(ordinal), self._layers)
        crowd, targets = self._crowds[layer], self._targets[layer]
        return layer, _cut(crowd, targets, place), _cut(crowd, targets, place + 1)

    def _self_place(self, ordinal: int, layer: int, first: int, past: int) -> int | None:
        rank = self._follow_ranks.forward(ordinal)
        if rank >= self._crowds[layer]:
            return None
        place = self._rows[layer].forward(rank)
        return place if first <= place < past else None

    def _crowds_joined(self, rank: int) -> int:
        # Crowds never grow from layer to layer.
        return bisect_left(self._crowds, -rank, key=lambda crowd: -crowd)

    def _target(self, layer: int, place: int) -> int:
        crowd, targets = self._crowds[layer], self._targets[layer]
        low, high = 0, targets
        while high - low > 1:
            middle = (low + high) // 2
            if _cut(crowd, targets, middle) <= place:
                low = middle
            else:
                high = middle
        return self._ranks.back(low * self._layers + layer)


# Where block number `place` begins: crowd * (1 - (1 - (place/targets)**(1/4))**3). The followers of
# the n-th most followed fall like n**(-3/4) at the top, as on Twitter (Kwak et al., "What is Twitter, a
# social network or a news media?", WWW 2010), and to none at the bottom. Only operations that IEEE 754
# rounds exactly are used, so scalars and arrays agree to the last bit.
def _cut(crowd: int, targets: int, place: int) -> int:
    rest = 1.0 - sqrt(sqrt(place / targets))
    return int(crowd * (1.0 - rest * rest * rest))


def _cuts(crowds: Array, targets: Array, places: Array) -> Array:
    rest = 1.0 - np.sqrt(np.sqrt(places.astype(np.float64) / targets.astype(np.float64)))
    return (crowds.astype(np.float64) * (1.0 - rest * rest * rest)).astype(np.uint64)
