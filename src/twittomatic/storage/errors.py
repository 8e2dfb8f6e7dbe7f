"""Turns what the operating system says about a disk into one sentence for the user."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from twittomatic.errors import StorageUnavailable

_SENTENCES = {
    errno.ENOSPC: "the volume is full; free some space and start again",
    errno.EDQUOT: "the disk quota is used up; free some space and start again",
    errno.EFBIG: "the file grows beyond what the system allows; raise `ulimit -f`",
    errno.EROFS: "the volume is read-only; mount it for writing and start again",
    errno.EIO: "the disk reports an input/output error; check the disk before you start again",
    errno.EACCES: "permission denied; give this user the right to read and write there",
    errno.EPERM: "permission denied; give this user the right to read and write there",
    errno.ENOTDIR: "a part of this path is not a directory; move that file away or name another directory",
    errno.EISDIR: "a directory stands where a file should be; move it away",
    errno.ENOENT: "there is no such file or directory",
    errno.ESTALE: "the shared file system lost this file; check the mount and start again",
    errno.EMFILE: "this process has too many files open; raise `ulimit -n`",
}


def unavailable(path: Path, error: OSError) -> StorageUnavailable:
    """Say in one sentence why `path` cannot be used, and what to do about it."""
    reason = _SENTENCES.get(error.errno or 0, error.strerror or str(error))
    return StorageUnavailable(f"{path}: {reason}.")


@contextmanager
def translate_errors(path: Path) -> Iterator[None]:
    """Let every OSError of the block come out as StorageUnavailable, about `path`."""
    try:
        yield
    except OSError as error:
        raise unavailable(path, error) from error
