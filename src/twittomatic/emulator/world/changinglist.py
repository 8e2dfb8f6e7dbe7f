"""Lists of ids, each of which changes at its front and loses some in its middle, and remembers when.

Nobody's place moves while somebody pages: newcomers are put in front, and a place that somebody left is
held by `NOBODY`, whom X does not show. So a distance from the end members what it was.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial

import msgspec

from .base import PAGE, SliceReader

NOBODY = 10**19  # one more digit than any user id has


class Membership(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody's time in a list, in moments.

    Attributes:
        id: who.
        joined: the first moment; 0 for those who were always there.
        left: the first moment without them, None while they member.
    """

    id: int
    joined: int
    left: int | None


class ChangingList:
    """A list that began as somebody else's.

    Args:
        read: reads a slice of the list as it began.
        count: its length then.
    """

    def __init__(self, read: Callable[[int, int], Sequence[int]], count: int) -> None:
        self._read = read
        self._count = count
        self._arrived: list[tuple[int, int]] = []  # id and moment, the oldest first
        self._left: dict[int, int] = {}  # moment by distance from the end, 1 for the last place

    def __len__(self) -> int:
        """Return how many places there are, those that were left included."""
        return self._count + len(self._arrived)

    @property
    def growth(self) -> int:
        """How many more there are than in the beginning."""
        return len(self._arrived) - len(self._left)

    def slice(self, start: int, stop: int) -> list[int]:
        """Return list[start:stop], with `NOBODY` for those who left."""
        ids = self._all(start, stop)
        if self._left:
            length = len(self)
            ids = [NOBODY if length - start - n in self._left else i for n, i in enumerate(ids)]
        return ids

    def place(self, user_id: int) -> int | None:
        """Return where somebody stands now, or None."""
        for start in range(0, len(self), PAGE):
            ids = self.slice(start, start + PAGE)
            if user_id in ids:
                return start + ids.index(user_id)
        return None

    def add(self, user_id: int, moment: int) -> None:
        """Put somebody in front."""
        self._arrived.append((user_id, moment))

    def remove(self, place: int, moment: int) -> None:
        """Let somebody leave a place."""
        self._left[len(self) - place] = moment

    def memberships(self) -> Iterator[Membership]:
        """Yield everyone who is or was in the list, in its order; who came back is there twice."""
        length = len(self)
        for start in range(0, length, PAGE):
            for place, user_id in enumerate(self._all(start, start + PAGE), start):
                joined = self._arrived[-1 - place][1] if place < len(self._arrived) else 0
                yield Membership(id=user_id, joined=joined, left=self._left.get(length - place))

    def _all(self, start: int, stop: int) -> list[int]:
        new = len(self._arrived)
        stop = min(stop, len(self))
        ids = [self._arrived[new - 1 - place][0] for place in range(start, min(stop, new))]
        if stop > new:
            ids += self._read(max(0, start - new), stop - new)
        return ids


class ChangingLists:
    """All lists of one sort, by their owner.

    Args:
        read: reads a slice of a list as it began: owner, start, stop.
        count: returns its length then.
    """

    def __init__(self, read: SliceReader, count: Callable[[int], int]) -> None:
        self._read = read
        self._count = count
        self._lists: dict[int, ChangingList] = {}

    def __getitem__(self, owner_id: int) -> ChangingList:
        """Return the list of an owner, which may be nobody's and empty."""
        found = self._lists.get(owner_id)
        if found is None:
            found = ChangingList(partial(self._read, owner_id), self._count(owner_id))
            self._lists[owner_id] = found
        return found

    def growth(self, owner_id: int) -> int:
        """Return how many more there are in a list than in the beginning."""
        found = self._lists.get(owner_id)
        return 0 if found is None else found.growth
