"""One state server for all tests of a process that need no more than one."""

import asyncio
import tempfile
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from twittomatic.state.embedded.server import Role, embedded


@pytest.fixture(scope="session")
def server_url() -> Iterator[str]:
    with (
        tempfile.TemporaryDirectory(prefix="tw") as directory,  # tmp_path can be too long for a socket
        asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner,
    ):
        inside = AsyncExitStack()
        yield runner.run(inside.enter_async_context(embedded(Path(directory), Role.OWN)))
        runner.run(inside.aclose())
