"""Standard streams that do not end a command when they are closed, disconnected, or on a full disk.

Descriptors 0 to 2 that are closed are opened on /dev/null, or the next file to be opened would take their
place. A write to standard error never raises, since the error could not be printed anyway, nor does one to a
terminal that has closed. Any other failure of standard output raises, except within `forgiving`: a crawl
continues.
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
    """A descriptor that discards all output once a write has failed.

    Attributes:
        failure: The error of that write.
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
    """Replace the standard streams of this process by safe ones, before any file is opened."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # it takes the lowest free descriptor
    sys.stdin = sys.stdin or io.TextIOWrapper(io.FileIO(0, closefd=False))
    sys.stdout, sys.stderr = _safe(1, sys.stdout), _safe(2, sys.stderr)


@contextmanager
def forgiving() -> Iterator[None]:
    """Within the block, a failure of standard output does not raise."""
    global _forgives
    before, _forgives = _forgives, True
    try:
        yield
    finally:
        _forgives = before


def lost() -> OSError | None:
    """Flush standard output; return the error that lost some of it, if there is one."""
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
