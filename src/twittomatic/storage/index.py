"""Compact in-memory index of the journal: the newest line of every file, 54 bytes each."""

from __future__ import annotations

import operator
import threading
from array import array
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from twittomatic.model import EARLY, Ending, Module
from twittomatic.storage.journal import Entry, entries
from twittomatic.storage.paths import EXTENSIONS, Layout
from twittomatic.storage.tail import JournalTail, Note

_RECENT_MOST = 1 << 15  # lines in the dictionary, some 400 bytes each, before they become a run
_LOOK = len(EXTENSIONS)  # the kind of a line of an update that found nothing new, and so wrote no file
_WIDTH = 20  # more than the digits of an id
_ENDINGS = tuple(Ending)
_CODES = {ending: code for code, ending in enumerate(_ENDINGS)}
_KINDS = {ext: kind * _WIDTH for kind, ext in enumerate(EXTENSIONS)}
_COLUMNS: dict[str, Any] = {
    "id": np.uint64,
    "tag": np.uint8,  # kind and number of digits: `00/007.fws` is another file than `7/7.fws`
    "written": np.int64,  # microseconds since the epoch, as are `began` and `ended`
    "began": np.int64,
    "size": np.int64,
    "ended": np.int64,
    "lines": np.int64,
    "crc": np.uint32,
    "ending": np.uint8,
}
_ROW = tuple(_COLUMNS)[2:]
_Key = tuple[int, int]
_Row = tuple[int, int, int, int, int, int, int]  # a line: the columns after the key
_Run = dict[str, npt.NDArray[Any]]  # lines sorted by their keys, each key once, by column


class Line(NamedTuple):
    """The fields of a file's newest journal line that the index keeps; see `Entry`.

    Attributes:
        bytes: Size of the file.
        lines: Records in it.
        crc: CRC-32 of its bytes.
        ending: Why the list ended.
        ended_at: When it ended, seconds since the epoch.
        age: Sort key of the lines about a file, the newest last.
    """

    bytes: int
    lines: int
    crc: int
    ending: Ending
    ended_at: float
    age: tuple[int, int, int]

    @property
    def crc32(self) -> str:
        """The checksum in the journal's notation."""
        return f"{self.crc:08x}"


