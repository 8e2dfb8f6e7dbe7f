"""Count texts, such as hashtags, in bounded memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

CAPACITY = 1 << 16
"""Different texts that are kept: about 20 MB with their counts."""


class Use(NamedTuple):
    """How often a text was used.

    Attributes:
        text: The text.
        times: How often it was used; too low by at most `Uses.error`.
        users: Number of users who used it; a lower bound where `Uses.error` is not 0.
    """

    text: str
    times: int
    users: int


class Uses(NamedTuple):
    """The most used texts of a kind.

    Attributes:
        most: By falling number of times, then by text.
        error: How many times of each text may be missing: 0 unless very many different texts were used.
    """

    most: tuple[Use, ...]
    error: int


class Tally:
    """Counts texts user by user: exactly until there are too many different ones.

    Then the rarest are dropped, and each count is too low by at most `error`: the summary of Misra and Gries
    (1982), shrunk in batches as by Agarwal and others, *Mergeable Summaries* (2012).

    Args:
        capacity: Different texts that stay when the rarest are dropped; twice as many are held before.
    """

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._counts: dict[str, list[int]] = {}
        self._error = 0

    def add(self, used: Mapping[str, int]) -> None:
        """Add how often a user used each text."""
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
        """Return the most used texts, at most so many."""
        order = sorted(self._counts.items(), key=lambda item: (-item[1][0], item[0]))
        return Uses(tuple(Use(text, *counts) for text, counts in order[:number]), self._error)

    def counts(self) -> dict[str, int]:
        """Return the count of each text that is kept."""
        return {text: count for text, (count, _) in self._counts.items()}

    def _shrink(self) -> None:
        least = sorted((count for count, _ in self._counts.values()), reverse=True)[self._capacity]
        self._error += least
        self._counts = {
            text: [count - least, users] for text, (count, users) in self._counts.items() if count > least
        }
