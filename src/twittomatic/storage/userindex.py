"""Index of the journal by user, 16 bytes a line, to read one user's lines without reading them all."""

from __future__ import annotations

import os
import threading
from array import array
from itertools import groupby
from pathlib import Path
from typing import Annotated

import msgspec
import numpy as np

from twittomatic.model import NO_JSON
from twittomatic.storage.journal import Entry, decode_line
from twittomatic.storage.paths import Layout
from twittomatic.storage.tail import LONGEST_LINE, Block, JournalTail

_OFFSET_BITS = 44  # bits of a place: files up to 16 TB, and a million of them


class _Line(msgspec.Struct):
    user_id: Annotated[str, msgspec.Meta(pattern=r"\A[0-9]{1,19}\Z")]


_decode = msgspec.json.Decoder(_Line).decode


class UserIndex:
    """The journal lines of each user. Calls may come from several threads, and may block.

    The first call reads the whole journal, later ones read what was appended since.

    Args:
        layout: The dataset.
    """

    def __init__(self, layout: Layout) -> None:
        self._tail = JournalTail(layout)
        self._lock = threading.Lock()
        self._users, self._places = array("Q"), array("Q")
        self._paths: list[Path] = []
        self._numbers: dict[Path, int] = {}
        self._tails: dict[Path, bytes] = {}  # last lines without an end

    def about(self, user_id: str, most: int) -> list[Entry]:
        """Return the last entries about a user in each journal file.

        Args:
            user_id: Decimal, without leading zeros.
            most: Greatest number of lines to return from one file.
        """
        with self._lock:
            for block in self._tail.read(lambda path, number, sentence: None):
                self._take(block)
            is_theirs = np.frombuffer(self._users, np.uint64) == np.uint64(int(user_id))
            places = np.sort(np.frombuffer(self._places, np.uint64)[is_theirs]).tolist()
            found = []
            for number, group in groupby(places, key=lambda place: place >> _OFFSET_BITS):
                offsets = [place & ((1 << _OFFSET_BITS) - 1) for place in group]
                found += _lines(self._paths[number], offsets[-most:])
            found += self._tails.values()
        entries = []
        for line in found:
            try:
                entries.append(decode_line(line))
            except NO_JSON:
                continue
        return [entry for entry in entries if entry.user_id == user_id]

    def _take(self, block: Block) -> None:
        number = self._numbers.setdefault(block.path, len(self._paths))
        if number == len(self._paths):
            self._paths.append(block.path)
        elif block.offset == 0:  # the file was replaced
            self._forget(number)
        place = number << _OFFSET_BITS | block.offset
        lines = block.text.split(b"\n")
        tail = lines.pop()
        self._tails.pop(block.path, None)
        if tail:
            self._tails[block.path] = tail
        for line in lines:
            try:
                self._users.append(int(_decode(line).user_id))
                self._places.append(place)
            except NO_JSON:
                pass
            place += len(line) + 1

    def _forget(self, number: int) -> None:
        places = np.frombuffer(self._places, np.uint64)
        others = places >> np.uint64(_OFFSET_BITS) != np.uint64(number)
        users = np.frombuffer(self._users, np.uint64)[others]
        self._users, self._places = array("Q", users.tobytes()), array("Q", places[others].tobytes())


def _lines(path: Path, offsets: list[int]) -> list[bytes]:
    """Read lines of a file; lines that cannot be read are left out."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return []
    try:
        return [os.pread(descriptor, LONGEST_LINE, offset).partition(b"\n")[0] for offset in offsets]
    except OSError:
        return []
    finally:
        os.close(descriptor)
