"""Whose followers were found, as the journal tells it: read once, then followed to its end."""

from __future__ import annotations

import stat
from heapq import nlargest
from pathlib import Path

import msgspec

from twittomatic.model import NO_JSON, Ending
from twittomatic.storage.journal import decode_line
from twittomatic.storage.paths import Layout

_MOST, _KEPT = 50_000, 25_000  # users in memory, 200 bytes each: those with the most followers stay
_PIECE = 4 * 1024 * 1024  # bytes read at a time


class Crawled(msgspec.Struct, frozen=True):
    """A user whose followers list stands in the dataset.

    Attributes:
        user_id: Decimal.
        depth: Hops from a seed.
        followers: Lines of the list.
    """

    user_id: str
    depth: int
    followers: int


class Findings:
    """The followers lists of a dataset; calls may block.

    Args:
        layout: Of the dataset.

    Attributes:
        users: By id; of more than some ten thousand those with the most followers.
        count: Lists that were ever committed.
    """

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._offsets: dict[Path, int] = {}
        self.users: dict[str, Crawled] = {}
        self.count = 0

    def read(self) -> None:
        """Take in what was committed since the last call; what cannot be read is passed over."""
        for path in sorted(self._layout.journals.glob("*.jsonl")):
            try:
                self._read(path)
            except OSError:
                continue

    def _read(self, path: Path) -> None:
        status, offset = path.stat(), self._offsets.get(path, 0)
        if not stat.S_ISREG(status.st_mode):  # a pipe would hold all drawings up
            return
        if status.st_size < offset:  # somebody repaired it
            offset = 0
        with path.open("rb", buffering=0) as file:
            file.seek(offset)
            while data := file.read(_PIECE):
                whole = data.rfind(b"\n") + 1
                if not whole and len(data) == _PIECE:  # a line longer than any entry
                    whole = len(data)
                if not whole:
                    break
                for line in data[:whole].split(b"\n"):
                    self._take(line)
                offset += whole
                file.seek(offset)
        self._offsets[path] = offset

    def _take(self, line: bytes) -> None:
        try:
            entry = decode_line(line)
        except NO_JSON:
            return
        if entry.file is None or not entry.file.endswith(".fws"):
            return
        if entry.ending is Ending.LOST:
            self.users.pop(entry.user_id, None)
            return
        self.count += entry.user_id not in self.users
        self.users[entry.user_id] = Crawled(entry.user_id, entry.depth, entry.lines)
        if len(self.users) > _MOST:
            largest = nlargest(_KEPT, self.users.values(), key=lambda user: user.followers)
            self.users = {user.user_id: user for user in largest}
