"""The part file: one attempt's copy of one file, to which it appends synced gzip members."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from isal import isal_zlib

from twittomatic.errors import CorruptFile
from twittomatic.faultpoint import reach
from twittomatic.model import FileState
from twittomatic.storage.errors import translate_errors
from twittomatic.storage.io import checksum, copy_range, sync_directory, write_all
from twittomatic.storage.paths import Layout


class PartFile:
    """A file in TEMPORARY_DIRECTORY that exactly one attempt writes.

    The bytes that `state` counts are synced. Bytes after them do not count, and an attempt that takes over
    cuts them off. One call at a time; calls block, so an asynchronous caller makes them in a thread.
    """

    def __init__(self, path: Path, descriptor: int) -> None:
        """Use `begin` or `take_over`."""
        self._path = path
        self._descriptor = descriptor
        self._state = FileState()
        self._lock = threading.Lock()  # of the descriptor: once closed, its number may soon be another file's

    @classmethod
    def begin(cls, path: Path) -> PartFile:
        """Create an empty file, or empty an existing one.

        Raises:
            StorageUnavailable: it cannot be created.
        """
        part = cls._open(path)
        try:
            with translate_errors(path):
                os.ftruncate(part._descriptor, 0)
        except BaseException:
            part.close()
            raise
        return part

    @classmethod
    def take_over(cls, path: Path, predecessor: Path, state: FileState) -> PartFile:
        """Continue where another attempt stopped: copy its bytes up to its checkpoint, and check them.

        Args:
            path: The new attempt's own file; if it is the predecessor's, that one is cut to the checkpoint.
            predecessor: The file that `state` describes. It is not changed. If its attempt died after the
                commit, the committed file will do: it begins with the same bytes.
            state: The bytes that the checkpoint counts.

        Raises:
            CorruptFile: the predecessor is missing, shorter, or its bytes are not those of the checkpoint.
            StorageUnavailable: a file cannot be read or written.
        """
        if state.size == 0:
            return cls.begin(path)
        with translate_errors(predecessor):
            try:
                source = os.open(predecessor, os.O_RDONLY | os.O_CLOEXEC)
            except FileNotFoundError:
                raise CorruptFile(f"{predecessor}: missing, though a checkpoint counts on it.") from None
        try:
            part = cls._open(path)
            try:
                part._adopt(predecessor, source, state)
            except BaseException:
                part.close()
                raise
        finally:
            os.close(source)
        return part

    @property
    def path(self) -> Path:
        """Path of the file."""
        return self._path

    @property
    def state(self) -> FileState:
        """Size, lines and CRC-32 of the synced bytes."""
        return self._state

    def append(self, data: bytes, lines: int) -> FileState:
        """Write one gzip member and sync it.

        Args:
            data: The member, as `formats.member` made it.
            lines: The number of records in it.

        Returns:
            The new state, for the checkpoint.

        Raises:
            CorruptFile: the file was removed or truncated; nothing of `data` counts.
            StorageUnavailable: nothing of `data` counts, and the file is cut back if the disk allows it.
        """
        before = self._state
        after = FileState(
            size=before.size + len(data),
            lines=before.lines + lines,
            crc=isal_zlib.crc32(data, before.crc),
        )
        return self._extend(after, lambda: write_all(self._descriptor, data, before.size))

    def append_file(self, source: Path, known: FileState) -> FileState:
        """Append a whole file and sync, without reading it if the system can copy it.

        Args:
            source: A dataset file.
            known: Its size, lines and CRC-32 from the journal.

        Returns:
            The new state; the checksum is combined from the two.

        Raises:
            CorruptFile: the size of `source` is not what `known` says; or as `append`.
            StorageUnavailable: as `append`.
        """
        before = self._state
        after = FileState(
            size=before.size + known.size,
            lines=before.lines + known.lines,
            crc=isal_zlib.crc32_combine(before.crc, known.crc, known.size),
        )
        with translate_errors(source), source.open("rb", buffering=0) as file:

            def write() -> None:
                size = os.fstat(file.fileno()).st_size
                if size == known.size:
                    size = copy_range(file.fileno(), self._descriptor, count=size, target_offset=before.size)
                if size != known.size:
                    raise CorruptFile(
                        f"{source}: has {size} bytes, not the {known.size} that the journal says."
                    )

            return self._extend(after, write)

    def close(self) -> None:
        """Close the file after a write in progress; the file remains. A second call does nothing."""
        with self._lock:
            if self._descriptor >= 0:
                os.close(self._descriptor)
                self._descriptor = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @classmethod
    def _open(cls, path: Path) -> PartFile:
        with translate_errors(path.parent):
            path.parent.mkdir(parents=True, exist_ok=True)
        with translate_errors(path):
            part = cls(path, os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666))
        try:
            sync_directory(path.parent)  # a checkpoint counts on the name as well as on the bytes
        except BaseException:
            part.close()
            raise
        return part

    def _adopt(self, predecessor: Path, source: int, state: FileState) -> None:
        """Copy exactly the bytes of `state` from the open file `source`."""
        with translate_errors(self._path):
            if not os.path.sameopenfile(source, self._descriptor):
                copy_range(source, self._descriptor, count=state.size)
            if os.fstat(source).st_size < state.size:
                raise CorruptFile(f"{predecessor}: shorter than the {state.size} bytes of its checkpoint.")
            if checksum(self._descriptor, state.size) != state.crc:
                raise CorruptFile(f"{predecessor}: its bytes are not those of its checkpoint.")
            os.ftruncate(self._descriptor, state.size)
            os.fsync(self._descriptor)
        reach("part.taken_over")
        self._state = state

    def _check(self) -> None:
        """Check, before the next page is paid for, that the earlier bytes are still there."""
        if self._descriptor < 0:
            raise ValueError(f"{self._path} is closed")
        status = os.fstat(self._descriptor)
        if status.st_nlink == 0 or (status.st_size < self._state.size):
            raise CorruptFile(f"{self._path}: was removed or truncated while it was written.")

    def _extend(self, after: FileState, write: Callable[[], None]) -> FileState:
        """Write and sync, then make `after` the state; on failure cut back to the current one."""
        with translate_errors(self._path), self._lock:
            self._check()
            try:
                write()
                reach("part.written")
                os.fsync(self._descriptor)
            except (OSError, CorruptFile):
                with suppress(OSError):  # a failing disk may fail here too; nothing counts on those bytes
                    os.ftruncate(self._descriptor, self._state.size)
                raise
        reach("part.synced")
        self._state = after
        return after


def discard(path: Path) -> None:
    """Remove a part file that no checkpoint counts on any more, if it exists.

    Raises:
        StorageUnavailable: it cannot be removed.
    """
    with translate_errors(path):
        path.unlink(missing_ok=True)


def part_files(layout: Layout, crawl: str) -> Sequence[Path]:
    """Return the part files that a crawl has now.

    Raises:
        StorageUnavailable: the directory cannot be read.
    """
    directory = layout.parts(crawl)
    with translate_errors(directory):
        return sorted(filter(Path.is_file, directory.iterdir())) if directory.is_dir() else []


def remove_part_files(found: Collection[Path], keep: Collection[str]) -> int:
    """Remove the part files that a finished crawl left behind.

    A process that was frozen since before the end may wake up after the crawl was started again. Its files
    are safe: what the new jobs write was not there when `found` was listed, and what they continue is named
    by a checkpoint.

    Args:
        found: What `part_files` returned before the crawl was seen to be finished.
        keep: Stems of the part files that a checkpoint counts on, read after that.

    Returns:
        How many were removed.

    Raises:
        StorageUnavailable: one cannot be removed.
    """
    removed = 0
    for path in found:
        if path.stem not in keep:
            discard(path)
            removed += 1
    return removed
