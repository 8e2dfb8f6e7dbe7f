"""Standard streams that may be closed, go away, or fill a disk without ending the work of a command.

Descriptors 0 to 2 that are closed are opened on /dev/null, or the next file to be opened would take their
place. A write to standard error never raises, since nobody is left to tell, nor does one to a terminal that
has closed. Any other failure of standard output raises, except within `forgiving`: a crawl goes on.
"""

from __future__ import annotations

import errno
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

_forgives = False


class _Descriptor(io.FileIO):
    """A descriptor that throws away what is written to it once a write has failed.

    Attributes:
        failure: What the first write that failed met.
    """

    def __init__(self, descriptor: int) -> None:
        super().__init__(descriptor, "w", closefd=False)
        self.failure: OSError | None = None

    def write(self, data: object, /) -> int:
        if not self.failure:
            try:
                return super().write(data)  # type: ignore[arg-type]
            except OSError as error:
                self.failure = error
                if not (_forgives or self.fileno() == 2 or error.errno == errno.EIO):
                    raise
        return memoryview(data).nbytes  # type: ignore[arg-type]


def secure() -> None:
    """Put safe streams in the place of this process' standard ones, before any file is opened."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # it takes the lowest that is free
    sys.stdin = sys.stdin or io.TextIOWrapper(io.FileIO(0, closefd=False))
    sys.stdout, sys.stderr = _safe(1, sys.stdout), _safe(2, sys.stderr)


@contextmanager
def forgiving() -> Iterator[None]:
    """Within the block, losing standard output stops nothing."""
    global _forgives
    before, _forgives = _forgives, True
    try:
        yield
    finally:
        _forgives = before


def lost() -> OSError | None:
    """Flush standard output, and return why something written to it is lost, if anything is."""
    with forgiving():
        sys.stdout.flush()
    descriptor = getattr(getattr(sys.stdout, "buffer", None), "raw", None)
    found: OSError | None = getattr(descriptor, "failure", None)
    return found


def _safe(descriptor: int, given: TextIO | None) -> TextIO:
    buffer = io.BufferedWriter(_Descriptor(descriptor))
    if given is None:
        return io.TextIOWrapper(buffer, encoding="utf-8", errors="backslashreplace")
    given.flush()
    return io.TextIOWrapper(
        buffer,
        encoding=given.encoding,
        errors="backslashreplace" if given.errors == "strict" else given.errors,
        line_buffering=bool(given.line_buffering),
    )
