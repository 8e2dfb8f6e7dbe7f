"""The sorted ids of all nodes, merged from sorted runs in a file: a node's number is its place among them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import IO, NamedTuple

import numpy as np

from twittomatic.dataset.ids import UserIds, sorted_unique

_EVERY = 1 << 10  # every 1,024th id of a run is kept in memory, as an index of the run
_RANGE = 1 << 21  # ids that are merged together: 16 MB
_BYTES = 8  # of an id


class _Run(NamedTuple):
    offset: int  # in the file
    size: int  # ids
    sample: UserIds  # every `_EVERY`th id


class Numbering:
    """Sorted runs of ids in a temporary file, and their union, which is merged in bounded memory.

    Args:
        file: A file open for reading and writing, at its end. Other code may append to it, too.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._runs: list[_Run] = []

    def add(self, ids: UserIds) -> int:
        """Append a run: sorted ids, each once. Return its offset in the file.

        Raises:
            OSError: the file cannot be written.
        """
        offset = self._file.tell()
        self._file.write(np.ascontiguousarray(ids).data)
        if len(ids):
            self._runs.append(_Run(offset, len(ids), ids[::_EVERY].copy()))
        return offset

    def union(self) -> Iterator[UserIds]:
        """Yield the ids of all runs, sorted, each once, some million at a time."""
        self._file.flush()
        samples = np.sort(np.concatenate([np.empty(0, np.int64), *(run.sample for run in self._runs)]))
        bounds = sorted_unique(samples[_RANGE // _EVERY :: _RANGE // _EVERY]).tolist()
        places = [0] * len(self._runs)
        for bound in [*bounds, None]:
            pieces = [np.empty(0, np.int64)]
            for number, run in enumerate(self._runs):
                ids = self._below(run, places[number], bound)
                places[number] += len(ids)
                pieces.append(ids)
            yield sorted_unique(np.concatenate(pieces))

    def _below(self, run: _Run, place: int, bound: int | None) -> UserIds:
        """Return the ids of a run from a place on that are less than a bound; None for all."""
        end = run.size
        if bound is not None:
            end = min(int(np.searchsorted(run.sample, bound)) * _EVERY, end)
        length = max(0, end - place) * _BYTES
        data = os.pread(self._file.fileno(), length, run.offset + place * _BYTES)
        ids = np.frombuffer(data, np.int64)
        return ids if bound is None else ids[: np.searchsorted(ids, bound)]
