"""What the tests of the embedded server share: looks at its files, short visits, waits for a condition."""

import asyncio
import os
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from redis.asyncio import Redis

from twittomatic.state.embedded import process
from twittomatic.state.embedded.server import Role, embedded

DEADLINE_S = 30.0


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.005)


async def eventually(condition: Callable[[], object]) -> None:
    await asyncio.to_thread(until, condition)


def line(owner: "subprocess.Popen[str]") -> str:
    assert owner.stdout
    return owner.stdout.readline().strip()


def server_pid(directory: Path) -> int:
    return int((directory / "valkey.pid").read_text())


def server_log(directory: Path) -> str:
    return (directory / "valkey.log").read_text()


def starts(directory: Path) -> int:
    """How often a server became ready."""
    return server_log(directory).count("Ready to accept connections")


def kill_server(directory: Path) -> None:
    os.kill(server_pid(directory), signal.SIGKILL)


@asynccontextmanager
async def client_of(directory: Path, role: Role) -> AsyncIterator[Any]:
    async with embedded(directory, role) as url, Redis.from_url(url, decode_responses=True) as client:
        yield client


async def put(directory: Path, key: str, value: str) -> None:
    async with client_of(directory, Role.OWN) as client:
        await client.set(key, value)


async def get(directory: Path, key: str, role: Role = Role.VISIT) -> str | None:
    async with client_of(directory, role) as client:
        value: str | None = await client.get(key)
        return value


def make_loading_slow(directory: Path) -> None:
    """Append three million commands to the append-only file."""
    file = next((directory / "appendonlydir").glob("*.incr.aof"))
    command = b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n"
    with file.open("ab") as aof:
        aof.write(command * 3_000_000)


def reap(directory: Path) -> None:
    """Kill the server that is left in a directory."""
    if directory.is_dir() and process.is_running(directory):
        os.kill(server_pid(directory), signal.SIGKILL)
        until(lambda: not process.is_running(directory))
