"""A sink whose crawl's server fails over: it continues with the new master and misses nothing."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from consuming import Crawl, Recorder, Running, until
from replicated import Replicated

from twittomatic.state.client import client
from twittomatic.state.connection import Connection
from twittomatic.storage.paths import Layout


async def test_a_master_that_dies_takes_no_event_with_it(
    replicas: Replicated, serve: Callable[..., Running], tmp_path: Path
) -> None:
    connection = Connection(client(replicas.url, "crawl"), patience_s=60)
    crawl = Crawl(replicas.url, connection, Layout(tmp_path / "other", tmp_path / "other/.tmp"))

    @asynccontextmanager
    async def connect() -> AsyncIterator[Connection]:
        async with crawl.connect() as connected:
            connected.patience_s = 60
            yield connected

    sink = Recorder()
    running = serve(sink, connect=connect, name=crawl.name)
    await crawl.commit("11.fws", [b"1"])
    await until(lambda: sink.handed)
    await asyncio.to_thread(replicas.fail_over)
    for number in range(2, 9):
        await crawl.commit(f"1{number}.fws", [b"1"])

    await until(lambda: len(set(sink.files)) == 8)
    await running.end()

    assert sorted(set(sink.files)) == [f"1{number}/1{number}.fws" for number in range(1, 9)]
    assert (await crawl.stream.lags())["recorder"].events == 0
    await connection.close()