class FileSet:
    """A set of dataset files, 9 bytes each."""

    def __init__(self) -> None:
        self._ids, self._tags = array("Q"), array("B")

    def add(self, file: str) -> None:
        """Add a file that is not in the set yet, by its path relative to OUTPUT_DIRECTORY."""
        number, tag = _key_of(file)
        self._ids.append(number)
        self._tags.append(tag)

    def lacks(self, ids: npt.NDArray[np.uint64], tags: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
        """Return a mask parallel to sorted keys: True where a key is not in the set."""
        both = np.concatenate([ids, np.array(self._ids, np.uint64)])
        kinds = np.concatenate([tags, np.array(self._tags, np.uint8)])
        order = np.lexsort((kinds, both))
        both, kinds = both[order], kinds[order]
        again = (both[1:] == both[:-1]) & (kinds[1:] == kinds[:-1])
        mask = np.ones(len(ids), np.bool_)
        mask[order[:-1][again]] = False
        return mask


class JournalIndex:
    """The newest journal line of every file. Calls may come from several threads, and may block.

    A log-structured merge tree in memory, as in `idset`: sorted runs of columns, each more than twice as long
    as the next, and a dictionary of the newest lines. The columns could also be mapped from a file.

    Args:
        layout: The dataset.
        problem: Called for journal lines that are not entries, as for `read_journal`.
    """

    def __init__(self, layout: Layout, problem: Note = lambda path, number, sentence: None) -> None:
        self._tail = JournalTail(layout)
        self._problem = problem
        self._lock = threading.Lock()
        self._runs: list[_Run] = []
        self._recent: dict[_Key, _Row] = {}
        self._early: dict[_Key, Entry] = {}  # entries of lists that ended too early; there are few

    @property
    def torn(self) -> dict[Path, int]:
        """Numbers of last lines that had no line end when last read, by journal file."""
        return self._tail.torn

    def refresh(self) -> None:
        """Read what was appended to the journal since the last call; the first call reads all of it."""
        with self._lock:
            for block in self._tail.read(self._problem):
                for entry in entries(block, self._problem):
                    self._take(entry)
            self._fold()

    def add(self, entry: Entry) -> None:
        """Add an entry that was just written."""
        with self._lock:
            self._take(entry)

    def newest(self, file: str) -> Line | None:
        """Return the newest line about a file, None if the journal has none.

        Args:
            file: Path relative to OUTPUT_DIRECTORY; a path that is no dataset file has no line.
        """
        try:
            key = _key_of(file)
        except (ValueError, KeyError):
            return None
        with self._lock:
            row = self._find(key)
        return _line(row) if row else None

    def early(self, file: str) -> Entry | None:
        """Return the newest entry of a file if its list ended too early, otherwise None."""
        key = _key_of(file)
        with self._lock:
            entry, row = self._early.get(key), self._find(key)
        return entry if entry and row and _row_of(entry) == row else None

    def looked_at(self, file: str) -> float:
        """Return when an update last found a timeline up to date, seconds since the epoch; 0 if none did."""
        number, tag = _key_of(file)
        with self._lock:
            row = self._find((number, _LOOK * _WIDTH + tag % _WIDTH))
        return row[3] / 1e6 if row else 0.0

    def files(self, *, besides: FileSet | None = None) -> Iterator[tuple[str, Line]]:
        """Yield all files in the index at the time of the call with their newest lines, sorted by id.

        Args:
            besides: Files to leave out.
        """
        with self._lock:
            self._fold(all_runs=True)
            run = self._runs[0] if self._runs else None
        if run is None:
            return
        wanted = run["tag"] < _LOOK * _WIDTH
        if besides is not None:
            wanted &= besides.lacks(run["id"], run["tag"])
        for place in np.flatnonzero(wanted):
            number, tag, row = int(run["id"][place]), int(run["tag"][place]), _row(run, int(place))
            yield _file_of(number, tag), _line(row)

    def _take(self, entry: Entry) -> None:
        if entry.file is not None:
            key = _key_of(entry.file)
        elif entry.module is Module.UPDATE and entry.ending is Ending.COMPLETE:
            key = int(entry.user_id), _LOOK * _WIDTH + len(entry.user_id)
        else:
            return
        row = _row_of(entry)
        if entry.ending in EARLY:
            self._early[key] = entry
        other = self._recent.get(key)
        if other is None or row[:3] >= other[:3]:
            self._recent[key] = row
            if len(self._recent) >= _RECENT_MOST:
                self._fold()

    def _find(self, key: _Key) -> _Row | None:
        found = self._recent.get(key)
        number = np.uint64(key[0])  # of another type, NumPy would turn the whole column into floats
        for run in reversed(self._runs):
            ids, tags = run["id"], run["tag"]
            place = int(ids.searchsorted(number))
            while place < len(ids) and ids.item(place) == key[0]:
                if tags.item(place) == key[1]:
                    row = _row(run, place)
                    if found is None or row[:3] > found[:3]:
                        found = row
                place += 1
        return found

    def _fold(self, *, all_runs: bool = False) -> None:
        """Turn the dictionary into a run; merge runs until each is more than twice as long as the next."""
        if self._recent:
            rows = [(*key, *row) for key, row in sorted(self._recent.items())]
            columns = zip(_COLUMNS.items(), zip(*rows, strict=True), strict=True)
            self._runs.append({name: np.array(values, kind) for (name, kind), values in columns})
            self._recent = {}
        runs = self._runs
        while len(runs) > 1 and (all_runs or len(runs[-2]["id"]) <= 2 * len(runs[-1]["id"])):
            newer = runs.pop()
            runs[-1] = _merged(runs[-1], newer)


def _merged(older: _Run, newer: _Run) -> _Run:
    """Merge two runs, keeping the newer of two lines about one file; of equals, the one read later."""
    both = {
        name: np.concatenate([older[name], newer[name]]) for name in ("id", "tag", "written", "began", "size")
    }
    order = np.lexsort((both["tag"], both["id"]))  # stable, and fast where there are two sorted runs
    sorted_by = {name: column[order] for name, column in both.items()}
    twice = np.flatnonzero(
        (sorted_by["id"][1:] == sorted_by["id"][:-1]) & (sorted_by["tag"][1:] == sorted_by["tag"][:-1])
    )
    is_older = np.zeros(len(twice), np.bool_)  # whether what was read later was written earlier
    undecided = np.ones(len(twice), np.bool_)
    for name in ("written", "began", "size"):
        first, second = sorted_by[name][twice], sorted_by[name][twice + 1]
        is_older |= undecided & (second < first)
        undecided &= second == first
    keep = np.ones(len(order), np.bool_)
    keep[np.where(is_older, twice + 1, twice)] = False
    order = order[keep]
    return {name: np.concatenate([older[name], newer[name]])[order] for name in _COLUMNS}


def _row(run: _Run, place: int) -> _Row:
    item = operator.methodcaller("item", place)
    return tuple(item(run[name]) for name in _ROW)


def _line(row: _Row) -> Line:
    written, began, size, ended, lines, crc, ending = row
    return Line(size, lines, crc, _ENDINGS[ending], ended / 1e6, (written, began, size))


def _key_of(file: str) -> _Key:
    stem, _, ext = file[file.index("/") + 1 :].partition(".")
    return int(stem), _KINDS[ext] + len(stem)


def _file_of(number: int, tag: int) -> str:
    kind, digits = divmod(tag, _WIDTH)
    stem = f"{number:0{digits}}"
    return f"{stem[:2]}/{stem}.{EXTENSIONS[kind]}"


def _row_of(entry: Entry) -> _Row:
    ended = _microseconds(entry.ended_at)
    return (
        _microseconds(entry.repaired_at) if entry.repaired_at else ended,
        _microseconds(entry.began_at),
        entry.bytes,
        ended,
        entry.lines,
        int(entry.crc32, 16),
        _CODES[entry.ending],
    )


def _microseconds(moment: str) -> int:
    try:
        return round(datetime.fromisoformat(moment).timestamp() * 1e6)
    except ValueError:  # a 30th of February
        return 0
