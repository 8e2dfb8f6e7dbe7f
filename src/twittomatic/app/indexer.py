"""Index a crawl's posts in Elasticsearch as they arrive, or all of them again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from twittomatic.app import build
from twittomatic.app.connect import process_name
from twittomatic.app.observer import Observer
from twittomatic.app.sinks import consumer, event_stream
from twittomatic.app.stop import on_stop
from twittomatic.background import ended
from twittomatic.clock import SystemClock
from twittomatic.networks import registry
from twittomatic.settings import Settings
from twittomatic.sinks.consumer import Consumer
from twittomatic.sinks.indexer.bulk import Bulk
from twittomatic.sinks.indexer.client import SearchServer
from twittomatic.sinks.indexer.indices import Indices
from twittomatic.sinks.indexer.rebuild import Rebuild, Rebuilt
from twittomatic.sinks.indexer.rejected import RejectedPosts
from twittomatic.sinks.indexer.sink import NAME, Indexer
from twittomatic.storage.identity import identity

_REPORT_EVERY_S = 5.0


async def follow(settings: Settings, observer: Observer) -> None:
    """Index posts as they are committed, until a stop is requested.

    Args:
        settings: This process's settings.
        observer: Receives the progress.
    """
    leave = asyncio.Event()
    clock = SystemClock()
    rejected = rejected_posts(settings)
    async with SearchServer(settings.elasticsearch_url) as server:
        indices = _indices(settings, server)
        bulk = Bulk(server, indices.serving, rejected, clock)
        network = registry.network(settings, registry.AS_LISTED)
        sink = Indexer(bulk, build.layout(settings), network, rejected, clock, indices=indices)
        feeding = consumer(settings, sink, observer.info)
        with on_stop(leave.set):
            async with _reporting(observer, lambda: _lag(feeding, rejected)):
                await feeding.run(leave)


def _lag(feeding: Consumer, rejected: RejectedPosts) -> str:
    now = feeding.report
    if not now.events and not now.lag:
        return ""
    lag = f"{now.lag:,} events and {now.oldest_s:.1f} s behind" if now.lag else "nothing left to do"
    more = f", {rejected.count:,} rejected" if rejected.count else ""
    return f"{now.records:,} posts indexed{more}; {lag}."


async def rebuild(settings: Settings, observer: Observer) -> Rebuilt:
    """Fill new indices from the dataset, and switch searches to them.

    Args:
        settings: This process's settings.
        observer: Receives the progress.
    """
    rejected = rejected_posts(settings)
    name = process_name("rebuild")
    async with SearchServer(settings.elasticsearch_url) as server, event_stream(settings, name) as stream:
        rebuild = Rebuild(
            server,
            _indices(settings, server),
            build.layout(settings),
            registry.network(settings, registry.AS_LISTED),
            stream,
            name,
            rejected,
            SystemClock(),
            observer.info,
        )
        rebuilding = asyncio.ensure_future(rebuild.run())

        def leave() -> None:
            rebuilding.cancel()

        with on_stop(leave):
            async with _reporting(
                observer, lambda: f"{rebuild.posts:,} posts of {rebuild.timelines:,} timelines."
            ):
                return await rebuilding


def _indices(settings: Settings, server: SearchServer) -> Indices:
    layout = build.layout(settings)
    return Indices(server, settings.elasticsearch_index, lambda: identity(layout))


def rejected_posts(settings: Settings) -> RejectedPosts:
    """Return the dead-letter file of posts that the server rejected."""
    return RejectedPosts(settings.log_directory / f"{settings.crawl}.{NAME}.rejected.jsonl")


@asynccontextmanager
async def _reporting(observer: Observer, sentence: Callable[[], str]) -> AsyncIterator[None]:
    """Within the block, report the progress now and then, if it has changed."""

    async def report() -> None:
        reported = ""
        while True:
            await asyncio.sleep(_REPORT_EVERY_S)
            if reported != (reported := sentence()) and reported:
                observer.info(reported)

    reporting = asyncio.create_task(report())
    try:
        yield
    finally:
        await ended(reporting)
