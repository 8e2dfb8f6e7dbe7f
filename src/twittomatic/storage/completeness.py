"""Which lists on disk are complete, so that they are neither read nor bought again."""

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

    The journal is read once, at the first question about a file that is there. Where a file has another size
    than its newest line says, another process may have committed it since: what was appended to the journal
    is read, and a file of which that does not tell either is not known to be whole.
    """

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._index = JournalIndex(layout)
        self._reading = threading.Lock()
        self._is_read = False

    def state(self, path: Path) -> FileState:
        """Return the size, lines and checksum of a file.

        Raises:
            CorruptFile: it had to be read, and is broken.
            StorageUnavailable: it cannot be read.
        """
        line = self._proved(path)
        return FileState(size=line.bytes, lines=line.lines, crc=line.crc) if line else measured(path)

    def is_whole(self, path: Path, *, most: int | None, since: float | None) -> bool:
        """Tell whether a file holds all that a new download of its list would bring, as far as it is known.

        That includes a list that ended short of what was claimed: asking again costs as much as it did, and
        brings the same. One that stalled, or whose last page was empty and so free, can be gone on with.

        Args:
            path: Of the file, which need not be there.
            most: Records that would be kept, None for all.
            since: Seconds since the epoch: a file that was finished before is too old; None for any age.
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
        """Return the newest line about a file that is there if it says how to go on with its list.

        Args:
            path: Of the file.
            since: As for `is_whole`: a list that ended before is better bought anew.
        """
        line = self._proved(path)
        if line is None or (since is not None and line.ended_at < since):
            return None
        entry = self.early(path)
        return entry if entry and entry.token is not None else None

    def early(self, path: Path) -> Entry | None:
        """Return the newest line about a list if it ended too early, whatever its file is by now."""
        return self._index.early(self._layout.relative(path)) if self._newest(path) else None

    def ending(self, path: Path) -> Ending | None:
        """Return why the list of a file ended when it was last committed, None when the journal is silent."""
        line = self._proved(path) or self._newest(path)
        return line.ending if line else None

    def learn(self, entry: Entry) -> None:
        """Remember a line that was just written to the journal."""
        self._index.add(entry)

    def _proved(self, path: Path) -> Line | None:
        """Return the newest line about a file, None where the file is not there or has another size."""
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
        """Return the newest line about a list, None for one that is lost or whose profiles are."""
        with self._reading:
            if not self._is_read:
                self._index.refresh()
                self._is_read = True
        file = self._layout.relative(path)
        line = self._index.newest(file)
        if line is None or line.ending is Ending.LOST:
            return None
        if (
            path.suffix == ".fws"
        ):  # its profiles are committed first, so they are there unless known to be lost
            profiles = self._index.newest(file.removesuffix(".fws") + ".usr")
            if profiles and profiles.ending is Ending.LOST:
                return None
        return line
