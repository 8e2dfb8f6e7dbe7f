"""Where a dataset's graph is kept between calls: a hidden directory, which may be deleted at any time."""

from __future__ import annotations

import fcntl
import secrets
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import msgspec

from twittomatic.dataset.graph.arrayfile import ArrayFile, ArrayWriter
from twittomatic.faultpoint import reach
from twittomatic.storage.errors import translate_errors
from twittomatic.storage.paths import Layout

DIRECTORY = ".graph"
FORMAT = 1
"""Number of the format: a file with another one is built anew."""

_SUFFIX, _UNFINISHED = ".arrays", ".part"


class GraphCache:
    """The files of arrays in the hidden directory of a dataset.

    Each is written aside and renamed, so two processes may write the same one at once: the last one stays,
    and both have what they wrote. A process that dies leaves a file that nobody locks; the next one removes
    it.

    Args:
        layout: The dataset's directories.
        is_kept: Whether files are written to the dataset; False makes them temporary.
    """

    def __init__(self, layout: Layout, *, is_kept: bool = True) -> None:
        self._directory = layout.output / DIRECTORY
        self._is_kept = is_kept

    def open(self, name: str) -> ArrayFile | None:
        """Return a file, None if there is none that can be used."""
        try:
            file = ArrayFile(self._directory / f"{name}{_SUFFIX}")
        except (OSError, ValueError, msgspec.MsgspecError):
            return None
        return file if file.about.get("format") == FORMAT else None

    def write(self, name: str, fill: Callable[[ArrayWriter, Path], dict[str, object]]) -> ArrayFile:
        """Write a file and return it; it is not kept if the dataset cannot be written.

        Args:
            name: Its name.
            fill: Writes the arrays, and returns what is to be said about them. It may use the directory that
                it is given for temporary files. It is called twice if the dataset cannot be written.

        Raises:
            StorageUnavailable: neither the dataset nor the system's directory for temporary files can be
                written.
        """
        if self._is_kept:
            with suppress(OSError):  # read-only, or full
                self._directory.mkdir(exist_ok=True)
                self._sweep()
                return self._write(name, fill, self._directory)
        with (
            translate_errors(Path(tempfile.gettempdir())),
            tempfile.TemporaryDirectory(prefix="twittomatic-") as directory,
        ):
            return self._write(name, fill, Path(directory))

    def _write(
        self, name: str, fill: Callable[[ArrayWriter, Path], dict[str, object]], directory: Path
    ) -> ArrayFile:
        part = directory / f"{name}-{secrets.token_hex(8)}{_UNFINISHED}"
        try:
            with part.open("x+b") as file:
                _lock(file.fileno())
                writer = ArrayWriter(file)
                writer.finish({**fill(writer, directory), "format": FORMAT})
                reach("graph_cache.written")
                written = ArrayFile(part)  # before another process can rename its own
                part.rename(directory / f"{name}{_SUFFIX}")
                reach("graph_cache.renamed")
                return written
        finally:
            part.unlink(missing_ok=True)

    def _sweep(self) -> None:
        """Remove what processes left that died while they wrote."""
        for path in self._directory.glob(f"*{_UNFINISHED}"):
            with suppress(OSError), path.open("rb") as file:
                if _lock(file.fileno()):
                    path.unlink()


def _lock(descriptor: int) -> bool:
    """Lock a file until it is closed; return whether that was possible."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:  # another process has it, or this file system has no locks
        return False
    return True
