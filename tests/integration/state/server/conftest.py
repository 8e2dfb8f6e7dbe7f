"""A state directory for each test, and owners in separate processes."""

import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from embedding import reap

# An owner in a separate process: it enters, says so, and counts for as long as it is asked to.
OWNER = """
import asyncio, signal, sys
from pathlib import Path
from redis.asyncio import Redis
from twittomatic.errors import StateError
from twittomatic.filelock import FileLock
from twittomatic.state.embedded.server import Role, embedded

async def main(directory, count):
    async with embedded(Path(directory), Role.OWN) as url, Redis.from_url(url) as client:
        print("in", flush=True)
        while count:
            async with client.pipeline(transaction=False) as pipeline:
                for _ in range(8):
                    pipeline.incr("counter")
                print((await pipeline.execute())[-1], flush=True)
        await asyncio.Event().wait()

signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where the tests run in the background
try:
    asyncio.run(main(sys.argv[1], sys.argv[2] == "count"))
except StateError as error:
    print(type(error).__name__, flush=True)
"""


@pytest.fixture
def state() -> Iterator[Path]:
    """A state directory that is not there yet; whatever server is left in it in the end is killed."""
    with tempfile.TemporaryDirectory(prefix="tw") as parent:  # tmp_path can be too long for a socket
        directory = Path(parent) / "state"
        yield directory
        reap(directory)


@pytest.fixture
def start_owner(state: Path) -> Iterator[Callable[..., "subprocess.Popen[str]"]]:
    """Start an owner process: `start_owner()` or `start_owner("count")`; it is killed in the end."""
    owners = []

    def start(task: str = "wait") -> "subprocess.Popen[str]":
        owner = subprocess.Popen(
            [sys.executable, "-c", OWNER, state, task],
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        owners.append(owner)
        return owner

    yield start
    for owner in owners:
        owner.kill()
        with owner:
            pass  # closes its pipe and waits for it
