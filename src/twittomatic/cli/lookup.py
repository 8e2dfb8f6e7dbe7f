"""`lookup`: serve user ids, names and past names over HTTP."""

from __future__ import annotations

import asyncio
import sys

import click

from twittomatic.app import build
from twittomatic.app.logs import log_to
from twittomatic.app.lookup import rebuild
from twittomatic.app.sinks import consumer
from twittomatic.app.stop import on_stop
from twittomatic.cli.exitcodes import FAILED, FINISHED, INTERRUPTED
from twittomatic.cli.observer import Terminal, warn
from twittomatic.cli.options import EVERYWHERE, settings_options
from twittomatic.cli.runner import run_async
from twittomatic.networks import registry
from twittomatic.settings import Settings
from twittomatic.sinks.lookup.sink import NAME, LookupSink
from twittomatic.sinks.lookup.store import ProfileStore
from twittomatic.web.http import hosts_of
from twittomatic.web.lookup.service import LookupService, serve
from twittomatic.web.token import read_token


@click.command(short_help="Serve user ids, names and past names over HTTP.", epilog=EVERYWHERE)
@click.option(
    "--rebuild", "rebuilding", is_flag=True, help="Rebuild the store from the whole dataset, and exit."
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@settings_options(
    "CRAWL", "OUTPUT_DIRECTORY", "REDIS_URL", "STATE_DIRECTORY", "LOOKUP_DIRECTORY", "LOOKUP_PORT"
)
def lookup(settings: Settings, rebuilding: bool, host: str) -> None:
    """Serve user ids and names over HTTP: the name of a user, and the user of a name, now or on a given day.

    The answers come from the profiles that the crawl downloads, as they arrive. Without a crawl, the service
    waits for one and answers from what it knows. Programs on this machine may add profiles; programs on other
    machines need LOOKUP_TOKEN, from the environment or the configuration file.
    """
    sys.exit(run_async(_rebuild(settings) if rebuilding else _serve(settings, host)))


async def _serve(settings: Settings, host: str) -> int:
    token = read_token("LOOKUP_TOKEN", settings.lookup_token)
    log_to(settings.log_directory, f"{settings.crawl}.{NAME}", warn)
    store = ProfileStore(settings.lookup_directory)  # never closed: a thread may write to the very end
    name_of, leave = registry.network(settings).name_of, asyncio.Event()
    sink = LookupSink(store, build.layout(settings), crawl=settings.crawl, name_of=name_of)
    feeding = consumer(settings, sink, click.echo)
    service = LookupService(
        store, name_of=name_of, sink_report=lambda: feeding.report, hosts=hosts_of(host), token=token
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
    log_to(settings.log_directory, f"{settings.crawl}.{NAME}", warn)
    done = await rebuild(settings, Terminal())
    click.echo(f"Read {done.profiles:,} profiles; the store knows {done.users:,} users.")
    return FAILED if done.unreadable else FINISHED
