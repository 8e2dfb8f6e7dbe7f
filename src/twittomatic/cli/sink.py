"""`sink`: run a sink that another distribution installed."""

from __future__ import annotations

import asyncio
import sys

import click

from twittomatic.app.logs import log_to
from twittomatic.app.sinks import consumer, open_installed, rebuild
from twittomatic.app.stop import on_stop
from twittomatic.cli.exitcodes import INTERRUPTED
from twittomatic.cli.observer import warn
from twittomatic.cli.options import EVERYWHERE, settings_options
from twittomatic.cli.runner import run_async
from twittomatic.settings import Settings
from twittomatic.sinks.consumer import Sink


@click.command(short_help="Run a sink that you installed or wrote.", epilog=EVERYWHERE)
@click.argument("name", metavar="NAME")
@click.option(
    "--rebuild", "rebuilding", is_flag=True, help="Feed the sink the whole dataset again, and exit."
)
@settings_options("CRAWL", "OUTPUT_DIRECTORY", "LOG_DIRECTORY", "REDIS_URL", "STATE_DIRECTORY")
def sink(settings: Settings, name: str, rebuilding: bool) -> None:
    """Feed the crawl's events to the sink NAME, which an installed Python package provides.

    It runs until a signal ends it, and then continues where it stopped. `twittomatic status` shows how far
    it is behind. A package provides a sink by an entry point in the group `twittomatic.sinks`.
    """
    opened = open_installed(settings, name)
    log_to(settings.log_directory, f"{settings.crawl}.{name}{'-rebuild' if rebuilding else ''}", warn)
    sys.exit(run_async(_rebuild(settings, opened) if rebuilding else _follow(settings, opened)))


async def _follow(settings: Settings, opened: Sink) -> int:
    leave = asyncio.Event()
    try:
        with on_stop(leave.set):
            await consumer(settings, opened, click.echo).run(leave)
    finally:
        await opened.close()
    return INTERRUPTED


async def _rebuild(settings: Settings, opened: Sink) -> int:
    leave = asyncio.Event()
    try:
        with on_stop(leave.set):
            records = await rebuild(settings, opened, leave, click.echo)
    finally:
        await opened.close()
    if records is None:
        return INTERRUPTED
    click.echo(
        f"{opened.name} has read {records:,} records; it continues with the events that came meanwhile."
    )
    return 0
