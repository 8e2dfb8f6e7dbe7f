"""`monitor`: show a crawl in a browser while the command runs."""

from __future__ import annotations

import sys

import click

from twittomatic.cli.exitcodes import INTERRUPTED
from twittomatic.cli.observer import Terminal
from twittomatic.cli.options import EVERYWHERE, settings_options
from twittomatic.cli.runner import run_async
from twittomatic.settings import Settings
from twittomatic.web.monitor.serving import serve

_SHOWN = ("CRAWL", "REDIS_URL", "STATE_DIRECTORY", "OUTPUT_DIRECTORY", "LOG_DIRECTORY")


@click.command(short_help="Show the crawl in a browser, live.", epilog=EVERYWHERE)
@settings_options("MONITOR_PORT", "MONITOR_HOST", "MONITOR_TOKEN", *_SHOWN)
def monitor(settings: Settings) -> None:
    """Show the crawl in a browser, live: progress, money, windows, workers, jobs, log, and what was found.

    The monitor is read-only, unless MONITOR_TOKEN is set: then users with that token can pause, resume and
    retry. Start and stop it at any time; the crawl is not affected.
    """
    run_async(serve(settings, Terminal()))
    sys.exit(INTERRUPTED)
