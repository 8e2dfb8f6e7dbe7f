"""Incremental reader of the journal: all lines once, then those appended since."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from twittomatic.storage.errors import unavailable
from twittomatic.storage.paths import Layout

LONGEST_LINE = 64 * 1024  # bytes; an entry takes less than 1 KB
CUT_OFF = "the line is cut off."
"""Problem of a last line without a line end, and of a line that is too long."""

_PIECE = 1024 * 1024  # bytes read at a time
Note = Callable[[Path, int, str], None]


class Block(NamedTuple):
    """Consecutive lines of one journal file.

    Attributes:
        path: The journal file.
        offset: Offset of the first line, in bytes.
        number: Number of the first line, counted from 1.
        text: The lines with their ends; only the last line of a file may lack one.
    """

    path: Path
    offset: int
    number: int
    text: bytes


class _Place(NamedTuple):
    """How far a journal file was read; a file that was replaced has another identity."""

    identity: tuple[int, int]
    offset: int
    number: int


class JournalTail:
    """Reads the journal files of a dataset in the order of their names; calls must not overlap.

    A file that was replaced or truncated is read again from its beginning.

    Args:
        layout: The dataset; it may have no journal yet.

    Attributes:
        torn: Numbers of last lines that had no line end when last read, by file.
    """

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._places: dict[Path, _Place] = {}
        self.torn: dict[Path, int] = {}

    def read(self, problem: Note) -> Iterator[Block]:
        """Yield the lines that were not read before; a last line without an end is yielded each time.

        Args:
            problem: Called for what cannot be read, with the file, the number of the line (0 for the whole
                file), and a sentence. Reading continues.
        """
        directory = self._layout.journals
        try:
            paths = sorted(path for path in directory.iterdir() if path.suffix == ".jsonl" and path.is_file())
        except FileNotFoundError:
            return
        except OSError as error:
            problem(directory, 0, str(unavailable(directory, error)))
            return
        for path in paths:
            try:
                yield from self._read(path, problem)
            except OSError as error:
                problem(path, 0, str(unavailable(path, error)))

    def _read(self, path: Path, problem: Note) -> Iterator[Block]:
        with open(path, "rb", buffering=0, opener=_at_once) as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                return
            identity = status.st_dev, status.st_ino
            place = self._places.get(path)
            if place is None or place.identity != identity or status.st_size < place.offset:
                place = _Place(identity, 0, 1)
                self._places[path] = place
            _, offset, number = place
            if offset and status.st_size == offset:
                self.torn.pop(path, None)
                return
            file.seek(offset)
            rest, endless = b"", False
            while data := file.read(_PIECE):
                whole = data.rfind(b"\n") + 1
                if endless:
                    end = data.find(b"\n") + 1
                    if not end:
                        offset += len(data)
                        continue
                    offset, data, whole, endless = offset + end, data[end:], whole - end, False
                    number += 1
                    self._places[path] = _Place(identity, offset, number)
                if whole:
                    text = rest + data[:whole]
                    rest = data[whole:]
                    yield Block(path, offset, number, text)
                    offset, number = offset + len(text), number + text.count(b"\n")
                    self._places[path] = _Place(identity, offset, number)
                else:
                    rest += data
                if len(rest) > LONGEST_LINE:
                    problem(path, number, CUT_OFF)
                    offset, rest, endless = offset + len(rest), b"", True
            if rest:
                self.torn[path] = number
                yield Block(path, offset, number, rest)
            elif not endless:
                self.torn.pop(path, None)


def _at_once(path: str, flags: int) -> int:
    """Open without blocking: a pipe in place of the file would wait for a writer."""
    return os.open(path, flags | os.O_NONBLOCK)
