"""Which bytes of a file the journal proves: all, the first ones, or the last ones after a torn update."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from pathlib import Path

import msgspec

from twittomatic.model import Ending
from twittomatic.storage.errors import translate_errors
from twittomatic.storage.io import checksum
from twittomatic.storage.journal import Entry, age, read_journal
from twittomatic.storage.paths import Layout


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """A journal entry, and where in a file the bytes are that it proves.

    Attributes:
        entry: The entry.
        offset: Where the bytes begin.
        size: Size of the file; bytes outside are unproved.
    """

    entry: Entry
    offset: int
    size: int

    @property
    def is_whole(self) -> bool:
        """Whether every byte of the file is proved."""
        return self.entry.bytes == self.size


def lines_about(layout: Layout, user_ids: Collection[str]) -> dict[str, list[Entry]]:
    """Return all journal entries about the files of some users, by file, the newest first."""
    found: dict[str, list[Entry]] = {}
    for entry in read_journal(layout):
        if entry.file is not None and entry.user_id in user_ids:
            found.setdefault(entry.file, []).append(entry)
    for entries in found.values():
        entries.reverse()  # of two with the same age the one read later counts
        entries.sort(key=age, reverse=True)
    return found


def newest_proof(path: Path, entries: Sequence[Entry]) -> Proof | None:
    """Find the newest journal entry whose bytes a file contains, None if it contains those of no entry.

    They are the whole file or its first bytes, because torn or added data is at the end. An update puts new
    posts in front of a timeline, so the bytes of an older entry can also be the last ones of a `.twt`.

    Args:
        path: A dataset file.
        entries: The entries about it, the newest first.

    Raises:
        StorageUnavailable: the file cannot be read.
    """
    tried: set[tuple[int, str]] = set()
    with translate_errors(path), path.open("rb", buffering=0) as file:
        size = os.fstat(file.fileno()).st_size
        for entry in entries:
            claim = entry.bytes, entry.crc32
            if entry.ending is Ending.LOST or not 0 < entry.bytes <= size or claim in tried:
                continue
            tried.add(claim)
            offsets = {0, size - entry.bytes} if path.suffix == ".twt" else {0}
            for offset in sorted(offsets):
                if f"{checksum(file.fileno(), entry.bytes, offset):08x}" == entry.crc32:
                    return Proof(entry=entry, offset=offset, size=size)
    return None
