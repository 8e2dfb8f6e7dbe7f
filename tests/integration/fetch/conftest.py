"""A fetcher of a process, and a world to be fetched."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from support.fetch import FOLLOWERS, FetcherRig
from twittomatic.emulator import GraphWorld
from twittomatic.state.client import client
from twittomatic.state.connection import Connection


@pytest.fixture
async def house(server_url: str) -> AsyncIterator[FetcherRig]:
    async with AsyncExitStack() as stack:
        connection = Connection(client(server_url, "test"))
        stack.push_async_callback(connection.close)
        yield FetcherRig(connection, stack)


@pytest.fixture
def world() -> GraphWorld:
    return GraphWorld([(1, i) for i in range(2, FOLLOWERS + 2)], statuses={7: "protected"}, seed=1)
