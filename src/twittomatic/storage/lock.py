"""Who is at work on a dataset: its workers together, or one repair alone.

A lock on `.lock`, shared by every process that has a journal file open, exclusive to a repair. It
ends with the process, however that ends; a worker that is frozen holds it, since it may wake up and write.
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
_TRIES, _PAUSE_S = 25, 0.01  # since `work_on` has the lock for some microseconds
_GLANCE_S = 0.0001  # between the tries of `work_on`, which is called for each file in trouble


class Activity(Enum):
    """Who is at work on a dataset."""

    NOBODY = auto()
    CRAWL = auto()
    REPAIR = auto()


def shared(output: Path) -> int:
    """Work on a dataset, beside others, until the descriptor that is returned is closed.

    Args:
        output: Its directory.

    Raises:
        StorageUnavailable: a repair is at work, or the directory cannot be written.
    """
    return _locked(
        output,
        fcntl.LOCK_SH,
        f"{output}: `twittomatic verify --repair` works on it; start again when that has ended.",
    )


@contextmanager
def exclusive(output: Path) -> Iterator[None]:
    """Have a dataset for oneself, for a block.

    Raises:
        StorageUnavailable: a worker or another repair is at work, or the directory cannot be written.
    """
    descriptor = _locked(
        output,
        fcntl.LOCK_EX,
        f"{output}: somebody works on this dataset; stop its crawl before you repair it.",
    )
    try:
        yield
    finally:
        os.close(descriptor)


def activity_in(output: Path) -> Activity:
    """Tell who is at work on a dataset, as far as locks tell; nothing in it is changed.

    Args:
        output: Its directory.
    """
    try:
        try:
            descriptor = os.open(
                output / _LOCK, os.O_RDWR | os.O_CLOEXEC
            )  # NFS wants it for an exclusive lock
        except OSError:
            descriptor = os.open(output / _LOCK, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:  # nobody ever worked here, or nobody can be seen
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
    """Tell whether a lock can be had; another process that looks as well has it for an instant only."""
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
    except OSError:  # a file system without locks: then the state alone tells who is at work
        return descriptor
    if not is_free:
        os.close(descriptor)
        raise StorageUnavailable(taken)
    return descriptor
