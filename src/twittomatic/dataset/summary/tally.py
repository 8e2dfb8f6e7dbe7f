"""Count texts, such as hashtags, in bounded memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

CAPACITY = 1 << 16
"""Maximum number of different texts after pruning: about 20 MB with their counts."""


class Use(NamedTuple):
    """Number of uses of a text.

    Attributes:
        text: The text.
        times: Number of uses; too low by at most `Uses.error`.
        users: Number of users who used it; a lower bound where `Uses.error` is not 0.
    """

    text: str
    times: int
    users: int


class Uses(NamedTuple):
    """The most frequent texts of a kind.

    Attributes:
        most: The texts, sorted by descending number of uses, then by text.
        error: Upper bound of the uses that are missing from each count; 0 unless texts were pruned.
    """

    most: tuple[Use, ...]
    error: int


class Tally:
    """Counts texts user by user; the counts are exact until there are too many different texts.

    Then the rarest are pruned, and each count is too low by at most `error`. Sources: Misra and Gries,
    *Finding repeated elements* (1982), and for pruning in batches, Agarwal and others, *Mergeable Summaries*
    (2012).

    Args:
        capacity: Number of different texts that pruning keeps; it happens above twice as many.
    """

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._counts: dict[str, list[int]] = {}
        self._error = 0

    def add(self, used: Mapping[str, int]) -> None:
        """Add the number of uses of each text by one user."""
        for text, count in used.items():
            known = self._counts.get(text)
            if known is None:
                self._counts[text] = [count, 1]
            else:
                known[0] += count
                known[1] += 1
        if len(self._counts) > 2 * self._capacity:
            self._shrink()

    def most(self, number: int) -> Uses:
        """Return the most frequent texts, at most `number`."""
        order = sorted(self._counts.items(), key=lambda item: (-item[1][0], item[0]))
        return Uses(tuple(Use(text, *counts) for text, counts in order[:number]), self._error)

    def counts(self) -> dict[str, int]:
        """Return the number of uses of each text that was not pruned."""
        return {text: count for text, (count, _) in self._counts.items()}

    def _shrink(self) -> None:
        least = sorted((count for count, _ in self._counts.values()), reverse=True)[self._capacity]
        self._error += least
        self._counts = {
            text: [count - least, users] for text, (count, users) in self._counts.items() if count > least
        }
