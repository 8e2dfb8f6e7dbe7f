"""Cache of a dataset's graph: a hidden directory in the dataset, which may be deleted at any time."""

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
"""Version of the format; files of another version are rebuilt."""

_SUFFIX, _UNFINISHED = ".arrays", ".part"


class GraphCache:
    """The array files in the hidden directory of a dataset.

    Each is written to a temporary name and renamed, so two processes may write the same file at once: the
    last rename wins, and each process uses the file that it wrote. A process that dies leaves an unlocked
    file, which the next write removes.

    Args:
        layout: The dataset's directories.
        is_kept: Whether files are kept in the dataset; if not, they are temporary.
    """

    def __init__(self, layout: Layout, *, is_kept: bool = True) -> None:
        self._directory = layout.output / DIRECTORY
        self._is_kept = is_kept

    def open(self, name: str) -> ArrayFile | None:
        """Return a file; None if it is missing or unusable."""
        try:
            file = ArrayFile(self._directory / f"{name}{_SUFFIX}")
        except (OSError, ValueError, msgspec.MsgspecError):
            return None
        return file if file.about.get("format") == FORMAT else None

    def write(self, name: str, fill: Callable[[ArrayWriter, Path], dict[str, object]]) -> ArrayFile:
        """Write a file and return it; it is temporary if the dataset is not writable.

        Args:
            name: Name of the file.
            fill: Writes the arrays and returns their metadata. It is passed a directory for temporary files,
                and is called a second time if the dataset turns out not to be writable.

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
        """Remove the unfinished files of processes that died."""
        for path in self._directory.glob(f"*{_UNFINISHED}"):
            with suppress(OSError), path.open("rb") as file:
                if _lock(file.fileno()):
                    path.unlink()


def _lock(descriptor: int) -> bool:
    """Lock a file until it is closed; return whether that succeeded."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:  # another process has it, or this file system has no locks
        return False
    return True
