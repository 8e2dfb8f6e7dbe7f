"""The commit: one rename makes a complete file visible in the dataset."""

from __future__ import annotations

import os
from pathlib import Path

from twittomatic.errors import CorruptFile
from twittomatic.faultpoint import reach
from twittomatic.model import FileState
from twittomatic.storage.errors import translate_errors
from twittomatic.storage.formats import read_lines
from twittomatic.storage.io import checksum, sync_directory
from twittomatic.storage.part import PartFile


def commit(part: Path, final: Path, *, size: int | None = None) -> None:
    """Rename a finished part file into the dataset, replacing an older file; durable on return.

    Args:
        part: A part file whose bytes are synced, as `PartFile` leaves them.
        final: Its name in the dataset, from `Layout.file`, on the same volume.
        size: The number of its bytes that count; bytes beyond them are cut off. None for all.

    Raises:
        CorruptFile: the part file is missing, because an earlier attempt moved it or it was removed; or
            it is too short.
        StorageUnavailable: the rename failed, and the dataset is unchanged; or only the last sync failed.
    """
    with translate_errors(final.parent):
        try:
            final.parent.mkdir()
        except FileExistsError:
            pass
        else:
            sync_directory(final.parent.parent)
    with translate_errors(part):
        try:
            if size is not None:
                _cut_back(part, size)
            part.rename(final)
        except FileNotFoundError:
            if part.exists():
                raise
            raise CorruptFile(f"{part}: missing, though a checkpoint counts on it.") from None
    reach("commit.renamed")
    sync_directory(final.parent)
    reach("commit.directory_synced")


def _cut_back(part: Path, size: int) -> None:
    with part.open("rb+", buffering=0) as file:
        there = os.fstat(file.fileno()).st_size
        if there < size:
            raise CorruptFile(f"{part}: shorter than the {size} bytes of its checkpoint.")
        if there > size:
            file.truncate(size)
            os.fsync(file.fileno())


def holds(path: Path, state: FileState) -> bool:
    """Return whether a file consists of exactly the bytes that `state` describes.

    After a crash between a commit and its journal line, this shows the next attempt that the commit is done.

    Raises:
        StorageUnavailable: the file exists and cannot be read.
    """
    return _matches(path, state, longer=False)


def begins_with(path: Path, state: FileState) -> bool:
    """Return whether a file begins with the bytes that `state` describes, as part files and updates do.

    Raises:
        StorageUnavailable: the file exists and cannot be read.
    """
    return _matches(path, state, longer=True)


def _matches(path: Path, state: FileState, *, longer: bool) -> bool:
    with translate_errors(path):
        try:
            file = path.open("rb", buffering=0)
        except FileNotFoundError:
            return False
        with file:
            size = os.fstat(file.fileno()).st_size
            if size != state.size and not (longer and size > state.size):
                return False
            return checksum(file.fileno(), state.size) == state.crc


def prepend(part: PartFile, old: Path, known: FileState | None = None) -> FileState:
    """Append an older file's compressed bytes to `part`, so that the new posts come first.

    Args:
        part: The new posts. Its checkpoint does not move, so an attempt that takes over can repeat this.
        old: The dataset file that the new one will replace. It is not changed.
        known: Size, lines and CRC-32 of `old` from its journal line; None reads the file for them.

    Returns:
        The state of the result, for its journal line.

    Raises:
        CorruptFile: `old` differs from `known`, or, without `known`, is broken.
        StorageUnavailable: a file cannot be read or written.
    """
    return part.append_file(old, known or measured(old))


def measured(path: Path) -> FileState:
    """Return a file's size, lines and CRC-32; reads all of it.

    Raises:
        CorruptFile: it is broken.
        StorageUnavailable: it cannot be read.
    """
    with translate_errors(path), path.open("rb", buffering=0) as file:
        size = os.fstat(file.fileno()).st_size
        crc = checksum(file.fileno(), size)
    return FileState(size=size, lines=sum(1 for _ in read_lines(path)), crc=crc)
