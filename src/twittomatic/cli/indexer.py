"""`indexer`: index a crawl's posts in Elasticsearch as they arrive, or all of them again."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import click

from twittomatic.app import runtime
from twittomatic.app.logs import log_to
from twittomatic.app.sinks import consumer
from twittomatic.app.stop import on_stop
from twittomatic.background import ended
from twittomatic.cli.exitcodes import INTERRUPTED
from twittomatic.cli.observer import warn
from twittomatic.cli.options import EVERYWHERE, settings_options
from twittomatic.cli.runner import run_async
from twittomatic.clock import SystemClock
from twittomatic.networks import registry
from twittomatic.settings import Settings
from twittomatic.sinks.consumer import Consumer
from twittomatic.sinks.indexer.bulk import Bulk
from twittomatic.sinks.indexer.client import SearchServer
from twittomatic.sinks.indexer.indices import Indices
from twittomatic.sinks.indexer.rebuild import Rebuild
from twittomatic.sinks.indexer.rejected import RejectedPosts
from twittomatic.sinks.indexer.sink import NAME, Indexer
from twittomatic.state.embedded.server import Role, state_exists
from twittomatic.state.keys import CrawlKeys
from twittomatic.state.stream import EventStream
from twittomatic.storage.identity import identity

_REPORT_EVERY_S = 5.0


@click.command(short_help="Make a crawl's posts searchable in Elasticsearch.", epilog=EVERYWHERE)
@click.option(
    "--rebuild", is_flag=True, help="Fill new indices from the dataset, switch searches to them, and end."
)
@settings_options(
    "CRAWL", "ELASTICSEARCH_URL", "ELASTICSEARCH_INDEX", "OUTPUT_DIRECTORY", "LOG_DIRECTORY", "REDIS_URL",
    "STATE_DIRECTORY",
)  # fmt: skip
def indexer(settings: Settings, rebuild: bool) -> None:
    """Make a crawl's posts searchable in Elasticsearch or OpenSearch, seconds after they were committed.

    It runs beside the crawl until a signal stops it, and catches up on what came while it was not running.
    Searches go to the alias that ELASTICSEARCH_INDEX names. Posts that the server rejects for good are kept,
    with its reasons, in LOG_DIRECTORY.
    """
    sys.exit(run_async(_rebuild(settings) if rebuild else _follow(settings)))


async def _follow(settings: Settings) -> int:
    log_to(settings.log_directory, f"{settings.crawl}.{NAME}", warn)
    leave = asyncio.Event()
    clock = SystemClock()
    rejected = _rejected(settings)
    async with SearchServer(settings.elasticsearch_url) as server:
        indices = _indices(settings, server)
        bulk = Bulk(server, indices.serving, rejected, clock)
        network = registry.network(settings, registry.AS_LISTED)
        sink = Indexer(bulk, runtime.layout(settings), network, rejected, clock, indices=indices)
        feeding = consumer(settings, sink, click.echo)
        with on_stop(leave.set):
            async with _reporting(lambda: _lag(feeding, rejected)):
                await feeding.run(leave)
    return INTERRUPTED


def _lag(feeding: Consumer, rejected: RejectedPosts) -> str:
    now = feeding.standing
    if not now.events and not now.lag:
        return ""
    lag = f"{now.lag:,} events and {now.oldest_s:.1f} s behind" if now.lag else "nothing left to do"
    more = f", {rejected.count:,} rejected" if rejected.count else ""
    return f"{now.records:,} posts indexed{more}; {lag}."


async def _rebuild(settings: Settings) -> int:
    log_to(settings.log_directory, f"{settings.crawl}.{NAME}-rebuild", warn)
    rejected = _rejected(settings)
    name = runtime.process_name("rebuild")
    async with SearchServer(settings.elasticsearch_url) as server, _stream(settings, name) as stream:
        rebuild = Rebuild(
            server,
            _indices(settings, server),
            runtime.layout(settings),
            registry.network(settings, registry.AS_LISTED),
            stream,
            name,
            rejected,
            SystemClock(),
            click.echo,
        )
        rebuilding = asyncio.ensure_future(rebuild.run())

        def leave() -> None:
            rebuilding.cancel()

        with on_stop(leave):
            async with _reporting(lambda: f"{rebuild.posts:,} posts of {rebuild.timelines:,} timelines."):
                done = await rebuilding
    click.echo(
        f"“{settings.elasticsearch_index}” has {done.posts:,} posts of {done.timelines:,} timelines now; "
        f"{done.deleted:,} old indices are deleted."
    )
    if done.left:
        click.echo(
            f"{done.left:,} indices “{settings.elasticsearch_index}-…” are not known to be this dataset's; "
            "they were left as they are."
        )
    if done.rejected:
        click.echo(f"{done.rejected:,} posts were rejected; they are in {rejected.path}.")
    return 0


def _indices(settings: Settings, server: SearchServer) -> Indices:
    layout = runtime.layout(settings)
    return Indices(server, settings.elasticsearch_index, lambda: identity(layout))


def _rejected(settings: Settings) -> RejectedPosts:
    return RejectedPosts(settings.log_directory / f"{settings.crawl}.{NAME}.refused.jsonl")


@asynccontextmanager
async def _reporting(sentence: Callable[[], str]) -> AsyncIterator[None]:
    """Within the block, print a sentence on the progress now and then, if it has changed."""

    async def report() -> None:
        printed = ""
        while True:
            await asyncio.sleep(_REPORT_EVERY_S)
            if printed != (printed := sentence()) and printed:
                click.echo(printed)

    reporting = asyncio.create_task(report())
    try:
        yield
    finally:
        await ended(reporting)


@asynccontextmanager
async def _stream(settings: Settings, name: str) -> AsyncIterator[EventStream | None]:
    """Yield the events of the crawl, None if there is no crawl."""
    if not settings.redis_url and not state_exists(settings.state_directory):
        yield None
        return
    async with runtime.connected(settings, Role.VISIT, name) as connection:
        yield EventStream(connection, CrawlKeys(settings.crawl))
