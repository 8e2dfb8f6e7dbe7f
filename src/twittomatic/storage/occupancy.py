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
from twittomatic.storage.failures import guarded

_LOCK = ".lock"
_TRIES, _PAUSE_S = 25, 0.01  # since `work_on` has the lock for some microseconds


class Work(Enum):
    """Who is at work on a dataset."""

    NOBODY = auto()
    CRAWL = auto()
    REPAIR = auto()


def occupy(output: Path) -> int:
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
def alone(output: Path) -> Iterator[None]:
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


def work_on(output: Path) -> Work:
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
        return Work.NOBODY
    work = Work.REPAIR
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        work = Work.CRAWL
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return Work.NOBODY
    except BlockingIOError:
        return work
    except OSError:  # a file system without locks
        return Work.NOBODY
    finally:
        os.close(descriptor)


def _locked(output: Path, kind: int, taken: str) -> int:
    with guarded(output):
        descriptor = os.open(output / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    for left in reversed(range(_TRIES)):
        try:
            fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
            break
        except BlockingIOError:
            if not left:
                os.close(descriptor)
                raise StorageUnavailable(taken) from None
            time.sleep(_PAUSE_S)
        except OSError:  # a file system without locks: then the state alone tells who is at work
            break
    return descriptor
