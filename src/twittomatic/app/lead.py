"""Lead a crawl whose workers run in other processes; and what every master does at its start and its end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress

from twittomatic.app.observer import Observer
from twittomatic.app.outcome import Outcome, Result, undone
from twittomatic.app.runtime import Runtime
from twittomatic.app.start import (
    before_work,
    begin,
    check_credentials,
    refuse,
    resolve,
    targets_or_timelines,
)
from twittomatic.app.stop import Releasing, on_stop
from twittomatic.errors import CrawlMustPause, NoMaster, StateBusy, TwittomaticError
from twittomatic.model import Phase
from twittomatic.planning.targets import Targets
from twittomatic.settings import Settings
from twittomatic.state.admin import JobAdmin
from twittomatic.state.connection import Connection
from twittomatic.state.crawl import CrawlState
from twittomatic.state.keys import CrawlKeys
from twittomatic.state.leadership import Leadership
from twittomatic.state.status import CrawlStatus, read_status
from twittomatic.storage.part import part_files, remove_part_files
from twittomatic.storage.paths import Layout

_EXPIRY_S = 5.0  # longer than a silent leadership lasts


async def lead(
    settings: Settings,
    modules: str,
    given: Targets,
    observer: Observer,
    *,
    until_spent: bool = False,
    logs: bool = False,
) -> Result:
    """Lead a crawl until it ends.

    Args:
        settings: This process's settings.
        modules: Letters of what to do to each target.
        given: The targets; none resumes a crawl, or with -U alone updates every timeline of the dataset.
        observer: Receives what happens.
        until_spent: Whether to begin even if the budget does not cover the quote.
        logs: Whether to write a log in LOG_DIRECTORY.

    Raises:
        TwittomaticError: this process cannot continue.
    """
    async with Runtime.open(
        settings,
        modules,
        "master",
        needs_credentials=bool(given.names),
        log_warning=observer.warning if logs else None,
    ) as runtime:
        await runtime.account.accept()
        with before_work(runtime, observer):
            ids = await seeds(runtime, given, observer)
        async with leading(runtime) as leadership:
            observer.info(f"{runtime.name} leads crawl “{settings.crawl}” (epoch {leadership.epoch}).")
            master = runtime.master(leadership)
            async with leadership.kept():
                with before_work(runtime, observer):
                    await begin(runtime, master, leadership, ids, observer, until_spent=until_spent)
            return await watched(runtime, observer, master.run(), master.leave)


async def seeds(
    runtime: Runtime, given: Targets, observer: Observer, *, check: bool = False
) -> Sequence[str]:
    """Return the ids of the targets, resolved; none if there are no targets.

    Args:
        runtime: The crawl's parts.
        given: The targets.
        observer: Receives unknown names.
        check: Whether to try the credentials first.

    Raises:
        CrawlMustPause: the budget does not cover it, or the network stops us; the crawl is paused.
        SettingsError: none of the targets can be crawled, or there is no timeline to update.
    """
    given = await targets_or_timelines(runtime.layout, runtime.options.modules, given)
    if not given:
        return []
    try:
        if check:
            await check_credentials(runtime, observer)
        return await resolve(runtime, given, observer)
    except CrawlMustPause as error:
        async with leading(runtime) as leadership:
            await refuse(runtime, leadership, error)
        raise


@asynccontextmanager
async def leading(runtime: Runtime) -> AsyncIterator[Leadership]:
    """Lead the crawl for a block.

    Raises:
        StateBusy: another master leads.
    """
    leadership = runtime.leadership()
    try:
        if not await _leads_soon(leadership):
            raise StateBusy(
                f"{leadership.other} already leads crawl “{runtime.settings.crawl}”; add a worker to it, "
                "or a master with --standby."
            )
        yield leadership
    finally:
        with Releasing() as releasing, suppress(TwittomaticError):
            releasing.begin()
            await leadership.resign()


async def watched(
    runtime: Runtime, observer: Observer, work: Coroutine[None, None, CrawlStatus], leave: Callable[[], None]
) -> Result:
    """Run a master while the observer watches the crawl; a stop calls `leave`."""
    running = asyncio.ensure_future(work)
    with on_stop(leave) as requested:
        watching = asyncio.ensure_future(observer.watch(lambda: status_of(runtime)))
        try:
            at_end = await running
        finally:
            watching.cancel()
            with suppress(asyncio.CancelledError, TwittomaticError):
                await watching
    return await _result(runtime, at_end, stopped=requested.is_set())


async def status_of(runtime: Runtime) -> CrawlStatus:
    """Return the status of the crawl."""
    return await read_status(runtime.connection, runtime.keys.crawl)


async def _result(runtime: Runtime, at_end: CrawlStatus, *, stopped: bool) -> Result:
    status = await status_of(runtime)
    if at_end.phase is Phase.FINISHED:
        await tidy(runtime.connection, runtime.keys, runtime.layout)
        left = await undone(runtime.connection, runtime.keys, runtime.options.all_modules)
        return Result(outcome=Outcome.FINISHED, undone=left, status=status)
    if at_end.phase is Phase.PAUSED and at_end.paused_by == "network":
        return Result(outcome=Outcome.PAUSED, reason=at_end.reason, status=status)
    if stopped:
        return Result(outcome=Outcome.INTERRUPTED, status=status)
    raise NoMaster("The crawl stopped unfinished, since nobody led it; the same command resumes it.")


async def tidy(connection: Connection, keys: CrawlKeys, layout: Layout) -> int:
    """Remove the part files of a finished crawl that no job needs; return how many there were.

    If the crawl begins again meanwhile, it loses nothing; see `storage.part.remove_part_files`.

    Raises:
        StorageUnavailable: TEMPORARY_DIRECTORY cannot be read or changed.
    """
    found = await asyncio.to_thread(part_files, layout, keys.crawl)
    if await CrawlState(connection, keys).field("phase") != Phase.FINISHED:
        return 0
    keep = {checkpoint.part async for _, _, checkpoint in JobAdmin(connection, keys).checkpoints()}
    return await asyncio.to_thread(remove_part_files, found, keep)


async def _leads_soon(leadership: Leadership) -> bool:
    """Take the leadership; the one of a dead process expires within seconds."""
    deadline = asyncio.get_running_loop().time() + _EXPIRY_S
    while not await leadership.lead():
        if asyncio.get_running_loop().time() > deadline:
            return False
        await asyncio.sleep(0.1)
    return True
