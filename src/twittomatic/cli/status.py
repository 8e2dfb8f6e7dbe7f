"""Commands that look at a crawl or leave a word: `status`, `pause`, `resume`, `jobs`, `frontier`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import compress

import click
import msgspec

from twittomatic.app import runtime
from twittomatic.app.runner import run_async
from twittomatic.app.status import Report, nothing, whole_report
from twittomatic.cli.display import show
from twittomatic.cli.options import EVERYWHERE, settings_options
from twittomatic.cli.pace import sentences
from twittomatic.cli.writing import is_stdout, written
from twittomatic.crawler.options import account_of
from twittomatic.errors import SettingsError, TwittomaticError
from twittomatic.model import Phase
from twittomatic.settings import Settings
from twittomatic.state.connection import Connection
from twittomatic.state.crawl import CrawlState
from twittomatic.state.embedded.server import Role, state_exists
from twittomatic.state.frontier import frontiers
from twittomatic.state.jobs import Try
from twittomatic.state.keys import CrawlKeys
from twittomatic.state.recovery import Recovery
from twittomatic.storage.formats import member, to_ids
from twittomatic.storage.idset import IdSet

_PACE_S = 2.0  # between two looks; long enough for some pages, short enough to be waited for
_WHERE = ("CRAWL", "REDIS_URL", "STATE_DIRECTORY")


@asynccontextmanager
async def _visiting(settings: Settings) -> AsyncIterator[tuple[Connection, CrawlKeys]]:
    name = runtime.process_name("visitor")
    async with runtime.connected(settings, Role.VISIT, name) as connection:
        modules = await CrawlState(connection, CrawlKeys(settings.crawl)).field("modules")
        yield connection, CrawlKeys(settings.crawl, modules)


@click.command(short_help="Show how the crawl stands.", epilog=EVERYWHERE)
@click.option("--json", "as_json", is_flag=True, help="As one JSON object, money in dollars.")
@settings_options(*_WHERE)
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
        return nothing(settings.crawl, settings.budget_usd), []
    async with _visiting(settings) as (connection, _):
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
@settings_options(*_WHERE)
def pause(settings: Settings, reason: str) -> None:
    """Pause the crawl: workers finish the pages in flight and wait. Nothing is lost."""
    phase = run_async(_set_phase(settings, reason))
    if phase == Phase.PAUSED:
        click.echo(f"Crawl “{settings.crawl}” is paused; `twittomatic resume` lets it go on.")
    else:
        raise TwittomaticError(_nothing_to_do(settings, phase, "pause"))


@click.command(short_help="Let a paused crawl go on.", epilog=EVERYWHERE)
@settings_options(*_WHERE)
def resume(settings: Settings) -> None:
    """Let a paused crawl go on, without a page lost."""
    phase = run_async(_set_phase(settings, None))
    if phase != Phase.RUNNING:
        raise TwittomaticError(_nothing_to_do(settings, phase, "resume"))
    click.echo(
        f"Crawl “{settings.crawl}” goes on. Where its command has ended, the same command goes on with it."
    )


async def _set_phase(settings: Settings, reason: str | None) -> str:
    async with _visiting(settings) as (connection, keys):
        crawl = CrawlState(connection, keys)
        return await (crawl.resume() if reason is None else crawl.pause(reason, by="user"))


def _nothing_to_do(settings: Settings, phase: str, what: str) -> str:
    if not phase:
        return f"There is no crawl “{settings.crawl}” here; start one with `twittomatic crawl`."
    return f"Crawl “{settings.crawl}” is {phase}; there is nothing to {what}."


@click.group(short_help="List dead jobs, or give them another chance.")
def jobs() -> None:
    """Jobs that failed too often: list them, or give them another chance."""


@jobs.command(short_help="List the dead jobs with their reasons.", epilog=EVERYWHERE)
@click.option("--json", "as_json", is_flag=True, help="A JSON object a line, with all tries.")
@settings_options(*_WHERE)
def dead(settings: Settings, as_json: bool) -> None:
    """List the dead jobs, one a line: module:user_id, when, worker, reason; with --json all tries."""
    for name, tries in sorted(run_async(_dead(settings)).items()):
        if as_json:
            click.echo(msgspec.json.encode({"job": name, "tries": tries}).decode())
        else:
            last = tries[-1]
            click.echo(f"{name}\t{last.at}\t{last.worker}\t{last.reason}")


async def _dead(settings: Settings) -> dict[str, list[Try]]:
    async with _visiting(settings) as (connection, keys):
        return await Recovery(connection, keys, lease_s=settings.lease_s).dead()


@jobs.command(short_help="Give dead jobs another chance, where they stopped.", epilog=EVERYWHERE)
@click.argument("names", nargs=-1, metavar="[MODULE:USER_ID]...")
@settings_options(*_WHERE)
def retry(settings: Settings, names: tuple[str, ...]) -> None:
    """Give dead jobs another chance, where they stopped: those named, as `jobs dead` lists them, or all."""
    revived, unknown = run_async(_retry(settings, names))
    click.echo(f"Dead jobs put back: {revived:,}. The command that began the crawl, given again, runs them.")
    if unknown:
        raise SettingsError(f"No such dead job: {', '.join(unknown)}.")


async def _retry(settings: Settings, names: tuple[str, ...]) -> tuple[int, list[str]]:
    async with _visiting(settings) as (connection, keys):
        recovery = Recovery(connection, keys, lease_s=settings.lease_s)
        wanted = names or tuple(await recovery.dead())
        unknown = [name for name in wanted if not await recovery.revive(name)]
        return len(wanted) - len(unknown), unknown


@click.group(short_help="Export what was found and not yet crawled.")
def frontier() -> None:
    """What was found and not yet crawled."""


@frontier.command(short_help="Write its ids to a file, gzip, one a line.", epilog=EVERYWHERE)
@click.argument("file", metavar="FILE")
@settings_options(*_WHERE)
def export(settings: Settings, file: str) -> None:
    """Write the ids of the frontier to FILE, gzip, one a line, nearest depth first; nothing is removed.

    `-` is standard output. A regular file is replaced once the new one is whole; nothing else ever is.

    The file is itself a list of targets: `twittomatic crawl -F FILE` goes on with it, under another --crawl.
    """
    streams = is_stdout(file)
    count = run_async(_export(settings, file))
    click.echo(f"{count} ids in {'standard output' if streams else file}.", err=streams)


async def _export(settings: Settings, file: str) -> int:
    count = 0
    with written(file) as target:
        async with _visiting(settings) as (connection, keys):
            exported = IdSet()
            for frontier in await frontiers(connection, keys.crawl):
                async for ids in frontier.export():
                    lines = [one.encode() for one in compress(ids, exported.add(to_ids(ids)))]
                    target.write(member(lines))
                    count += len(lines)
        if not count:
            target.write(member([]))
    return count
