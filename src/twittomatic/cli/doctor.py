"""`doctor`: check that everything a crawl needs is in place; buys nothing."""

from __future__ import annotations

import sys

import click

from twittomatic.app.checks import FAILED, OK, WARNING, checks
from twittomatic.cli.options import EVERYWHERE, settings_options
from twittomatic.cli.runner import run_async
from twittomatic.settings import Settings


@click.command(
    short_help="Check that everything a crawl needs is in place; costs nothing.", epilog=EVERYWHERE
)
@settings_options(
    "OUTPUT_DIRECTORY",
    "TEMPORARY_DIRECTORY",
    "REDIS_URL",
    "ALLOW_UNCHECKED_REDIS",
    "X_API_URL",
    "X_BEARER_TOKENS",
    "BUDGET_USD",
)
def doctor(settings: Settings) -> None:
    """Check that everything a crawl needs is in place: Python, state server, disk, API, tokens, clock.

    Nothing is bought. Exit code 1 when a check failed.
    """
    if run_async(_examine(settings)):
        sys.exit(1)


async def _examine(settings: Settings) -> int:
    failed = 0
    colours = {OK: "green", WARNING: "yellow", FAILED: "red"}
    async for result in checks(settings):
        failed += result.verdict == FAILED
        verdict = click.style(f"{result.verdict:<8}", fg=colours[result.verdict])
        click.echo(f"{verdict} {result.what:<8} {result.sentence}")
    return failed
