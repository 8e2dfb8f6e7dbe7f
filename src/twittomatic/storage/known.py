"""What the journal says of the files that stand there, so that they need not be read to be checked."""

from __future__ import annotations

from pathlib import Path

from twittomatic.model import FileState
from twittomatic.storage.commit import measured
from twittomatic.storage.journal import latest, read_journal
from twittomatic.storage.paths import Layout


class KnownFiles:
    """Size, lines and checksum of the timelines of a dataset, as last committed; calls may block.

    The journal is read once, at the first question. A file that another process has changed since has
    another size, and is measured.
    """

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._states: dict[str, FileState] | None = None

    def state(self, path: Path) -> FileState:
        """Return the state of a file.

        Raises:
            CorruptFile: it had to be read, and is broken.
            StorageUnavailable: it cannot be read.
        """
        if self._states is None:
            entries = latest(entry for entry in read_journal(self._layout) if _is_timeline(entry.file))
            self._states = {
                file: FileState(size=entry.bytes, lines=entry.lines, crc=int(entry.crc32, 16))
                for file, entry in entries.items()
            }
        known = self._states.get(self._layout.relative(path))
        return known if known and known.size == path.stat().st_size else measured(path)

    def learn(self, path: Path, state: FileState) -> None:
        """Remember what was just committed."""
        if self._states is not None:
            self._states[self._layout.relative(path)] = state


def _is_timeline(file: str | None) -> bool:
    return file is not None and file.endswith(".twt")
