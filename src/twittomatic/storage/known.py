"""What the journal says of the files that stand there, so that they need not be read, nor bought again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path

import msgspec

from twittomatic.model import Ending, FileState, Module
from twittomatic.storage.commit import measured
from twittomatic.storage.failures import guarded
from twittomatic.storage.journal import Entry, latest, read_journal
from twittomatic.storage.paths import Layout

_LISTS = (".twt", ".fws")  # `.usr` stands where `.fws` stands: it is committed first, or known to be lost


class _Known(msgspec.Struct, frozen=True, gc=False):
    state: FileState
    ending: Ending
    ended_at: float  # seconds since the epoch


class KnownFiles:
    """The timelines and followers lists of a dataset, as last committed; calls may block.

    The journal is read once, at the first question about a file that is there. A file that another process
    has changed since has another size: it is measured, and is not known to be whole.
    """

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._known: dict[str, _Known] | None = None

    def state(self, path: Path) -> FileState:
        """Return the size, lines and checksum of a file.

        Raises:
            CorruptFile: it had to be read, and is broken.
            StorageUnavailable: it cannot be read.
        """
        known = self._entry(path)
        return known.state if known else measured(path)

    def is_whole(self, path: Path, *, most: int | None, since: float | None) -> bool:
        """Tell whether a file holds all that a new download of its list would be asked for.

        Args:
            path: Of the file, which need not be there.
            most: Records that would be kept, None for all.
            since: Seconds since the epoch: a file that was finished before is too old; None for any age.
        """
        if not path.exists():
            return False
        known = self._entry(path)
        if known is None or (since is not None and known.ended_at < since):
            return False
        if known.ending is Ending.CUT:
            return most is not None and known.state.lines >= most
        return known.ending in (Ending.COMPLETE, Ending.CEILING)

    def ending(self, path: Path) -> Ending | None:
        """Return why the list of a file ended when it was last committed, None when the journal is silent."""
        known = self._entries().get(self._layout.relative(path))
        return known.ending if known else None

    def learn(self, path: Path, state: FileState, ending: Ending, ended_at: float) -> None:
        """Remember what was just committed."""
        if self._known is not None:
            self._known[self._layout.relative(path)] = _Known(state, ending, ended_at)

    def _entry(self, path: Path) -> _Known | None:
        known = self._entries().get(self._layout.relative(path))
        if known is None:
            return None
        with guarded(path):
            try:
                size = path.stat().st_size
            except FileNotFoundError:
                return None
        return known if known.state.size == size else None

    def _entries(self) -> dict[str, _Known]:
        if self._known is None:
            self._known = self._read()
        return self._known

    def _read(self) -> dict[str, _Known]:
        looked: dict[str, float] = {}  # updates that found nothing new, and so wrote no file
        newest = latest(_lists(read_journal(self._layout), self._layout, looked))
        lost = [file for file, entry in newest.items() if entry.ending is Ending.LOST]
        for file in lost:
            newest.pop(file, None)
            newest.pop(file.replace(".usr", ".fws"), None)  # a list whose profiles are lost is not whole
        return {
            file: _known(entry, looked.get(file, 0.0))
            for file, entry in newest.items()
            if file.endswith(_LISTS)
        }


def _lists(entries: Iterable[Entry], layout: Layout, looked: dict[str, float]) -> Iterator[Entry]:
    for entry in entries:
        if entry.file is not None:
            yield entry
        elif entry.module is Module.UPDATE and entry.ending is Ending.COMPLETE:
            file = layout.relative(layout.file(entry.user_id, "twt"))
            looked[file] = max(looked.get(file, 0.0), _moment(entry))


def _known(entry: Entry, looked: float) -> _Known:
    state = FileState(size=entry.bytes, lines=entry.lines, crc=int(entry.crc32, 16))
    return _Known(state, entry.ending, max(_moment(entry), looked))


def _moment(entry: Entry) -> float:
    return datetime.fromisoformat(entry.ended_at).timestamp()
