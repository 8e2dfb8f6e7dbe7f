"""`status`, `pause` and `resume`."""

from __future__ import annotations

import asyncio
import time

import click
import msgspec

from twittomatic.app import control
from twittomatic.app.runner import run_async
from twittomatic.app.status import Report, nothing, whole_report
from twittomatic.cli.options import EVERYWHERE, STATE_SETTINGS, settings_options
from twittomatic.cli.render.pace import sentences
from twittomatic.cli.render.status import show
from twittomatic.errors import TwittomaticError
from twittomatic.model import Phase
from twittomatic.networks.registry import account_of
from twittomatic.settings import Settings
from twittomatic.state.embedded.server import state_exists

_PACE_S = 2.0  # between two looks; long enough for some pages, short enough to be waited for


@click.command(short_help="Show how the crawl stands.", epilog=EVERYWHERE)
@click.option("--json", "as_json", is_flag=True, help="As one JSON object, money in dollars.")
@settings_options(*STATE_SETTINGS)
def status(settings: Settings, as_json: bool) -> None:
    """Show how the crawl stands: phase, jobs, frontier, money, workers, master, and its pace if it runs."""
    look, pace = run_async(_report(settings, pace=not as_json))
    if as_json:
        click.echo(msgspec.json.encode(look).decode())
    else:
        show(look, pace)


async def _report(settings: Settings, *, pace: bool) -> tuple[Report, list[str]]:
    """Look at the crawl, and with `pace` a second time when it runs."""
    if not settings.redis_url and not state_exists(settings.state_directory):
        return nothing(settings.crawl, settings.budget), []
    async with control.visiting(settings) as (connection, _):
        account = account_of(settings)
        look = await whole_report(connection, settings.crawl, account)
        if not (pace and look["phase"] == Phase.RUNNING and look["master"]["name"]):
            return look, []
        began_at = time.monotonic()
        await asyncio.sleep(_PACE_S)
        later = await whole_report(connection, settings.crawl, account)
        return later, sentences(look, later, time.monotonic() - began_at)


@click.command(short_help="Pause the crawl; nothing is lost.", epilog=EVERYWHERE)
@click.option("--reason", default="paused by hand", show_default=True, help="Shown by status.")
@settings_options(*STATE_SETTINGS)
def pause(settings: Settings, reason: str) -> None:
    """Pause the crawl: workers finish the pages in flight and wait. Nothing is lost."""
    phase = run_async(control.pause(settings, reason))
    if phase == Phase.PAUSED:
        click.echo(f"Crawl “{settings.crawl}” is paused; `twittomatic resume` lets it go on.")
    else:
        raise TwittomaticError(_nothing_to_do(settings, phase, "pause"))


@click.command(short_help="Let a paused crawl go on.", epilog=EVERYWHERE)
@settings_options(*STATE_SETTINGS)
def resume(settings: Settings) -> None:
    """Let a paused crawl go on, without a page lost."""
    phase = run_async(control.resume(settings))
    if phase != Phase.RUNNING:
        raise TwittomaticError(_nothing_to_do(settings, phase, "resume"))
    click.echo(
        f"Crawl “{settings.crawl}” goes on. Where its command has ended, the same command goes on with it."
    )


def _nothing_to_do(settings: Settings, phase: str, what: str) -> str:
    if not phase:
        return f"There is no crawl “{settings.crawl}” here; start one with `twittomatic crawl`."
    return f"Crawl “{settings.crawl}” is {phase}; there is nothing to {what}."
