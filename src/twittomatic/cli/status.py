"""`status`, `pause` and `resume`."""

from __future__ import annotations

import asyncio
import time

import click
import msgspec

from twittomatic.app import control
from twittomatic.app.status import document, reading
from twittomatic.cli.options import EVERYWHERE, STATE_SETTINGS, settings_options
from twittomatic.cli.render.pace import sentences
from twittomatic.cli.render.status import show
from twittomatic.cli.runner import run_async
from twittomatic.errors import TwittomaticError
from twittomatic.model import Phase
from twittomatic.settings import Settings
from twittomatic.state.status import CrawlStatus

_PACE_S = 2.0  # between two readings; long enough for some pages, short enough to wait for


@click.command(short_help="Show the status of the crawl.", epilog=EVERYWHERE)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object, with money in dollars.")
@settings_options(*STATE_SETTINGS, "OUTPUT_DIRECTORY")
def status(settings: Settings, as_json: bool) -> None:
    """Show the status of the crawl: phase, jobs, frontier, money, workers, master, and pace if it runs."""
    found, pace = run_async(_read(settings, pace=not as_json))
    if as_json:
        click.echo(msgspec.json.encode(document(found)).decode())
    else:
        show(found, pace)


async def _read(settings: Settings, *, pace: bool) -> tuple[CrawlStatus, list[str]]:
    """Read the status of the crawl; with `pace`, read it twice if the crawl runs."""
    async with reading(settings) as read:
        found = await read()
        if not (pace and found.phase is Phase.RUNNING and found.master):
            return found, []
        began_at = time.monotonic()
        await asyncio.sleep(_PACE_S)
        later = await read()
        return later, sentences(found, later, time.monotonic() - began_at)


@click.command(short_help="Pause the crawl; nothing is lost.", epilog=EVERYWHERE)
@click.option("--reason", default="paused by hand", show_default=True, help="Shown by status.")
@settings_options(*STATE_SETTINGS)
def pause(settings: Settings, reason: str) -> None:
    """Pause the crawl: workers finish the pages in flight and wait. Nothing is lost."""
    phase = run_async(control.pause(settings, reason))
    if phase == Phase.PAUSED:
        click.echo(f"Crawl “{settings.crawl}” is paused; `twittomatic resume` resumes it.")
    else:
        raise TwittomaticError(_nothing_to_do(settings, phase, "pause"))


@click.command(short_help="Resume a paused crawl.", epilog=EVERYWHERE)
@settings_options(*STATE_SETTINGS)
def resume(settings: Settings) -> None:
    """Resume a paused crawl; no page is lost."""
    phase = run_async(control.resume(settings))
    if phase != Phase.RUNNING:
        raise TwittomaticError(_nothing_to_do(settings, phase, "resume"))
    click.echo(
        f"Crawl “{settings.crawl}” is resumed. If its command has ended, the same command continues it."
    )


def _nothing_to_do(settings: Settings, phase: str, what: str) -> str:
    if not phase:
        return f"There is no crawl “{settings.crawl}” here; start one with `twittomatic crawl`."
    return f"Crawl “{settings.crawl}” is {phase}; there is nothing to {what}."
