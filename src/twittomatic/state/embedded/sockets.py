"""The socket path of the embedded server: beside its files, or in a private directory if that is unusable.

A path can be too long for a socket. Or it is not UTF-8, as REDIS_URL and Redis clients need it to be.
"""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
from contextlib import suppress
from pathlib import Path

from twittomatic.errors import StateUnavailable
from twittomatic.filelock import unusable

_NAME = "valkey.sock"
_LONGEST = 100  # bytes; sun_path holds 108 on Linux and 104 on macOS, its zero byte included


def place_socket(directory: Path) -> Path:
    """Choose the path of the socket, and make sure that no other user can put one in its place.

    Args:
        directory: The state directory, resolved.

    Raises:
        StateUnavailable: no path is usable, or another user owns the private directory.
    """
    socket = directory / _NAME
    if _fits(socket):
        return socket
    private = _private_directory(directory)
    if not _fits(private / _NAME):
        raise StateUnavailable(
            f"{directory}: its path is too long or not UTF-8 for a socket, and so is that of the temporary "
            "directory; name a shorter STATE_DIRECTORY, or set TMPDIR."
        )
    try:
        private.mkdir(mode=0o700, exist_ok=True)
        found = private.lstat()
    except OSError as error:
        raise unusable(private, error, setting="STATE_DIRECTORY") from error
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise StateUnavailable(
            f"{private}: somebody else could reach the state server there; "
            "remove it or name a STATE_DIRECTORY with a shorter path in UTF-8."
        )
    return private / _NAME


def remove_socket_place(directory: Path) -> None:
    """Delete the private directory of a socket, if it needed one; its server is gone."""
    with suppress(OSError):  # most never had one; and an empty directory left behind harms nobody
        _private_directory(directory).rmdir()


def _private_directory(directory: Path) -> Path:
    digest = hashlib.sha256(os.fsencode(directory)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"twittomatic-{os.getuid()}-{digest}"


def _fits(socket: Path) -> bool:
    path = os.fsencode(socket)
    try:
        path.decode()
    except UnicodeDecodeError:
        return False
    return len(path) <= _LONGEST
