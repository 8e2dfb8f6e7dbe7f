"""The lock of a dataset: shared by crawls, exclusive to a repair.

It is an `flock` on `.lock`. Every process with an open journal file shares it; a repair holds it exclusively.
The system releases it when the process ends, however that happens. A frozen worker keeps it, because it may
wake up and write.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum, auto
from pathlib import Path

from twittomatic.errors import StorageUnavailable
from twittomatic.storage.errors import translate_errors

_LOCK = ".lock"
_TRIES, _PAUSE_S = 25, 0.01  # because `activity_in` holds the lock for some microseconds
_GLANCE_S = 0.0001  # between the tries of `activity_in`, which is called for each defective file


class Activity(Enum):
    """What is running on a dataset."""

    NOBODY = auto()
    CRAWL = auto()
    REPAIR = auto()


def shared(output: Path) -> int:
    """Share the lock of a dataset until the returned descriptor is closed.

    Args:
        output: OUTPUT_DIRECTORY.

    Raises:
        StorageUnavailable: a repair is running, or the directory cannot be written.
    """
    return _locked(
        output,
        fcntl.LOCK_SH,
        f"{output}: `twittomatic verify --repair` is running on it; start again when that has finished.",
    )


@contextmanager
def exclusive(output: Path) -> Iterator[None]:
    """Hold the lock of a dataset exclusively for a block.

    Raises:
        StorageUnavailable: a crawl or another repair is running, or the directory cannot be written.
    """
    descriptor = _locked(
        output,
        fcntl.LOCK_EX,
        f"{output}: a crawl or another repair is running on this dataset; stop it before you repair.",
    )
    try:
        yield
    finally:
        os.close(descriptor)


def activity_in(output: Path) -> Activity:
    """Return what is running on a dataset, as far as locks show; changes nothing.

    Args:
        output: OUTPUT_DIRECTORY.
    """
    try:
        try:
            # NFS wants a writable descriptor for an exclusive lock.
            descriptor = os.open(output / _LOCK, os.O_RDWR | os.O_CLOEXEC)
        except OSError:
            descriptor = os.open(output / _LOCK, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:  # no crawl ever ran here, or the lock cannot be read
        return Activity.NOBODY
    try:
        if not _is_free(descriptor, fcntl.LOCK_SH, _PAUSE_S):
            return Activity.REPAIR
        return Activity.NOBODY if _is_free(descriptor, fcntl.LOCK_EX, _GLANCE_S) else Activity.CRAWL
    except OSError:  # a file system without locks
        return Activity.NOBODY
    finally:
        os.close(descriptor)


def _is_free(descriptor: int, kind: int, pause_s: float) -> bool:
    """Try to take a lock; another process that only looks holds it for an instant."""
    for _ in range(_TRIES):
        try:
            fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            time.sleep(pause_s)
    return False


def _locked(output: Path, kind: int, taken: str) -> int:
    with translate_errors(output):
        descriptor = os.open(output / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        is_free = _is_free(descriptor, kind, _PAUSE_S)
    except OSError:  # a file system without locks: then only the state shows what is running
        return descriptor
    if not is_free:
        os.close(descriptor)
        raise StorageUnavailable(taken)
    return descriptor
