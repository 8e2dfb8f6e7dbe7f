"""`lookup`: serve who a user is, and who had a name."""

from __future__ import annotations

import asyncio
import sys

import click

from twittomatic.app import runtime
from twittomatic.app.logs import log_to
from twittomatic.app.sinks import consumer
from twittomatic.app.stop import on_stop
from twittomatic.cli.exitcodes import INTERRUPTED
from twittomatic.cli.observer import warn
from twittomatic.cli.options import EVERYWHERE, settings_options
from twittomatic.cli.runner import run_async
from twittomatic.settings import Settings
from twittomatic.sinks.lookup.sink import NAME, LookupSink, rebuild
from twittomatic.sinks.lookup.store import ProfileStore
from twittomatic.state.embedded.server import Role, state_exists
from twittomatic.state.keys import CrawlKeys
from twittomatic.state.stream import EventStream, Position
from twittomatic.web.http import hosts_of
from twittomatic.web.lookup.service import LookupService, serve
from twittomatic.web.token import read_token

_REPORTED = 100_000  # profiles between two lines


@click.command(short_help="Answer over HTTP who a user is, and who had a name.", epilog=EVERYWHERE)
@click.option(
    "--rebuild", "rebuilding", is_flag=True, help="Rebuild the store from the whole dataset, and end."
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@settings_options(
    "CRAWL", "OUTPUT_DIRECTORY", "REDIS_URL", "STATE_DIRECTORY", "LOOKUP_DIRECTORY", "LOOKUP_PORT"
)
def lookup(settings: Settings, rebuilding: bool, host: str) -> None:
    """Answer over HTTP who a user is, who has a name, and who had it on a given day.

    The answers come from the profiles that the crawl downloads, as they arrive. Without a crawl, the service
    waits for one and answers from what it knows. Programs on this machine may add profiles; programs on other
    machines need LOOKUP_TOKEN, from the environment or the configuration file.
    """
    sys.exit(run_async(_rebuild(settings) if rebuilding else _serve(settings, host)))


async def _serve(settings: Settings, host: str) -> int:
    token = read_token("LOOKUP_TOKEN", settings.lookup_token)
    log_to(settings.log_directory, f"{settings.crawl}.{NAME}", warn)
    store = ProfileStore(settings.lookup_directory)  # never closed: a thread may write to the very end
    name_of, leave = runtime.network(settings).name_of, asyncio.Event()
    sink = LookupSink(store, runtime.layout(settings), crawl=settings.crawl, name_of=name_of)
    feeding = consumer(settings, sink, click.echo)
    service = LookupService(
        store, name_of=name_of, standing=lambda: feeding.standing, hosts=hosts_of(host), token=token
    )
    with on_stop(leave.set):
        running = await serve(service, host=host, port=settings.lookup_port)
        try:
            click.echo(f" * Running on {running.url}")
            if service.is_read_only:
                click.echo(
                    "Other machines can reach it, so it is read-only; set LOOKUP_TOKEN to add profiles."
                )
            await feeding.run(leave)
        finally:
            await running.close()
    return INTERRUPTED


async def _rebuild(settings: Settings) -> int:
    """Read the whole dataset; afterwards the sink continues where the event stream was at the start."""
    log_to(settings.log_directory, f"{settings.crawl}.{NAME}", warn)
    layout, place = runtime.layout(settings), await _place(settings)
    store = ProfileStore(settings.lookup_directory)
    count = said = broken = 0

    def note(sentence: str) -> None:
        nonlocal broken
        broken += 1
        click.echo(sentence, err=True)

    def report(files: int, profiles: int) -> None:
        nonlocal count, said
        count = profiles
        if profiles - said >= _REPORTED:
            said = profiles
            click.echo(f"{files:,} files, {profiles:,} profiles so far ...")

    try:
        with on_stop(lambda: None) as requested:
            await asyncio.to_thread(
                rebuild,
                store,
                layout,
                name_of=runtime.network(settings).name_of,
                note=note,
                report=report,
                is_stopped=requested.is_set,
            )
        store.note_read(settings.crawl)
        users = store.count()
    finally:
        store.close()
    if place is not None:
        async with runtime.connected(settings, Role.VISIT, runtime.process_name(NAME)) as connection:
            await EventStream(connection, CrawlKeys(settings.crawl)).seek(NAME, place)
    click.echo(f"Read {count:,} profiles; the store knows {users:,} users.")
    return 1 if broken else 0


async def _place(settings: Settings) -> Position | None:
    """Return how far the stream is, None where there is no state: the files are all that is needed."""
    if not settings.redis_url and not state_exists(settings.state_directory):
        return None
    async with runtime.connected(settings, Role.VISIT, runtime.process_name(NAME)) as connection:
        return await EventStream(connection, CrawlKeys(settings.crawl)).end()
