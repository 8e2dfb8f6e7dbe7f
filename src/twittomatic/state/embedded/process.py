"""The server process, identified by a lock that it holds itself.

Life: `launch` hands a new server the lock on `server.lock`, which also says where it listens. It is held
exactly as long as the process lives, so `is_running` needs no pid, and no two servers ever write the same
append-only file. `wait_until_ready` lets it load its state; `shut_down` returns when the lock is free again.
"""

from __future__ import annotations

import asyncio
import logging
import os
import re
import socket
import time
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

from twittomatic.errors import StateUnavailable
from twittomatic.filelock import FileLock, unusable
from twittomatic.state.embedded.sockets import remove_socket_place

LIFE_LOCK = "server.lock"
LOG = "valkey.log"
PID = "valkey.pid"  # for people

_GLANCE_S = 0.01
_ANSWER_S = 5.0  # for one command; the fork of a large server stops it for a second
_SILENCE_S = 30.0  # not even "loading": it hangs, or its socket was deleted
_REMEDIES = {
    "AOF write error": "free some space on its volume",
    "Bad file format": "put back a copy of the directory",
}
_logger = logging.getLogger(__name__)


def state_exists(directory: Path) -> bool:
    """Return whether a crawl ever kept its state here.

    Raises:
        StateUnavailable: the directory cannot be read.
    """
    try:
        return (directory / "appendonlydir" / "appendonly.aof.manifest").exists()
    except OSError as error:
        raise unusable(directory, error, setting="STATE_DIRECTORY") from None


def is_running(directory: Path) -> bool:
    """Return whether a server process runs here: ready, loading or orphaned.

    Raises:
        StateUnavailable: the directory cannot be used.
    """
    with FileLock(directory / LIFE_LOCK, setting="STATE_DIRECTORY") as lock:
        return not lock.try_acquire(shared=True)  # shared, so that two checks do not see each other


async def wait_until_ready(directory: Path) -> str:
    """Return the URL of a running server as soon as it is ready, however long it takes to load.

    Raises:
        StateUnavailable: it exited, with the last line of its log, or it does not answer at all.
    """
    deadline = time.monotonic() + _SILENCE_S
    while True:
        running = is_running(directory)
        try:
            if await _ask(directory, b"PING") == b"+PONG\r\n":
                return f"unix://{quote(_address(directory))}"
            deadline = time.monotonic() + _SILENCE_S  # it answers, if only that it is loading
        except OSError:
            if not running:
                raise failure(directory) from None
            if time.monotonic() > deadline:
                raise StateUnavailable(
                    f"{directory}: its state server lives and does not answer; "
                    f"end the process that {directory / PID} names and start again."
                ) from None
        await asyncio.sleep(_GLANCE_S)


async def shut_down(directory: Path) -> None:
    """Shut the server down with its append-only file synced; returns when the process has exited."""
    deadline = time.monotonic() + _SILENCE_S
    while is_running(directory):
        with suppress(OSError):  # asked again: launched a moment ago, it does not listen yet
            await _ask(directory, b"SHUTDOWN")
        if time.monotonic() > deadline:
            _logger.warning("%s: the state server does not end; the next crawl will use it.", directory)
            return
        await asyncio.sleep(_GLANCE_S)
    remove_socket_place(directory)


def failure(directory: Path) -> StateUnavailable:
    """Return an error that says why the server exited, by the last line of its log, and what to do."""
    words = last_words(directory)
    remedy = next((remedy for sign, remedy in _REMEDIES.items() if sign in words), "remove the cause")
    return StateUnavailable(
        f"{directory}: the state server ended ({words}); {remedy} and start again, "
        f"or name another STATE_DIRECTORY to start afresh; {directory / LOG} has the details."
    )


def last_words(directory: Path) -> str:
    """Return the last line of the server's log, without its pid, date and level."""
    try:
        with (directory / LOG).open("rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - 4096))
            lines = file.read().decode(errors="replace").split("\n")
    except OSError:
        lines = []
    line = next((line for line in reversed(lines) if line.strip()), "it left no message")
    return re.sub(r"^\d+:\w \d+ \w+ \d+ [\d:.]+ \S ", "", line).strip().rstrip(".")


def _address(directory: Path) -> bytes:
    return (directory / LIFE_LOCK).read_bytes()


async def _ask(directory: Path, command: bytes) -> bytes:
    """Send one command to the server, and return the line that it answers.

    By hand, because a cancellation must end this at once and leave nothing open: redis-py leaves a socket,
    and in Python 3.11 loses some cancellations in `asyncio.wait_for` (python/cpython issue 86296).

    Raises:
        OSError: the server does not listen, closed the connection, or did not answer in time.
    """
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_UNIX) as wire:
        wire.setblocking(False)
        async with asyncio.timeout(_ANSWER_S):
            await loop.sock_connect(wire, os.fsdecode(_address(directory)))
            await loop.sock_sendall(wire, command + b"\r\n")
            answer = await loop.sock_recv(wire, 4096)
    if not answer:
        raise ConnectionResetError("the state server closed the connection")
    return answer
