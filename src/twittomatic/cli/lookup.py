"""`lookup`: serve user ids, names and past names over HTTP."""

from __future__ import annotations

import sys

import click

from twittomatic.app.logs import log_to
from twittomatic.app.lookup import rebuild
from twittomatic.cli.exitcodes import FAILED, FINISHED, INTERRUPTED
from twittomatic.cli.observer import Terminal, warn
from twittomatic.cli.options import EVERYWHERE, settings_options
from twittomatic.cli.runner import run_async
from twittomatic.settings import Settings
from twittomatic.sinks.lookup.sink import NAME
from twittomatic.web.lookup.serving import serve_crawl


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
    if rebuilding:
        sys.exit(run_async(_rebuild(settings)))
    run_async(serve_crawl(settings, Terminal(), host=host))
    sys.exit(INTERRUPTED)


async def _rebuild(settings: Settings) -> int:
    log_to(settings.log_directory, f"{settings.crawl}.{NAME}", warn)
    done = await rebuild(settings, Terminal())
    click.echo(f"Read {done.profiles:,} profiles; the store knows {done.users:,} users.")
    return FAILED if done.unreadable else FINISHED
