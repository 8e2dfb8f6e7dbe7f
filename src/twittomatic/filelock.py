"""A lock on a file that dies with its holder, so that nobody ever clears one by hand.

It is an `flock`: it belongs to an open file, a kill -9 gives it back, and what the file says decides nothing.
"""

from __future__ import annotations

import asyncio
import errno
import fcntl
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import TracebackType

from twittomatic.errors import StateUnavailable

_GLANCE_S = 0.01  # flock cannot wait without a thread; a hundred looks a second cost nothing

_SENTENCES = {
    errno.ENOSPC: "the volume is full; free some space and start again",
    errno.EDQUOT: "the disk quota is used up; free some space and start again",
    errno.EROFS: "the volume is read-only; name another STATE_DIRECTORY",
    errno.EACCES: "permission denied; let this user write there, or name another STATE_DIRECTORY",
    errno.EPERM: "permission denied; let this user write there, or name another STATE_DIRECTORY",
    errno.ENOTDIR: "is, or lies below, a file; name a directory as STATE_DIRECTORY",
    errno.EEXIST: "is, or lies below, a file; name a directory as STATE_DIRECTORY",
    errno.ENAMETOOLONG: "the path is too long; name a shorter STATE_DIRECTORY",
}


def unusable(path: Path, error: OSError) -> StateUnavailable:
    """Say in one sentence why a path of the state directory cannot be used, and what to do about it."""
    reason = _SENTENCES.get(error.errno or 0, error.strerror or str(error))
    return StateUnavailable(f"{path}: {reason}.")


class FileLock:
    """One open handle on a lock file; two handles exclude each other even within one process.

    Args:
        path: The file, created empty when there is none, and never deleted.

    Raises:
        StateUnavailable: it cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self.descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise unusable(path, error) from error

    def __enter__(self) -> FileLock:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Closed and not unlocked: a process that inherited the descriptor keeps the lock.
        os.close(self.descriptor)

    def try_acquire(self, *, shared: bool = False) -> bool:
        """Take the lock if nobody is in the way; a failed attempt gives up what this handle held.

        Raises:
            StateUnavailable: this file system has no locks.
        """
        try:
            fcntl.flock(self.descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError as error:
            raise unusable(self._path, error) from error
        return True

    async def acquire(self, *, within_s: float = float("inf")) -> bool:
        """Take the lock alone, waiting for others to leave it; False when they did not in time."""
        deadline = time.monotonic() + within_s
        while not self.try_acquire():
            if time.monotonic() >= deadline:
                return False
            await asyncio.sleep(_GLANCE_S)
        return True

    @asynccontextmanager
    async def held(self) -> AsyncIterator[None]:
        """Hold the lock for a block, however long it takes to get it."""
        await self.acquire()
        try:
            yield
        finally:
            fcntl.flock(self.descriptor, fcntl.LOCK_UN)

    def write(self, text: str) -> None:
        """Replace what the file says.

        Raises:
            StateUnavailable: the volume is full or gone.
        """
        try:
            os.ftruncate(self.descriptor, 0)
            os.pwrite(self.descriptor, os.fsencode(text), 0)
        except OSError as error:
            raise unusable(self._path, error) from error

    def read(self) -> str:
        """Return what the file says."""
        return os.fsdecode(os.pread(self.descriptor, 4096, 0))
