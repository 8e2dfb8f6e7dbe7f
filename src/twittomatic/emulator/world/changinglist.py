"""Lists of ids that grow at the front and lose members anywhere, with the moment of each change.

A member's distance from the end never changes: new members are added at the front, and the place of a
member who left is kept by `NOBODY`, which X does not show. So pagination is not disturbed.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial

import msgspec

from .base import PAGE, SliceReader

NOBODY = 10**19  # one digit longer than any user id


class Membership(msgspec.Struct, frozen=True, kw_only=True):
    """A member's time in a list, in moments.

    Attributes:
        id: The member.
        joined: The first moment in the list; 0 for original members.
        left: The first moment after leaving; None for present members.
    """

    id: int
    joined: int
    left: int | None


class ChangingList:
    """An original list plus its changes.

    Args:
        read: Returns a slice of the original list.
        count: The length of the original list.
    """

    def __init__(self, read: Callable[[int, int], Sequence[int]], count: int) -> None:
        self._read = read
        self._count = count
        self._arrived: list[tuple[int, int]] = []  # id and moment, the oldest first
        self._left: dict[int, int] = {}  # moment by distance from the end, 1 for the last place

    def __len__(self) -> int:
        """Return the number of places, including those of members who left."""
        return self._count + len(self._arrived)

    @property
    def growth(self) -> int:
        """By how many members the list has grown."""
        return len(self._arrived) - len(self._left)

    def slice(self, start: int, stop: int) -> list[int]:
        """Return list[start:stop], with `NOBODY` for members who left."""
        ids = self._all(start, stop)
        if self._left:
            length = len(self)
            ids = [NOBODY if length - start - n in self._left else i for n, i in enumerate(ids)]
        return ids

    def place(self, user_id: int) -> int | None:
        """Return the position of a present member, or None."""
        for start in range(0, len(self), PAGE):
            ids = self.slice(start, start + PAGE)
            if user_id in ids:
                return start + ids.index(user_id)
        return None

    def add(self, user_id: int, moment: int) -> None:
        """Add a member at the front."""
        self._arrived.append((user_id, moment))

    def remove(self, place: int, moment: int) -> None:
        """Remove the member at a position."""
        self._left[len(self) - place] = moment

    def memberships(self) -> Iterator[Membership]:
        """Yield all present and former members in list order; one who left and returned appears twice."""
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
    """All lists of one type, by owner.

    Args:
        read: Returns a slice of an original list: owner, start, stop.
        count: Returns the length of an original list.
    """

    def __init__(self, read: SliceReader, count: Callable[[int], int]) -> None:
        self._read = read
        self._count = count
        self._lists: dict[int, ChangingList] = {}

    def __getitem__(self, owner_id: int) -> ChangingList:
        """Return the list of an owner; empty for an unknown one."""
        found = self._lists.get(owner_id)
        if found is None:
            found = ChangingList(partial(self._read, owner_id), self._count(owner_id))
            self._lists[owner_id] = found
        return found

    def growth(self, owner_id: int) -> int:
        """Return by how many members the list of an owner has grown."""
        found = self._lists.get(owner_id)
        return 0 if found is None else found.growth
