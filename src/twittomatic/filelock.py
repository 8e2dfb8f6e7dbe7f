"""A lock on a file that the system releases when its holder dies, so nobody has to remove a stale one.

It is an `flock`: it belongs to an open file, `kill -9` releases it, and the file's content decides nothing.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import TracebackType

from twittomatic.errors import StateUnavailable, os_reason

_POLL_S = 0.01  # flock cannot wait without a thread; a hundred tries a second cost nothing


def unusable(path: Path, error: OSError, *, setting: str) -> StateUnavailable:
    """Return the error that says in one sentence why a path cannot be used, and what to do about it.

    Args:
        path: A lock file, or what it protects.
        error: What the system raised.
        setting: The setting that names its directory, empty when no setting does.
    """
    return StateUnavailable(f"{path}: {os_reason(error, setting=setting)}.")


class FileLock:
    """An open handle on a lock file; two handles exclude each other even within one process.

    Args:
        path: The lock file. It is created empty if it is missing, and never deleted.
        setting: The setting that names its directory, for error messages; empty when no setting does.

    Raises:
        StateUnavailable: the file cannot be opened.
    """

    def __init__(self, path: Path, *, setting: str = "") -> None:
        self._path = path
        self._setting = setting
        try:
            self.descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise self._unusable(error) from error

    def __enter__(self) -> FileLock:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Closed and not unlocked: a process that inherited the descriptor keeps the lock.
        os.close(self.descriptor)

    def try_acquire(self, *, shared: bool = False) -> bool:
        """Take the lock if no other handle is in the way; a failed attempt releases what this handle held.

        Raises:
            StateUnavailable: this file system has no locks.
        """
        try:
            fcntl.flock(self.descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError as error:
            raise self._unusable(error) from error
        return True

    async def acquire(self, *, within_s: float = float("inf")) -> bool:
        """Wait for the exclusive lock; return False when others still had it after `within_s` seconds."""
        deadline = time.monotonic() + within_s
        while not self.try_acquire():
            if time.monotonic() >= deadline:
                return False
            await asyncio.sleep(_POLL_S)
        return True

    @asynccontextmanager
    async def held(self) -> AsyncIterator[None]:
        """Hold the exclusive lock for a block, however long it takes to get it."""
        await self.acquire()
        try:
            yield
        finally:
            fcntl.flock(self.descriptor, fcntl.LOCK_UN)

    def write(self, text: str) -> None:
        """Replace the content of the file.

        Raises:
            StateUnavailable: the volume is full or gone.
        """
        try:
            os.ftruncate(self.descriptor, 0)
            os.pwrite(self.descriptor, os.fsencode(text), 0)
        except OSError as error:
            raise self._unusable(error) from error

    def read(self) -> str:
        """Return the content of the file."""
        return os.fsdecode(os.pread(self.descriptor, 4096, 0))

    def _unusable(self, error: OSError) -> StateUnavailable:
        return unusable(self._path, error, setting=self._setting)
