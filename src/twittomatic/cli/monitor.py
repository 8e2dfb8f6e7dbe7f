"""`monitor`: show a crawl in a browser while the command runs."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import click

from twittomatic.app import build, runtime
from twittomatic.app.logs import log_to
from twittomatic.app.stop import on_stop
from twittomatic.background import ended
from twittomatic.cli.exitcodes import INTERRUPTED
from twittomatic.cli.observer import warn
from twittomatic.cli.options import EVERYWHERE, settings_options
from twittomatic.cli.runner import run_async
from twittomatic.networks.registry import account_of
from twittomatic.settings import Settings
from twittomatic.state.embedded.server import Role
from twittomatic.web.monitor.access import Access
from twittomatic.web.monitor.sampler import Sampler
from twittomatic.web.monitor.server import Server
from twittomatic.web.token import read_token

_SHOWN = ("CRAWL", "REDIS_URL", "STATE_DIRECTORY", "OUTPUT_DIRECTORY", "LOG_DIRECTORY")


@click.command(short_help="Show the crawl in a browser, live.", epilog=EVERYWHERE)
@settings_options("MONITOR_PORT", "MONITOR_HOST", "MONITOR_TOKEN", *_SHOWN)
def monitor(settings: Settings) -> None:
    """Show the crawl in a browser, live: progress, money, windows, workers, jobs, log, and what was found.

    The monitor is read-only, unless MONITOR_TOKEN is set: then users with that token can pause, resume and
    retry. Start and stop it at any time; the crawl is not affected.
    """
    sys.exit(run_async(_serve(settings)))


async def _serve(settings: Settings) -> int:
    leave = asyncio.Event()
    with on_stop(leave.set):
        async with monitored(settings) as url:
            click.echo(f" * Running on {url}")
            await leave.wait()
    return INTERRUPTED


@asynccontextmanager
async def monitored(settings: Settings) -> AsyncIterator[str]:
    """Serve a monitor for a block, and yield its URL.

    Raises:
        SettingsError: the port cannot be used, or other machines could reach it and there is no token.
    """
    access = Access(settings.monitor_host, read_token("MONITOR_TOKEN", settings.monitor_token))
    log_to(settings.log_directory, f"{settings.crawl}.monitor", warn)
    name = runtime.process_name("monitor")

    sampler = Sampler(
        crawl=settings.crawl,
        connect=lambda: runtime.connected(settings, Role.VISIT, name),
        account=account_of(settings),
        budget=settings.budget,
        log_directory=settings.log_directory,
    )
    server = Server(sampler, access, build.layout(settings))
    async with server.served(settings.monitor_host, settings.monitor_port) as port:
        looking = asyncio.create_task(sampler.run())
        try:
            host = f"[{settings.monitor_host}]" if ":" in settings.monitor_host else settings.monitor_host
            yield f"http://{host}:{port}/"
        finally:
            await ended(looking)
