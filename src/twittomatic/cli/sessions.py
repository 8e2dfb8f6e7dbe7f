"""What the commands do that work on a crawl, from opening the state to the last line."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

import click

from twittomatic.cli import compose
from twittomatic.cli.app import INTERRUPTED, PAUSED
from twittomatic.cli.compose import Parts
from twittomatic.cli.display import show, watch
from twittomatic.cli.report import report
from twittomatic.cli.running import log_to, on_signals
from twittomatic.clock import SystemClock, rfc3339, utc
from twittomatic.crawler import targets
from twittomatic.crawler.local import run_together
from twittomatic.crawler.master import Master
from twittomatic.crawler.options import CrawlOptions
from twittomatic.errors import SettingsError, StateBusy, TwittomaticError
from twittomatic.fetch.credentials import Credentials
from twittomatic.model import Phase
from twittomatic.modules.selection import Selection
from twittomatic.settings import Settings
from twittomatic.state.crawl import CrawlState, Progress
from twittomatic.state.keys import CrawlKeys
from twittomatic.state.leadership import Leadership
from twittomatic.state.server import Role
from twittomatic.storage.journal import Journal
from twittomatic.storage.paths import Layout
from twittomatic.storage.sweeping import sweep

_GLANCE_S = 0.5  # of a standby, and of a worker that waits for a master


async def crawl(settings: Settings, modules: str, given: Sequence[str]) -> int:
    """Crawl here, all in one; return the exit code."""
    credentials = compose.check_spending(settings)
    wanted = targets.read(given)
    options = CrawlOptions.of(modules, settings)
    selection = Selection(options.select, options.priority, compose.network(settings).lifted)
    layout = compose.layout(settings)
    await asyncio.to_thread(layout.prepare)
    seeds = wanted.ids if given else await asyncio.to_thread(_timelines, layout)
    log_to(settings.log_directory, f"{settings.crawl}.local")
    name = compose.process_name("local")
    async with (
        compose.connected(settings, Role.OWN, name) as connection,
        compose.parts(settings, options, connection, credentials, name) as parts,
    ):
        leadership = parts.leadership()
        if not await _leads_soon(leadership, settings.lease_s):
            raise StateBusy(f"{leadership.other} already leads crawl “{settings.crawl}”; add a worker to it.")
        try:
            master = parts.master(leadership)
            await parts.money.accept([credential.name for credential in credentials])
            await parts.fetcher.check()
            ids = await _resolve(parts, replace(wanted, ids=seeds))
            await _begin(parts)
            await _seed(master, ids)
            journal = await asyncio.to_thread(Journal, layout.journal(f"{settings.crawl}.local"))
            worker = parts.worker(journal, selection)
            running = asyncio.ensure_future(run_together(master, worker))
            with on_signals(worker.leave) as told:
                watching = asyncio.create_task(watch(lambda: report(connection, parts.keys), running))
                try:
                    progress = await running
                finally:
                    await _end(watching)
            journal.close()
            return await _result(parts, progress, told)
        finally:
            with suppress(TwittomaticError):
                await leadership.resign()


async def lead(settings: Settings, modules: str, given: Sequence[str], *, standby: bool) -> int:
    """Lead a crawl whose workers run elsewhere; return the exit code."""
    wanted = targets.read(given)
    credentials = (
        compose.check_spending(settings) if wanted.names else Credentials.load(settings.x_bearer_tokens)
    )
    options = CrawlOptions.of(modules, settings)
    Selection(options.select, options.priority, compose.network(settings).lifted)  # workers evaluate it
    layout = compose.layout(settings)
    await asyncio.to_thread(layout.prepare)
    log_to(settings.log_directory, f"{settings.crawl}.master{'-standby' if standby else ''}")
    name = compose.process_name("master")
    role = Role.JOIN if standby else Role.OWN
    async with (
        compose.connected(settings, role, name) as connection,
        compose.parts(settings, options, connection, credentials, name) as parts,
    ):
        leadership = parts.leadership()
        try:
            if standby:
                if not await _lead_when_free(leadership):
                    return INTERRUPTED
            elif not await _leads_soon(leadership, settings.lease_s):
                raise StateBusy(
                    f"{leadership.other} already leads crawl “{settings.crawl}”; --standby waits for its end."
                )
            click.echo(f"{name} leads crawl “{settings.crawl}” (epoch {leadership.epoch}).")
            master = parts.master(leadership)
            if not given and modules == "U":
                wanted = replace(wanted, ids=await asyncio.to_thread(_timelines, layout))
            ids = await _resolve(parts, wanted) if wanted.ids or wanted.names else []
            if not (standby and await parts.crawl.field("phase") == Phase.PAUSED):
                await _begin(parts)
            await _seed(master, ids)
            running = asyncio.ensure_future(master.run())
            with on_signals(master.leave) as told:
                watching = asyncio.create_task(watch(lambda: report(connection, parts.keys), running))
                try:
                    progress = await running
                finally:
                    await _end(watching)
            return await _result(parts, progress, told)
        finally:
            with suppress(TwittomaticError):
                await leadership.resign()


async def work(settings: Settings, name: str) -> int:
    """Work for the master of a crawl; return the exit code."""
    credentials = compose.check_spending(settings)
    layout = compose.layout(settings)
    await asyncio.to_thread(layout.prepare)
    log_to(settings.log_directory, f"{settings.crawl}.{name}")
    process = compose.process_name(name)
    async with compose.connected(settings, Role.JOIN, process) as connection:
        state = CrawlState(connection, CrawlKeys(settings.crawl))
        options = await _options_of_master(state)
        if options is None:
            return INTERRUPTED
        async with compose.parts(settings, options, connection, credentials, process) as parts:
            selection = Selection(options.select, options.priority, parts.network.lifted)
            await parts.fetcher.check()
            journal = await asyncio.to_thread(Journal, layout.journal(f"{settings.crawl}.{name}"))
            worker = parts.worker(journal, selection)
            click.echo(f"{process} works for crawl “{settings.crawl}”.")
            with on_signals(worker.leave) as told:
                await worker.run()
            journal.close()
            return _worker_result(settings, worker.standing.phase, await state.progress(), told)


async def _begin(parts: Parts) -> None:
    """Open the crawl, or find it where it stands, and say which."""
    options, name = parts.options, parts.settings.crawl
    what = await parts.crawl.begin(options.modules, options.written(), _now())
    if what == "resumed":
        click.echo(f"Crawl “{name}” goes on where it stopped.")
    if what == "again" and options.modules == "U":
        await parts.frontier.forget()  # a timeline can be updated as often as one likes


async def _resolve(parts: Parts, wanted: targets.Targets) -> list[str]:
    """Return the ids of all targets; unknown names are reported."""
    ids = await targets.resolve(
        wanted,
        known=parts.crawl.names,
        remember=parts.crawl.remember_names,
        fetcher=parts.fetcher,
        network=parts.network,
        report=lambda sentence: click.echo(sentence, err=True),
    )
    if not ids:
        raise SettingsError("None of the targets can be crawled; nothing was started.")
    return ids


async def _seed(master: Master, ids: Sequence[str]) -> None:
    if not await master.seed(ids) and ids:
        click.echo("All targets were given before; what is left of them goes on.")


async def _result(parts: Parts, progress: Progress, told: asyncio.Event) -> int:
    """Say how it ended, and return the exit code."""
    settings = parts.settings
    show(await report(parts.connection, parts.keys))
    if progress.phase is Phase.FINISHED:
        await asyncio.to_thread(sweep, parts.layout, settings.crawl, await parts.recovery.parts_of_dead())
        deaths = await parts.recovery.dead()
        if deaths:
            click.echo(f"{len(deaths)} jobs are dead; `twittomatic jobs dead` says why.", err=True)
        click.echo(f"The dataset is in {settings.output_directory}; `twittomatic verify` checks it.")
        return 0
    if progress.phase is Phase.PAUSED and progress.paused_by == "network":
        click.echo("Paused; the same command goes on.", err=True)
        return PAUSED
    if told.is_set():
        click.echo("Interrupted; the same command goes on.", err=True)
        return INTERRUPTED
    return 1


def _worker_result(settings: Settings, phase: str, progress: Progress, told: asyncio.Event) -> int:
    if told.is_set():
        return INTERRUPTED
    if phase == Phase.FINISHED or progress.phase is Phase.FINISHED:
        click.echo(f"Crawl “{settings.crawl}” is finished.")
        return 0
    if progress.phase is Phase.PAUSED:
        click.echo(f"Paused: {progress.reason}", err=True)
        return PAUSED
    raise TwittomaticError(
        f"Nobody leads crawl “{settings.crawl}” any more; start a master and this worker again, "
        "or let workers wait with --on-master-loss wait."
    )


async def _leads_soon(leadership: Leadership, within_s: float) -> bool:
    """Take the leadership; one that was held by a process that is dead expires within seconds."""
    deadline = asyncio.get_running_loop().time() + min(within_s, 5.0)
    while not await leadership.lead():
        if asyncio.get_running_loop().time() > deadline:
            return False
        await asyncio.sleep(0.1)
    return True


async def _lead_when_free(leadership: Leadership) -> bool:
    """Wait until nobody leads and lead; False when told to leave."""
    with on_signals(lambda: None) as told:
        said = ""
        while not await leadership.lead():
            if leadership.other != said:
                said = leadership.other
                click.echo(f"Standing by; {said} leads.")
            if await _told_within(told, _GLANCE_S):
                return False
    return True


async def _options_of_master(state: CrawlState) -> CrawlOptions | None:
    """Wait for a crawl that is not finished, and return its options; None when told to leave."""
    said = False
    with on_signals(lambda: None) as told:
        while True:
            progress = await state.progress()
            if progress.phase in (Phase.RUNNING, Phase.PAUSED) and progress.master:
                return CrawlOptions.read(await state.field("options"))
            if not said:
                click.echo("Waiting for a master ...")
                said = True
            if await _told_within(told, _GLANCE_S):
                return None


async def _told_within(told: asyncio.Event, seconds: float) -> bool:
    with suppress(TimeoutError):
        await asyncio.wait_for(told.wait(), seconds)
    return told.is_set()


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError, TwittomaticError):
        await task


def _timelines(layout: Layout) -> list[str]:
    ids = [path.stem for path in layout.files("twt")]
    if not ids:
        raise SettingsError(f"OUTPUT_DIRECTORY {layout.output}: there is no timeline to update.")
    return ids


def _now() -> str:
    return rfc3339(utc(SystemClock().now()))
