"""Find the words that are typical of the bios of a group of users."""

from __future__ import annotations

import math
import re
from typing import NamedTuple

from twittomatic.dataset.summary.tally import Tally

_LEAST_USERS = 3  # a word of one or two users is not typical of a community
_EVIDENCE = (
    15.13  # of a log-likelihood ratio with one degree of freedom: chance gives more in 1 of 10,000 words
)
_WORD = re.compile(r"[#@]?[^\W_](?:[\w'’-]*\w)?")
_NO_WORD = re.compile(r"\S+://\S+|&\w+;")  # links, and the entities of HTML that X writes for < > &
_SHORTEST = 3  # ASCII letters; in other scripts, two characters can be a word that says something
_LONGEST = 40
_CANDIDATES = 500  # most frequent words of a group that are tested


class Word(NamedTuple):
    """A word of bios.

    Attributes:
        text: The word in lower case.
        users: Number of users in the group whose bios contain it.
        lift: Its relative frequency in the group's bios, divided by that in all bios.
        stands_out: Whether it is significantly more frequent in the group (p < 0.0001).
    """

    text: str
    users: int
    lift: float
    stands_out: bool


def words(bio: str) -> set[str]:
    """Return the words of a bio in lower case, with # and @, without numbers, links and short words.

    In scripts without spaces, a word is the text between two punctuation marks.
    """
    found = _WORD.findall(_NO_WORD.sub(" ", bio).casefold())
    return {
        word
        for word in found
        if (_SHORTEST if word.isascii() else 2) <= len(word) <= _LONGEST and not word.isdecimal()
    }


class Bios:
    """Counts the words of the bios of several groups of users, in bounded memory.

    Args:
        groups: Number of groups.
    """

    def __init__(self, groups: int) -> None:
        self._all = Tally()
        self._groups = [Tally() for _ in range(groups)]
        self._users = [0] * groups
        self._everybody = 0

    def add(self, bio: str, group: int | None) -> None:
        """Add a user's bio; without a group it counts only among all bios."""
        found = dict.fromkeys(words(bio), 1)
        if not found:
            return
        self._everybody += 1
        self._all.add(found)
        if group is not None:
            self._users[group] += 1
            self._groups[group].add(found)

    def preferred(self, most: int) -> list[tuple[Word, ...]]:
        """Return the typical words of each group: those that are more frequent in it than in all bios.

        They are sorted by descending log-likelihood ratio, so that words which are frequent everywhere, such
        as articles, come last or not at all. Source: Dunning, *Accurate Methods for the
        Statistics of Surprise and Coincidence* (1993).
        """
        everywhere = self._all.counts()
        return [self._of_group(group, everywhere, most) for group in range(len(self._groups))]

    def _of_group(self, group: int, everywhere: dict[str, int], most: int) -> tuple[Word, ...]:
        inside, everybody = self._users[group], self._everybody
        found = []
        for text, users, _ in self._groups[group].most(_CANDIDATES).most:
            total = max(everywhere.get(text, 0), users)
            lift = users * everybody / (inside * total)
            if users >= _LEAST_USERS and lift > 1:
                ratio = _log_likelihood(users, total, inside, everybody)
                found.append((ratio, Word(text, users, round(lift, 2), ratio >= _EVIDENCE)))
        return tuple(word for _, word in sorted(found, key=lambda pair: (-pair[0], pair[1].text))[:most])


def _log_likelihood(users: int, total: int, inside: int, everybody: int) -> float:
    """Return the log-likelihood ratio (G²) of a word's frequencies inside and outside a group.

    Args:
        users: Number of bios of the group that contain the word.
        total: Number of all bios that contain it.
        inside: Number of bios of the group.
        everybody: Number of all bios.
    """
    outside = everybody - inside
    cells = (
        (users, inside * total),
        (total - users, outside * total),
        (inside - users, inside * (everybody - total)),
        (outside - total + users, outside * (everybody - total)),
    )
    return 2 * sum(count * math.log(count * everybody / expected) for count, expected in cells if count > 0)
