"""File I/O on descriptors: copies inside the kernel, complete writes, checksums, durable names."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from isal import isal_zlib

from twittomatic.storage.errors import translate_errors

_CHUNK_BYTES = 1024 * 1024
_KERNEL_BYTES = 1024 * 1024 * 1024  # one call may copy less than it is asked; none takes more than 2 GiB
_CANNOT = {errno.EXDEV, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL, errno.EPERM}  # EPERM: an old sandbox


def copy_range(
    source: int, target: int, *, count: int, source_offset: int = 0, target_offset: int = 0
) -> int:
    """Copy bytes between two open files, by reflink if the file system has them.

    Args:
        source: Descriptor open for reading.
        target: Descriptor open for writing, not appending.
        count: Bytes to copy.
        source_offset: Where they begin in the source.
        target_offset: Where they go in the target.

    Returns:
        The number of bytes copied: fewer than `count` if the source ends early.

    Raises:
        OSError: as the system reports it.
    """
    done = _copy_in_kernel(source, target, count, source_offset, target_offset)
    while done < count:
        data = os.pread(source, min(count - done, _CHUNK_BYTES), source_offset + done)
        if not data:
            break
        write_all(target, data, target_offset + done)
        done += len(data)
    return done


def write_all(target: int, data: bytes, offset: int) -> None:
    """Write all of `data` at `offset`, in as many calls as it takes.

    Raises:
        OSError: as the system reports it; some of `data` may be written.
    """
    view = memoryview(data)
    while view:
        written = os.pwrite(target, view, offset)
        if written == 0:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        offset += written
        view = view[written:]


def checksum(source: int, count: int, offset: int = 0) -> int:
    """Return the CRC-32 of up to `count` bytes of an open file, from `offset` on."""
    crc = done = 0
    while done < count:
        data = os.pread(source, min(count - done, _CHUNK_BYTES), offset + done)
        if not data:
            break
        crc = isal_zlib.crc32(data, crc)
        done += len(data)
    return crc


def sync_directory(directory: Path) -> None:
    """Sync a directory, so that names created or renamed in it survive a power failure.

    Raises:
        StorageUnavailable: the system refuses.
    """
    with translate_errors(directory):
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _copy_in_kernel(source: int, target: int, count: int, source_offset: int, target_offset: int) -> int:
    done = 0
    if not hasattr(os, "copy_file_range"):  # macOS
        return done
    while done < count:
        asked = min(count - done, _KERNEL_BYTES)
        try:
            copied = os.copy_file_range(source, target, asked, source_offset + done, target_offset + done)
        except OSError as error:
            if error.errno in _CANNOT:
                break
            raise
        if copied == 0:
            break  # the end, or a file system that pretends to be empty: the caller reads to find out
        done += copied
    return done
