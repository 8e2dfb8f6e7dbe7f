"""What the commands do that work on a crawl, from opening the state to the last line."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager, closing, suppress
from typing import Any

import click

from twittomatic.app import runtime
from twittomatic.app.runner import Releasing, log_to, on_signals
from twittomatic.app.runtime import Runtime
from twittomatic.app.signals import INTERRUPTED
from twittomatic.cli.affording import afford_profiles
from twittomatic.cli.beginning import begin, refuse
from twittomatic.cli.commands import PAUSED
from twittomatic.cli.outcome import conclude
from twittomatic.cli.preparing import preparing
from twittomatic.cli.render.status import show, watch
from twittomatic.crawler.local import run_together
from twittomatic.crawler.options import CrawlOptions
from twittomatic.errors import CrawlMustPause, NobodyLeads, SettingsError, StateBusy, TwittomaticError
from twittomatic.fetch.credentials import Credentials
from twittomatic.model import Phase, only_updates
from twittomatic.planning import targets
from twittomatic.settings import Settings
from twittomatic.state.connection import Connection
from twittomatic.state.crawl import CrawlState
from twittomatic.state.embedded.server import Role
from twittomatic.state.keys import CrawlKeys
from twittomatic.state.leadership import Leadership
from twittomatic.state.requeue import Requeue
from twittomatic.state.status import CrawlStatus, read_status
from twittomatic.storage.journal import Journal
from twittomatic.storage.part import part_files, remove_part_files
from twittomatic.storage.paths import Layout

_EXPIRY_S = 5.0  # longer than a leadership lasts of which nothing is heard


async def crawl(
    settings: Settings, modules: str, wanted: targets.Targets, *, until_spent: bool = False
) -> int:
    """Crawl here, all in one; return the exit code.

    Args:
        settings: Of this process.
        modules: Letters of what to do to each target.
        wanted: The targets; none updates every timeline of the dataset.
        until_spent: Begin though the budget cannot suffice.
    """
    runtime.check_budget(settings)
    credentials = runtime.credentials(settings)
    options = CrawlOptions.of(modules, settings)
    selection = runtime.selection(options, runtime.network(settings, options))
    layout = runtime.layout(settings)
    await asyncio.to_thread(layout.prepare)
    if not wanted:
        wanted = await asyncio.to_thread(timelines, layout)
    log_to(settings.log_directory, f"{settings.crawl}.local")
    name = runtime.process_name("local")
    async with (
        runtime.connected(settings, Role.OWN, name) as connection,
        runtime.parts(settings, options, connection, credentials, name) as parts,
    ):
        await parts.money.accept()
        with preparing(parts):
            ids = await _resolve(parts, wanted, check=True)
        async with _leading(parts) as leadership:
            master = parts.master(leadership)
            async with leadership.kept():
                with preparing(parts):
                    await begin(parts, master, leadership, ids, until_spent=until_spent)
            journal = await asyncio.to_thread(Journal, layout.journal(f"{settings.crawl}.local"))
            with closing(journal):
                worker = parts.worker(journal, selection, has_own_master=True)
                return await watched(parts, run_together(master, worker), worker.leave)


async def lead(settings: Settings, modules: str, wanted: targets.Targets, *, until_spent: bool) -> int:
    """Lead a crawl whose workers run elsewhere; return the exit code. Otherwise as `crawl`."""
    runtime.check_budget(settings)
    credentials = credentials_for(settings, wanted)
    options = CrawlOptions.of(modules, settings)
    runtime.selection(options, runtime.network(settings, options))  # which the workers evaluate
    layout = runtime.layout(settings)
    await asyncio.to_thread(layout.prepare)
    log_to(settings.log_directory, f"{settings.crawl}.master")
    name = runtime.process_name("master")
    async with (
        runtime.connected(settings, Role.OWN, name) as connection,
        runtime.parts(settings, options, connection, credentials, name) as parts,
    ):
        await parts.money.accept()
        with preparing(parts):
            ids = await ids_of(parts, modules, wanted)
        async with _leading(parts) as leadership:
            click.echo(f"{name} leads crawl “{settings.crawl}” (epoch {leadership.epoch}).")
            master = parts.master(leadership)
            async with leadership.kept():
                with preparing(parts):
                    await begin(parts, master, leadership, ids, until_spent=until_spent)
            return await watched(parts, master.run(), master.leave)


def credentials_for(settings: Settings, wanted: targets.Targets) -> Credentials:
    """Return the credentials of a master: it needs one only where names are to be resolved.

    Raises:
        SettingsError: it needs one and has none, or they cannot be read.
    """
    if wanted.names:
        return runtime.credentials(settings)
    return runtime.given_credentials(settings)


async def ids_of(parts: Runtime, modules: str, wanted: targets.Targets) -> Sequence[str]:
    """Return the ids that a master begins with: none where it was given none, all timelines for -U alone.

    Raises:
        SettingsError: none of those given can be crawled, or there is no timeline.
    """
    if wanted.ids or wanted.names:
        return await _resolve(parts, wanted)
    if only_updates(modules):
        return (await asyncio.to_thread(timelines, parts.layout)).ids
    return []


@asynccontextmanager
async def _leading(parts: Runtime) -> AsyncIterator[Leadership]:
    """Lead the crawl for a block.

    Raises:
        StateBusy: another master leads.
    """
    leadership = parts.leadership()
    try:
        if not await _leads_soon(leadership):
            raise StateBusy(
                f"{leadership.other} already leads crawl “{parts.settings.crawl}”; add a worker to it, "
                "or a master with --standby."
            )
        yield leadership
    finally:
        with Releasing() as releasing, suppress(TwittomaticError):
            releasing.begin()
            await leadership.resign()


async def watched(parts: Runtime, work: Coroutine[Any, Any, CrawlStatus], leave: Callable[[], None]) -> int:
    """Show the crawl while it runs, say how it ended, and return the exit code."""
    running = asyncio.ensure_future(work)
    with on_signals(leave) as told:
        watching = asyncio.create_task(watch(lambda: _status(parts), running))
        try:
            status = await running
        finally:
            await _end(watching)
    return await _result(parts, status, told)


async def _status(parts: Runtime) -> CrawlStatus:
    return await read_status(parts.connection, parts.keys.crawl)


async def _resolve(parts: Runtime, wanted: targets.Targets, *, check: bool = False) -> Sequence[str]:
    """Return the ids of all targets; unknown names are reported. With `check` credentials are tried."""
    try:
        if check:
            await check_credentials(parts)
        await afford_profiles(parts, len(await parts.lookup.unresolved(wanted)))
        ids = await parts.lookup.resolve(wanted, lambda sentence: click.echo(sentence, err=True))
    except CrawlMustPause as error:
        async with _leading(parts) as leadership:
            await refuse(parts, leadership, error)
        raise
    if not ids:
        raise SettingsError("None of the targets can be crawled; nothing was started.")
    return ids


async def check_credentials(parts: Runtime) -> None:
    """Try the credentials of this process, and say so where the network does not let them be tried.

    Raises:
        NetworkError: see `Fetcher.check`.
    """
    if untried := await parts.fetcher.check():
        click.echo(f"The credentials were not checked beforehand: {untried} Going on all the same.", err=True)


async def _result(parts: Runtime, status: CrawlStatus, told: asyncio.Event) -> int:
    """Say how it ended, and return the exit code."""
    settings = parts.settings
    show(await _status(parts))
    if status.phase is Phase.FINISHED:
        await tidy(parts.connection, parts.keys, parts.layout)
        click.echo(f"The dataset is in {settings.output_directory}; `twittomatic verify` checks it.")
        return await conclude(parts.connection, parts.keys, parts.options.all_modules)
    if status.phase is Phase.PAUSED and status.paused_by == "network":
        click.echo("Paused; the same command goes on.", err=True)
        return PAUSED
    if told.is_set():
        click.echo("Interrupted; the same command goes on.", err=True)
        return INTERRUPTED
    raise NobodyLeads("The crawl stopped here unfinished, since nobody led it; the same command goes on.")


async def tidy(connection: Connection, keys: CrawlKeys, layout: Layout) -> int:
    """Remove the part files of a finished crawl on which no job counts; return how many there were.

    Begun again meanwhile, the crawl loses nothing; see `storage.part.remove_part_files`.

    Raises:
        StorageUnavailable: TEMPORARY_DIRECTORY cannot be read or changed.
    """
    found = await asyncio.to_thread(part_files, layout, keys.crawl)
    if await CrawlState(connection, keys).field("phase") != Phase.FINISHED:
        return 0
    keep = {checkpoint.part async for _, _, checkpoint in Requeue(connection, keys).begun()}
    return await asyncio.to_thread(remove_part_files, found, keep)


async def _leads_soon(leadership: Leadership) -> bool:
    """Take the leadership; one that was held by a process that is dead expires within seconds."""
    deadline = asyncio.get_running_loop().time() + _EXPIRY_S
    while not await leadership.lead():
        if asyncio.get_running_loop().time() > deadline:
            return False
        await asyncio.sleep(0.1)
    return True


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError, TwittomaticError):
        await task


def timelines(layout: Layout) -> targets.Targets:
    """Return every user who has a timeline in the dataset: the targets of -U alone.

    Raises:
        SettingsError: there is none.
    """
    ids = [path.stem for path in layout.files("twt")]
    if not ids:
        raise SettingsError(f"OUTPUT_DIRECTORY {layout.output}: there is no timeline to update.")
    return targets.Targets(ids=ids, names=())
