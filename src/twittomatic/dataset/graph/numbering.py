"""The sorted ids of all nodes, gathered from many sorted arrays: a node's number is its place among them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from twittomatic.dataset.ids import UserIds, sorted_unique

_PENDING = 1 << 22  # ids that wait to be merged: 32 MB, so that a hundred million edges take some 20 merges
_SHELF = 1 << 20  # ids of one shelf: merging one takes 16 MB for a moment


class Numbering:
    """A growing set of ids, 8 bytes each and some 100 MB.

    Ids are collected and then merged into *shelves*: sorted, with disjoint ranges, so that a merge never
    needs a second copy of everything.
    """

    def __init__(self) -> None:
        self._shelves: list[UserIds] = []
        self._pending: list[UserIds] = []
        self._waiting = 0

    def add(self, ids: UserIds) -> None:
        """Add ids in any order; repeated ones count once."""
        for start in range(0, len(ids), _PENDING):
            piece = ids[start : start + _PENDING]
            self._pending.append(piece)
            self._waiting += len(piece)
            if self._waiting >= _PENDING:
                self._merge()

    def __len__(self) -> int:
        self._merge()
        return sum(map(len, self._shelves))

    def __iter__(self) -> Iterator[UserIds]:
        """Yield all ids in sorted arrays, one after the other."""
        self._merge()
        yield from self._shelves

    def _merge(self) -> None:
        if not self._pending:
            return
        ids = sorted_unique(np.concatenate(self._pending))
        self._pending, self._waiting = [], 0
        starts = np.array([shelf[0] for shelf in self._shelves[1:]], np.int64)
        cuts = [0, *np.searchsorted(ids, starts).tolist(), len(ids)]
        shelves: list[UserIds] = []
        for number in range(max(1, len(self._shelves))):
            part = ids[cuts[number] : cuts[number + 1]]
            if not self._shelves:
                shelves += _split(part)
            elif not len(part):
                shelves.append(self._shelves[number])
            else:
                shelves += _split(_merged(self._shelves[number], part))
                self._shelves[number] = part[:0]  # its memory is free from now on
        self._shelves = shelves


def _merged(one: UserIds, other: UserIds) -> UserIds:
    both = np.concatenate([one, other])
    both.sort(kind="stable")  # finds the two sorted runs and merges them
    is_first = np.ones(len(both), np.bool_)
    np.not_equal(both[1:], both[:-1], out=is_first[1:])
    return both[is_first]


def _split(shelf: UserIds) -> list[UserIds]:
    """Return arrays of at most `_SHELF` ids that share no memory with a longer one."""
    if not len(shelf):
        return []
    return [piece.copy() for piece in np.array_split(shelf, -(-len(shelf) // _SHELF))]
