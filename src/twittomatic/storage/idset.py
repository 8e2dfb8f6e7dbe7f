"""An exact set of 64-bit ids that takes little more than 8 bytes for each."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from twittomatic.storage.formats import Ids

_RECENT_MOST = (
    1 << 18
)  # ids outside the shelves; measured: no other number is faster, and more make pauses longer
_SHELF_MOST = 1 << 20  # ids of one shelf, so that rewriting one takes 8 MB for a moment


class IdSet:
    """The ids of a list so far; reports which ids of a batch are new.

    A log-structured merge tree in memory. *Recent* ids are in sorted runs, each more than twice as long as
    the next, so that an id is merged a logarithmic number of times. When there are too many, they move to
    *shelves*: sorted, with disjoint ranges, so that a look-up searches only one, however many there are.
    """

    def __init__(self) -> None:
        self._recent: list[Ids] = []
        self._shelves: list[Ids] = []
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def add(self, ids: Ids) -> npt.NDArray[np.bool_]:
        """Add a batch.

        Args:
            ids: One dimension, any order, repetitions allowed.

        Returns:
            A mask parallel to `ids`: True where an id is new, at its first occurrence in the batch.
        """
        distinct, first = np.unique(ids, return_index=True)
        new = ~self._has(distinct)
        mask = np.zeros(len(ids), np.bool_)
        mask[first[new]] = True
        fresh = distinct[new]
        if len(fresh):
            self._size += len(fresh)
            self._recent.append(fresh)
            self._settle()
        return mask

    def contains(self, ids: Ids) -> npt.NDArray[np.bool_]:
        """Return a mask parallel to `ids`: True where an id is in the set."""
        distinct, places = np.unique(ids, return_inverse=True)
        return self._has(distinct)[places]

    def _has(self, distinct: Ids) -> npt.NDArray[np.bool_]:
        """Return a mask parallel to sorted distinct ids: True where an id is in the set."""
        found = np.zeros(len(distinct), np.bool_)
        for run in self._recent:
            found |= _in(run, distinct)
        for shelf, part in self._filed(distinct):
            found[part] |= _in(self._shelves[shelf], distinct[part])
        return found

    def _filed(self, distinct: Ids) -> list[tuple[int, slice]]:
        """Return which shelf each slice of sorted ids belongs to; empty slices are left out."""
        if not self._shelves:
            return []
        lows = np.array([shelf[0] for shelf in self._shelves[1:]], np.uint64)
        cuts = [0, *distinct.searchsorted(lows).tolist(), len(distinct)]
        return [
            (shelf, slice(cuts[shelf], cuts[shelf + 1]))
            for shelf in range(len(self._shelves))
            if cuts[shelf] < cuts[shelf + 1]
        ]

    def _settle(self) -> None:
        """Merge runs until each is more than twice as long as the next; move them to shelves if too long."""
        runs = self._recent
        while len(runs) > 1 and len(runs[-2]) <= 2 * len(runs[-1]):
            last = runs.pop()
            runs[-1] = _merged(runs[-1], last)
        if sum(map(len, runs)) > _RECENT_MOST:
            recent = _merged(*runs)
            runs.clear()
            self._file(recent)

    def _file(self, recent: Ids) -> None:
        if not self._shelves:
            self._shelves = _split(recent)
            return
        for shelf, part in reversed(self._filed(recent)):
            self._shelves[shelf : shelf + 1] = _split(_merged(self._shelves[shelf], recent[part]))


def _in(run: Ids, distinct: Ids) -> npt.NDArray[np.bool_]:
    places = run.searchsorted(distinct)
    places[places == len(run)] = 0  # past the end: any place will do, the comparison fails
    return np.equal(run[places], distinct)


def _merged(*runs: Ids) -> Ids:
    whole = np.concatenate(runs)
    whole.sort(kind="stable")  # timsort: finds the runs and merges them, in linear time
    return whole


def _split(shelf: Ids) -> list[Ids]:
    """Split a shelf that is too long into equal ones that share no memory."""
    if len(shelf) <= _SHELF_MOST:
        return [shelf]
    return [piece.copy() for piece in np.array_split(shelf, -(-len(shelf) * 2 // _SHELF_MOST))]
