"""The followers lists of a dataset, as the journal tells of them: read once, then followed to its end."""

from __future__ import annotations

from heapq import nlargest

import msgspec

from twittomatic.model import Ending
from twittomatic.storage.formats import to_ids
from twittomatic.storage.idset import IdSet
from twittomatic.storage.journal import Entry, age, entries
from twittomatic.storage.paths import Layout
from twittomatic.storage.tail import JournalTail

_MOST, _KEPT = 50_000, 25_000  # users in memory, 400 bytes each: those with the most followers stay


class Crawled(msgspec.Struct, frozen=True):
    """A user whose followers list is in the dataset.

    Attributes:
        user_id: Decimal.
        depth: Hops from a seed.
        followers: Lines of the list.
        age: Of the journal's line; the greatest counts.
    """

    user_id: str
    depth: int
    followers: int
    age: tuple[str, str, int]


class Findings:
    """The followers lists of a dataset; calls may block.

    Args:
        layout: Of the dataset.

    Attributes:
        users: By id; of more than some ten thousand those with the most followers.
    """

    def __init__(self, layout: Layout) -> None:
        self._journal = JournalTail(layout)
        self._listed = IdSet()  # also of users who are no longer in memory: each of them counts once
        self._lost: dict[str, tuple[str, str, int]] = {}  # few: age by user
        self.users: dict[str, Crawled] = {}

    @property
    def count(self) -> int:
        """How many users have a list."""
        return len(self._listed) - len(self._lost)

    def read(self) -> None:
        """Take in what was committed since the last call; what cannot be read is passed over."""
        for block in self._journal.read(lambda path, number, sentence: None):
            self._listed.add(to_ids(filter(None, map(self._take, entries(block)))))

    def _take(self, entry: Entry) -> str | None:
        """Take in an entry; return the user whose list it describes, None where it describes none."""
        if entry.file is None or not entry.file.endswith(".fws"):
            return None
        user_id, said = entry.user_id, age(entry)
        known = self.users.get(user_id)
        if said < max(self._lost.get(user_id, said), known.age if known else said):
            return user_id
        if entry.ending is Ending.LOST:
            self.users.pop(user_id, None)
            self._lost[user_id] = said
            return user_id
        self._lost.pop(user_id, None)
        self.users[user_id] = Crawled(user_id, entry.depth, entry.lines, said)
        if len(self.users) > _MOST:
            largest = nlargest(_KEPT, self.users.values(), key=lambda user: user.followers)
            self.users = {user.user_id: user for user in largest}
        return user_id
