"""Verification of a dataset against its journal, bytes and records; a crawl may be running."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import msgspec

from twittomatic.errors import StorageError, StorageUnavailable
from twittomatic.model import Ending
from twittomatic.storage import purchases
from twittomatic.storage.defects import Defect, DefectKind, find_defects, is_file, may_be_transient
from twittomatic.storage.index import FileSet, JournalIndex
from twittomatic.storage.lock import Activity, activity_in
from twittomatic.storage.paths import EXTENSIONS, Layout
from twittomatic.storage.tail import CUT_OFF

_LOOKS = 5  # examinations of a file that changes each time


class FileDefect(msgspec.Struct, frozen=True, kw_only=True):
    """Something that differs from what was committed.

    Attributes:
        file: Path relative to OUTPUT_DIRECTORY.
        sentence: What is wrong, printable, on one line.
        in_progress: Whether a running crawl explains it: a file is in its place before its journal line is
            written.
    """

    file: str
    sentence: str
    in_progress: bool = False


def verify(layout: Layout) -> Iterator[FileDefect]:
    """Yield every defect of a dataset as it is found; nothing in the dataset makes this fail.

    Checked are, of every file: size, CRC-32 and lines against its newest journal line, complete gzip data,
    valid records, no id twice; of timelines: newest post first; of profiles: they belong to the list beside
    them; of the journal: every line is an entry, every file exists; and that nothing else looks like a
    dataset file.

    Before a defect is reported, newly appended journal lines are read and the file is examined again. Defects
    that remain while a crawl is running, and that it may explain, come last, marked as `in_progress`.

    It takes memory for the ids of the largest file, 8 bytes each, and for the index of the journal, some 65
    bytes a file; not for the records themselves.

    Args:
        layout: The dataset, which is not changed.

    Raises:
        StorageUnavailable: a repair is running.
    """
    return _Verification(layout).run()


class _Verification:
    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._index = JournalIndex(layout, self._note)
        self._bad_lines: dict[tuple[Path, int], str] = {}  # found in the journal and not yet yielded
        self._told: set[tuple[Path, int]] = set()
        self._later: list[Path] = []  # files to examine again at the end

    def run(self) -> Iterator[FileDefect]:
        layout, met = self._layout, FileSet()
        self._watch()
        self._index.refresh()
        yield from self._of_journal()
        unlisted: set[str] = set()
        for ext in EXTENSIONS:
            try:
                for path in layout.files(ext):
                    file = f"{path.name[:2]}/{path.name}"  # as `relative` does, in a tenth of the time
                    met.add(file)
                    if any(True for _ in find_defects(layout, path, self._index.newest(file))):
                        yield from self._again(path, last=False)
            except StorageError as error:
                unlisted.add(str(error))
        try:
            for path in layout.strays():
                yield file_defect(layout, path, "is not a dataset file, though a reader may take it for one.")
            for path, sentence in purchases.problems(layout):
                yield file_defect(layout, path, sentence)
        except StorageError as error:
            unlisted.add(str(error))
        for sentence in sorted(unlisted):
            yield file_defect(layout, layout.output, sentence)
        for file, line in self._index.files(besides=met):
            if line.ending is not Ending.LOST and not is_file(layout.output / file):
                yield from self._again(layout.output / file, last=False)
        for path in self._later:
            yield from self._again(path, last=True)
        work = self._watch()
        self._index.refresh()
        yield from self._of_journal()
        for path, number in sorted(self._index.torn.items()):
            yield file_defect(layout, path, f"line {number}: {CUT_OFF}", in_progress=work is Activity.CRAWL)

    def _again(self, path: Path, *, last: bool) -> Iterator[FileDefect]:
        """Examine a file until its defects are certain, or postpone it until the end."""
        for look in range(_LOOKS):
            before = self._watch()
            self._index.refresh()
            identity, line = _identity(path), self._index.newest(self._layout.relative(path))
            found = self._trouble(path)
            if not found:
                return
            after = self._watch()  # a crawl that has ended has written its lines
            self._index.refresh()
            newest = self._index.newest(self._layout.relative(path))
            changes = _identity(path) != identity or newest != line
            if changes and look < _LOOKS - 1:
                continue
            in_progress = Activity.CRAWL in (before, after) and (changes or may_be_transient(found))
            if in_progress and not last:
                self._later.append(path)
                return
            for one in found:
                yield file_defect(self._layout, path, one.sentence, in_progress=in_progress)
            return

    def _trouble(self, path: Path) -> list[Defect]:
        line = self._index.newest(self._layout.relative(path))
        if _identity(path) is None:
            if line is None or line.ending is Ending.LOST:
                return []
            return [Defect(DefectKind.BROKEN, "missing, though the journal has a line for it.")]
        return list(find_defects(self._layout, path, line))

    def _watch(self) -> Activity:
        work = activity_in(self._layout.output)
        if work is Activity.REPAIR:
            output = self._layout.output
            raise StorageUnavailable(
                f"{output}: `twittomatic verify --repair` is running on it; verify when that has finished."
            )
        return work

    def _note(self, path: Path, number: int, sentence: str) -> None:
        """Collect a defect of the journal; an incomplete last line may still be being written."""
        is_last = sentence == CUT_OFF and self._index.torn.get(path) == number
        if not is_last and (path, number) not in self._told:
            self._bad_lines[path, number] = sentence

    def _of_journal(self) -> Iterator[FileDefect]:
        for (path, number), sentence in self._bad_lines.items():
            yield file_defect(self._layout, path, f"line {number}: {sentence}" if number else sentence)
        self._told.update(self._bad_lines)
        self._bad_lines = {}


def _identity(path: Path) -> tuple[int, int, int] | None:
    """Return what changes when a file is replaced or written, None if there is no file."""
    try:
        status = os.lstat(path)
    except FileNotFoundError:
        return None
    except OSError:  # in a directory without permission
        return 0, 0, 0
    return status.st_ino, status.st_size, status.st_mtime_ns


def file_defect(layout: Layout, path: Path, sentence: str, *, in_progress: bool = False) -> FileDefect:
    """Return a defect of a file, printable whatever the name of the file."""
    return FileDefect(
        file=printable(layout.relative(path)), sentence=printable(sentence), in_progress=in_progress
    )


def printable(text: str) -> str:
    """Escape characters with which a hostile name or line could control a terminal or add lines."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
