"""A sink's session: its log, its signals, its connection to a crawl that may not be there yet."""

from __future__ import annotations

import asyncio

import click

from twittomatic.cli import compose
from twittomatic.cli.app import INTERRUPTED
from twittomatic.cli.running import log_to, on_signals
from twittomatic.clock import SystemClock
from twittomatic.settings import Settings
from twittomatic.state.server import Role
from twittomatic.streaming.consumer import Consumer, Sink


async def feed(settings: Settings, sink: Sink) -> int:
    """Feed a sink with the events of a crawl until a signal comes; return the exit code.

    It waits, saying so, where no crawl was started yet. Where one has ended, it reads what that left: it
    comes as a visitor, for whom the embedded server is started.

    Args:
        settings: Of this process.
        sink: Who handles the events.

    Raises:
        TwittomaticError: what the sink raises, other than that it must wait.
    """
    log_to(settings.log_directory, f"{settings.crawl}.{sink.name}")
    leave = asyncio.Event()
    with on_signals(leave.set):
        await consumer(settings, sink).run(leave)
    return INTERRUPTED


def consumer(settings: Settings, sink: Sink) -> Consumer:
    """Return what feeds a sink with the events of the crawl that the settings name."""
    process = compose.process_name(sink.name)
    return Consumer(
        sink,
        crawl=settings.crawl,
        process=process,
        connect=lambda: compose.connected(settings, Role.VISIT, process),
        say=click.echo,
        clock=SystemClock(),
    )
