"""Index of the crawled users of a dataset: the journal is read once, then only what is appended to it."""

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


class CrawledUser(msgspec.Struct, frozen=True):
    """A user whose followers list is in the dataset.

    Attributes:
        user_id: Decimal.
        depth: Hops from a seed.
        followers: Lines of the list.
        age: Age of the journal's line; the newest line counts.
    """

    user_id: str
    depth: int
    followers: int
    age: tuple[str, str, int]


class CrawledUsers:
    """The followers lists of a dataset; calls may block.

    Args:
        layout: The dataset's layout.

    Attributes:
        users: Crawled users by id; if there are very many, those with the most followers.
    """

    def __init__(self, layout: Layout) -> None:
        self._journal = JournalTail(layout)
        self._listed = IdSet()  # also of users who are no longer in memory: each of them counts once
        self._lost: dict[str, tuple[str, str, int]] = {}  # few: age by user
        self.users: dict[str, CrawledUser] = {}

    @property
    def count(self) -> int:
        """How many users have a list."""
        return len(self._listed) - len(self._lost)

    def read(self) -> None:
        """Read what was committed since the last call; unreadable lines are skipped."""
        for block in self._journal.read(lambda path, number, sentence: None):
            self._listed.add(to_ids(filter(None, map(self._take, entries(block)))))

    def _take(self, entry: Entry) -> str | None:
        """Record an entry; return the user whose list it describes, None if it describes no list."""
        if entry.file is None or not entry.file.endswith(".fws"):
            return None
        user_id, stated = entry.user_id, age(entry)
        known = self.users.get(user_id)
        if stated < max(self._lost.get(user_id, stated), known.age if known else stated):
            return user_id
        if entry.ending is Ending.LOST:
            self.users.pop(user_id, None)
            self._lost[user_id] = stated
            return user_id
        self._lost.pop(user_id, None)
        self.users[user_id] = CrawledUser(user_id, entry.depth, entry.lines, stated)
        if len(self.users) > _MOST:
            largest = nlargest(_KEPT, self.users.values(), key=lambda user: user.followers)
            self.users = {user.user_id: user for user in largest}
        return user_id
