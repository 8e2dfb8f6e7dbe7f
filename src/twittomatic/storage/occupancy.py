"""Who is at work on a dataset: its workers together, or one repair alone.

A lock on `.lock`, shared by every process that has a journal file open, exclusive to a repair. It
ends with the process, however that ends; a worker that is frozen holds it, since it may wake up and write.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from twittomatic.errors import StorageUnavailable
from twittomatic.storage.failures import guarded

_LOCK = ".lock"


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


def _locked(output: Path, kind: int, taken: str) -> int:
    with guarded(output):
        descriptor = os.open(output / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise StorageUnavailable(taken) from None
    except OSError:  # a file system without locks: then the state alone tells who is at work
        pass
    return descriptor
