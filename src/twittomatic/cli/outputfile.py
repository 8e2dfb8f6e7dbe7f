"""Output files that the user names: written whole or not at all; only regular files are ever replaced.

-, /dev/stdout      standard output
pipe, device        written in place; a pipe must have a reader
link                followed: its target is written, and the link stays
regular file        replaced atomically with its mode kept, unless it is read-only
"""

from __future__ import annotations

import errno
import os
import secrets
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

import click

from twittomatic.errors import SettingsError, StorageUnavailable
from twittomatic.storage.paths import Layout


def is_stdout(name: str) -> bool:
    """Return whether a name means standard output: `-`, or a path to the same file."""
    if name == "-":
        return True
    try:
        return os.path.samestat(os.stat(name), os.fstat(1))  # noqa: PTH116 - any text, also an empty one
    except (OSError, ValueError):
        return False


@contextmanager
def written(name: str, dataset: Layout | None = None) -> Iterator[BinaryIO]:
    """Open a file for writing; if the block raises, a regular file stays as it was.

    Args:
        name: The name that the user gave.
        dataset: The dataset whose own files must not be replaced.

    Raises:
        SettingsError: it names something that is not a writable file, or a file of the dataset.
        StorageUnavailable: the file cannot be written.
        click.exceptions.Exit: the reader of standard output has gone.
    """
    try:
        if is_stdout(name):
            sys.stdout.flush()
            with os.fdopen(os.dup(1), "wb") as stream:
                yield stream
            return
        path, found = _found(name)
        if not name or (found and not _is_writable_kind(found)) or name.endswith("/"):
            raise SettingsError(f"{name!r}: this is not a file that can be written; name another one.")
        if dataset is not None and dataset.owns(path):
            raise SettingsError(
                f"{name!r}: only crawls write into this directory of the dataset; name another one."
            )
        if found and not stat.S_ISREG(found.st_mode):
            # Opening a pipe without a reader would block, and no signal would end that.
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY), "wb") as stream:
                os.set_blocking(stream.fileno(), True)
                yield stream
            return
        if found and not (found.st_mode & 0o222 and os.access(path, os.W_OK)):
            raise StorageUnavailable(f"{name} is read-only; name another file, or make it writable.")
        with _replaced(path, found) as stream:
            yield stream
    except BrokenPipeError:
        raise click.exceptions.Exit(1) from None
    except OSError as error:
        if error.errno == errno.ENXIO:
            raise StorageUnavailable(
                f"{name!r}: nothing reads this pipe yet; start its reader first."
            ) from None
        raise StorageUnavailable(f"{name!r} cannot be written ({error.strerror}).") from None


def _found(name: str) -> tuple[Path, os.stat_result | None]:
    """Return the path that a name leads to, and its status; None if there is no file yet."""
    try:
        path = Path(os.path.realpath(name))
        return path, path.stat() if os.path.lexists(path) else None
    except ValueError as error:
        raise SettingsError(f"{name!r}: not a path ({error}).") from None


@contextmanager
def _replaced(path: Path, found: os.stat_result | None) -> Iterator[BinaryIO]:
    """Write a temporary file beside the target, and rename it, synced, when the block ends."""
    partial = path.with_name(
        f".{secrets.token_hex(6)}.part"
    )  # short, since the target's own name may be long
    try:
        with partial.open("xb") as stream:
            yield stream
            if found:
                with suppress(PermissionError):  # a file of another owner in a directory of ours
                    os.fchown(stream.fileno(), found.st_uid, found.st_gid)
                os.fchmod(stream.fileno(), stat.S_IMODE(found.st_mode))
            stream.flush()
            os.fsync(stream.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _is_writable_kind(found: os.stat_result) -> bool:
    return stat.S_ISREG(found.st_mode) or stat.S_ISFIFO(found.st_mode) or stat.S_ISCHR(found.st_mode)
