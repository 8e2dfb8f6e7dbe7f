"""Pseudo-random permutations, computed from a seed in both directions without storing anything.

A Feistel network over pairs (left, right) with modular addition is a permutation of all pairs
(Black and Rogaway, "Ciphers with arbitrary finite domains", 2002). Numbers that fall outside
[0, size) are sent through again until they fall inside; that keeps it a permutation of [0, size).
"""

from math import isqrt

import numpy as np

from .prng import Array, mix, mix_array

ROUNDS = 4


class Permutation:
    """A pseudo-random permutation of the numbers 0 to size - 1.

    Args:
        seed: The seed that selects the permutation.
        size: 1 to 2**62.
    """

    def __init__(self, seed: int, size: int) -> None:
        self.size = size
        self._side = isqrt(size - 1) + 1 if size > 0 else 1
        self._seeds = round_seeds(seed)

    def forward(self, number: int) -> int:
        """Return the image of a number in [0, size)."""
        side = self._side
        while True:
            left, right = divmod(number, side)
            for turn, seed in enumerate(self._seeds):
                if turn & 1:
                    right = (right + mix(seed, left)) % side
                else:
                    left = (left + mix(seed, right)) % side
            number = left * side + right
            if number < self.size:
                return number

    def back(self, number: int) -> int:
        """Return the preimage of a number: the inverse of `forward`."""
        side = self._side
        while True:
            left, right = divmod(number, side)
            for turn in range(ROUNDS - 1, -1, -1):
                if turn & 1:
                    right = (right - mix(self._seeds[turn], left)) % side
                else:
                    left = (left - mix(self._seeds[turn], right)) % side
            number = left * side + right
            if number < self.size:
                return number

    def forward_array(self, numbers: Array) -> Array:
        """Return `forward` of every number."""
        sizes = np.full(len(numbers), self.size, np.uint64)
        seeds = tuple(np.full(len(numbers), seed, np.uint64) for seed in self._seeds)
        return forward_many(seeds, sizes, numbers)

    def back_array(self, numbers: Array) -> Array:
        """Return `back` of every number."""
        found = numbers.copy()
        todo = np.arange(len(numbers))
        side = np.uint64(self._side)
        while len(todo):
            left, right = np.divmod(found[todo], side)
            for turn in range(ROUNDS - 1, -1, -1):
                if turn & 1:
                    right = (right + (side - mix_array(self._seeds[turn], left) % side)) % side
                else:
                    left = (left + (side - mix_array(self._seeds[turn], right) % side)) % side
            found[todo] = left * side + right
            todo = todo[found[todo] >= np.uint64(self.size)]
        return found


def round_seeds(seed: int) -> tuple[int, ...]:
    """Return one seed for each round."""
    return tuple(mix(seed, turn) for turn in range(ROUNDS))


def forward_many(seeds: tuple[Array, ...], sizes: Array, numbers: Array) -> Array:
    """Apply a separate permutation to each number.

    Args:
        seeds: For each round, one seed per number (see `round_seeds`).
        sizes: The size of each number's permutation.
        numbers: The numbers, each below its size.
    """
    found = numbers.copy()
    todo = np.arange(len(numbers))
    sides = _sides(sizes)
    while len(todo):
        side = sides[todo]
        left, right = np.divmod(found[todo], side)
        for turn in range(ROUNDS):
            seed = seeds[turn][todo]
            if turn & 1:
                right = (right + mix_array(seed, left) % side) % side
            else:
                left = (left + mix_array(seed, right) % side) % side
        found[todo] = left * side + right
        todo = todo[found[todo] >= sizes[todo]]
    return found


def _sides(sizes: Array) -> Array:
    # The floating-point root is off by one at most; the two corrections make it the exact ceiling.
    roots = np.sqrt(sizes.astype(np.float64)).astype(np.uint64)
    roots += roots * roots < sizes
    one = np.uint64(1)
    roots -= ((roots - one) * (roots - one) >= sizes) & (roots > one)
    return roots
