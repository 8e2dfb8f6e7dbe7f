"""Completeness of the lists on disk, so that complete ones are neither read nor bought again."""

from __future__ import annotations

import threading
from pathlib import Path

from twittomatic.model import EARLY, Ending, FileState
from twittomatic.storage.commit import measured
from twittomatic.storage.errors import translate_errors
from twittomatic.storage.index import JournalIndex, Line
from twittomatic.storage.journal import Entry
from twittomatic.storage.paths import Layout


class CompleteLists:
    """The timelines and followers lists of a dataset, as last committed; calls may block.

    The journal is read once, at the first question about an existing file. If a file's size differs from its
    newest line, another process may have committed it since, so the new lines of the journal are read. A file
    that they do not explain counts as incomplete.
    """

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._index = JournalIndex(layout)
        self._reading = threading.Lock()
        self._is_read = False

    def state(self, path: Path) -> FileState:
        """Return the size, lines and checksum of a file.

        Raises:
            CorruptFile: the file had to be read, and is broken.
            StorageUnavailable: the file cannot be read.
        """
        line = self._proved(path)
        return FileState(size=line.bytes, lines=line.lines, crc=line.crc) if line else measured(path)

    def is_whole(self, path: Path, *, most: int | None, since: float | None) -> bool:
        """Return whether a file is known to hold all that a new download of its list would bring.

        That includes a list that ended short of the claimed count: downloading it again would cost the same
        and bring the same. A list that stalled, or whose last page was empty and therefore free, can be
        continued instead.

        Args:
            path: The list's file, which may be missing.
            most: Records to keep, None for all.
            since: Seconds since the epoch: a list that ended earlier is too old; None for any age.
        """
        line = self._proved(path)
        if line is None:
            return False
        if since is not None:
            file = self._layout.relative(path)
            looked_at = self._index.looked_at(file) if path.suffix == ".twt" else 0.0
            if max(line.ended_at, looked_at) < since:
                return False
        if line.ending in (Ending.COMPLETE, Ending.CEILING):
            return True
        if line.ending in (Ending.CUT, *EARLY) and most is not None and line.lines >= most:
            return True
        return line.ending is Ending.SHORT and line.lines > 0 and self.unfinished(path) is None

    def unfinished(self, path: Path, *, since: float | None = None) -> Entry | None:
        """Return the newest journal entry of an existing file if it has the token to continue its list.

        Args:
            path: The list's file.
            since: As for `is_whole`: a list that ended earlier is downloaded again instead.
        """
        line = self._proved(path)
        if line is None or (since is not None and line.ended_at < since):
            return None
        entry = self.early(path)
        return entry if entry and entry.token is not None else None

    def early(self, path: Path) -> Entry | None:
        """Return the newest journal entry of a list if it ended too early, even if its file is gone."""
        return self._index.early(self._layout.relative(path)) if self._newest(path) else None

    def ending(self, path: Path) -> Ending | None:
        """Return why a list ended when its file was last committed, None if the journal has no such line."""
        line = self._proved(path) or self._newest(path)
        return line.ending if line else None

    def learn(self, entry: Entry) -> None:
        """Add an entry that was just written to the journal."""
        self._index.add(entry)

    def _proved(self, path: Path) -> Line | None:
        """Return the newest line about a file, None if the file is missing or its size differs."""
        with translate_errors(path):
            try:
                size = path.stat().st_size
            except FileNotFoundError:
                return None
        line = self._newest(path)
        if line is None or line.bytes != size:
            self._index.refresh()
            line = self._newest(path)
        return line if line and line.bytes == size else None

    def _newest(self, path: Path) -> Line | None:
        """Return the newest line about a list, None if the list or its profiles are lost."""
        with self._reading:
            if not self._is_read:
                self._index.refresh()
                self._is_read = True
        file = self._layout.relative(path)
        line = self._index.newest(file)
        if line is None or line.ending is Ending.LOST:
            return None
        # The profiles of a list are committed before it, so they exist unless they are known to be lost.
        if path.suffix == ".fws":
            profiles = self._index.newest(file.removesuffix(".fws") + ".usr")
            if profiles and profiles.ending is Ending.LOST:
                return None
        return line
