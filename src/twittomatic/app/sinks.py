"""A sink's way to the events of a crawl that may not be there yet."""

from __future__ import annotations

import click

from twittomatic.app import runtime
from twittomatic.clock import SystemClock
from twittomatic.settings import Settings
from twittomatic.sinks.consumer import Consumer, Sink
from twittomatic.state.embedded.server import Role


def consumer(settings: Settings, sink: Sink) -> Consumer:
    """Return what feeds a sink with the events of the crawl that the settings name.

    It waits, saying so, where no crawl was started yet. Where one has ended, it reads what that left: it
    comes as a visitor, for whom the embedded server is started.
    """
    process = runtime.process_name(sink.name)
    return Consumer(
        sink,
        crawl=settings.crawl,
        process=process,
        connect=lambda: runtime.connected(settings, Role.VISIT, process),
        say=click.echo,
        clock=SystemClock(),
    )
