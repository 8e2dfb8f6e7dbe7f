"""One server for all these tests, and a separate crawl for each."""

import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest

from support.state import LedCrawl
from twittomatic.state.account import Account
from twittomatic.state.client import client
from twittomatic.state.connection import Connection
from twittomatic.state.keys import NetworkKeys

_numbers = itertools.count()


@pytest.fixture
async def connect(server_url: str) -> AsyncIterator[Callable[..., Connection]]:
    """Open a connection under a name: `connect("worker-1")`."""
    async with AsyncExitStack() as stack:

        def connect(name: str = "test", **options: Any) -> Connection:
            connection = Connection(client(server_url, name), **options)
            stack.push_async_callback(connection.close)
            return connection

        yield connect


@pytest.fixture
def name() -> str:
    """The name of this test's connection in the server's list of clients."""
    return f"test-{next(_numbers)}"


@pytest.fixture
def connection(connect: Callable[..., Connection], name: str) -> Connection:
    return connect(name)


@pytest.fixture
async def reach() -> AsyncIterator[Callable[..., Connection]]:
    """Open a connection to a URL."""
    async with AsyncExitStack() as stack:

        def reach(url: str, **options: Any) -> Connection:
            connection = Connection(client(url, "test"), **options)
            stack.push_async_callback(connection.close)
            return connection

        yield reach


@pytest.fixture
def led_on() -> Callable[[Connection], LedCrawl]:
    """Make a crawl on another server: `led_on(connection)`; it is not begun."""
    return LedCrawl


@pytest.fixture
async def led(connection: Connection, name: str) -> LedCrawl:
    led = LedCrawl(connection, name)
    await led.begin()
    return led


@pytest.fixture
def keys() -> NetworkKeys:
    """An account of this test alone."""
    return NetworkKeys(f"money-{next(_numbers)}")


@pytest.fixture
def account(connection: Connection, keys: NetworkKeys) -> Callable[..., Account]:
    """A process' view of that account: `account(budget)`."""

    def make(budget: int | None = None, *, horizon_s: float = 60) -> Account:
        return Account(connection, keys, budget=budget, horizon_s=horizon_s)

    return make
