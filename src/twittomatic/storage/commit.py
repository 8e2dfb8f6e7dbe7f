"""The commit: one rename that makes a file of the dataset visible, whole."""

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
    """Move a finished part file into the dataset, in place of an older file there; durable on return.

    Args:
        part: A part file whose bytes are synced, as `PartFile` leaves them.
        final: Its name in the dataset, from `Layout.file`, on the same volume.
        size: The bytes of it that count; what is behind them is cut off.

    Raises:
        CorruptFile: the part file is gone: an attempt before this one moved it, or somebody removed it; or it
            is shorter.
        StorageUnavailable: it could not be moved; the dataset is as it was, unless only the last sync failed.
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
    """Tell whether a file is exactly the bytes of `state`.

    After a crash between the commit and its journal line, this is how the next attempt finds the commit done.

    Raises:
        StorageUnavailable: the file is there and cannot be read.
    """
    return _matches(path, state, longer=False)


def begins_with(path: Path, state: FileState) -> bool:
    """Tell whether the first bytes of a file are those of `state`, as of a part file or an update.

    Raises:
        StorageUnavailable: the file is there and cannot be read.
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
    """Put an older file's compressed bytes behind those of `part`, so that the new posts come first.

    Args:
        part: The new posts. Its checkpoint stays where it was, so that who takes over can do this again.
        old: The file of the dataset that the new one will replace. It is not changed.
        known: Size, lines and CRC-32 of `old` from its journal line; without it the file is read for them.

    Returns:
        The state of the whole: what the journal line must say.

    Raises:
        CorruptFile: `old` is not what `known` says, or without it, is broken.
        StorageUnavailable: a file cannot be read or written.
    """
    return part.append_file(old, known or measured(old))


def measured(path: Path) -> FileState:
    """Read a whole file for its size, lines and CRC-32.

    Raises:
        CorruptFile: it is broken.
        StorageUnavailable: it cannot be read.
    """
    with translate_errors(path), path.open("rb", buffering=0) as file:
        size = os.fstat(file.fileno()).st_size
        crc = checksum(file.fileno(), size)
    return FileState(size=size, lines=sum(1 for _ in read_lines(path)), crc=crc)
