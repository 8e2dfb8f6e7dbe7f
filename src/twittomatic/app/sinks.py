"""Run sinks beside a crawl that may not exist yet, and rebuild those of other distributions."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from twittomatic.app import build
from twittomatic.app.connect import connected, process_name
from twittomatic.clock import SystemClock
from twittomatic.settings import Settings
from twittomatic.sinks.consumer import Consumer, Sink
from twittomatic.sinks.records import dataset_events
from twittomatic.sinks.registry import SinkContext, open_sink
from twittomatic.state.embedded.server import Role, state_exists
from twittomatic.state.keys import CrawlKeys
from twittomatic.state.stream import EventStream


def consumer(settings: Settings, sink: Sink, report: Callable[[str], None]) -> Consumer:
    """Return a consumer that feeds a sink with the events of a crawl.

    It waits for a crawl that has not begun. If the crawl has ended, it reads the events that are left: it
    connects as a visitor, for which the embedded server is started.

    Args:
        settings: Name the crawl.
        sink: Receives the events.
        report: Receives a sentence when the consumer waits, resumes or meets trouble.
    """
    process = process_name(sink.name)
    return Consumer(
        sink,
        crawl=settings.crawl,
        process=process,
        connect=lambda: connected(settings, Role.VISIT, process),
        say=report,
        clock=SystemClock(),
    )


@asynccontextmanager
async def event_stream(settings: Settings, process: str) -> AsyncIterator[EventStream | None]:
    """Yield the events of the crawl, None if there is no crawl.

    Args:
        settings: Name the crawl.
        process: This process's name.
    """
    if not settings.redis_url and not state_exists(settings.state_directory):
        yield None
        return
    async with connected(settings, Role.VISIT, process) as connection:
        yield EventStream(connection, CrawlKeys(settings.crawl))


def open_installed(settings: Settings, name: str) -> Sink:
    """Open a sink that another distribution installed; see `sinks.registry.open_sink`."""
    return open_sink(name, SinkContext(crawl=settings.crawl, output_directory=settings.output_directory))


async def rebuild(
    settings: Settings, sink: Sink, leave: asyncio.Event, report: Callable[[str], None]
) -> int | None:
    """Feed a sink with the whole dataset, and return the number of records; None if `leave` was set first."""
    feeding = consumer(settings, sink, report)
    has_crawl = bool(settings.redis_url) or state_exists(settings.state_directory)
    events = dataset_events(build.layout(settings))
    done = await feeding.rebuild(events, leave, has_crawl=has_crawl)
    return feeding.report.records if done else None
