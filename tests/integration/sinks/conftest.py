"""A crawl's stream and files, made by hand: one server for all, a crawl and a dataset for each test."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest
from consuming import Crawl, Running

from twittomatic.clock import SystemClock
from twittomatic.sinks.consumer import Consumer, Sink
from twittomatic.state.client import client
from twittomatic.state.connection import Connection
from twittomatic.storage.paths import Layout

_numbers = itertools.count()


@pytest.fixture
async def crawl(server_url: str, tmp_path: Path) -> AsyncIterator[Crawl]:
    connection = Connection(client(server_url, "crawl"))
    yield Crawl(server_url, connection, Layout(tmp_path / "data", tmp_path / "data" / ".tmp"))
    await connection.close()


@pytest.fixture
def consumer(crawl: Crawl) -> Callable[[Sink], Consumer]:
    """Make a consumer that is not started."""
    return lambda sink: Consumer(
        sink,
        crawl=crawl.name,
        process=f"{sink.name}@test-{next(_numbers)}",
        connect=crawl.connect,
        say=lambda sentence: None,
        clock=SystemClock(),
    )


@pytest.fixture
async def serve(crawl: Crawl) -> AsyncIterator[Callable[..., Running]]:
    """Let a sink consume: `running = serve(sink)`; another `connect` may stand in for the crawl's."""
    started: list[Running] = []

    def start(
        sink: Sink,
        *,
        connect: Callable[[], AbstractAsyncContextManager[Connection]] = crawl.connect,
        process: str | None = None,
        name: str = crawl.name,
    ) -> Running:
        said: list[str] = []
        consumer = Consumer(
            sink,
            crawl=name,
            process=process or f"{sink.name}@test-{next(_numbers)}",
            connect=connect,
            say=said.append,
            clock=SystemClock(),
        )
        leave = asyncio.Event()
        running = Running(consumer, leave, asyncio.create_task(consumer.run(leave)), said)
        started.append(running)
        return running

    yield start
    for running in started:
        running.task.cancel()
        await asyncio.gather(running.task, return_exceptions=True)
