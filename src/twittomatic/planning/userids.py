"""Ordered set of user ids that takes about 20 bytes per id."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import overload

from twittomatic.storage.formats import to_ids
from twittomatic.storage.idset import IdSet

_BATCH = 1 << 15  # ids that are Python objects at a time


class UserIds(Sequence[str]):
    """Decimal ids without leading zeros, stored as numbers; a list of strings takes five times the memory.

    Args:
        ids: The first ids.
    """

    def __init__(self, ids: Iterable[str] = ()) -> None:
        self._ids = array("Q")
        self._known = IdSet()
        self.extend(ids)

    def extend(self, ids: Iterable[str]) -> None:
        """Append the ids that it does not contain yet."""
        more = iter(ids)
        while batch := list(islice(more, _BATCH)):
            numbers = to_ids(batch)
            self._ids.frombytes(numbers[self._known.add(numbers)].tobytes())

    def contains(self, ids: Sequence[str]) -> list[bool]:
        """Return for each of some ids whether it is contained."""
        found: list[bool] = self._known.contains(to_ids(ids)).tolist()
        return found

    def __len__(self) -> int:
        return len(self._ids)

    @overload
    def __getitem__(self, place: int) -> str: ...

    @overload
    def __getitem__(self, place: slice) -> Sequence[str]: ...

    def __getitem__(self, place: int | slice) -> str | Sequence[str]:
        """Return one id, or a list for a slice."""
        if isinstance(place, slice):
            return list(map(str, self._ids[place]))
        return str(self._ids[place])

    def __iter__(self) -> Iterator[str]:
        return map(str, self._ids)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence):
            return NotImplemented
        return len(self) == len(other) and all(
            mine == theirs for mine, theirs in zip(self, other, strict=True)
        )

    __hash__ = None  # type: ignore[assignment]
