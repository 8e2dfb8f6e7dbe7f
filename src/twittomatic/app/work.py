"""Work on a crawl that another process leads."""

from __future__ import annotations

import asyncio
from contextlib import closing

from twittomatic.app import build
from twittomatic.app.connect import connected, process_name
from twittomatic.app.logs import log_to
from twittomatic.app.observer import Observer
from twittomatic.app.outcome import Outcome, Result, Undone
from twittomatic.app.runtime import Runtime
from twittomatic.app.start import check_credentials
from twittomatic.app.stop import on_stop
from twittomatic.background import ended
from twittomatic.clock import wait_event
from twittomatic.crawler.options import CrawlOptions
from twittomatic.crawler.worker import Worker
from twittomatic.errors import CrawlMustPause, NoMaster
from twittomatic.model import Phase
from twittomatic.settings import Settings
from twittomatic.state.crawl import CrawlState
from twittomatic.state.embedded.server import Role
from twittomatic.state.keys import CrawlKeys
from twittomatic.state.status import CrawlStatus
from twittomatic.storage.journal import Journal

_POLL_S = 0.5  # while it waits for a master
_OPTIONS_POLL_S = 1.0  # while it works, for other options


async def work(settings: Settings, name: str, observer: Observer, *, logs: bool = False) -> Result:
    """Work for the master of a crawl until the crawl ends.

    Args:
        settings: This process's settings.
        name: The worker's name.
        observer: Receives what happens.
        logs: Whether to write a log in LOG_DIRECTORY.

    Raises:
        NoMaster: the master is gone, and ON_MASTER_LOSS is `stop`.
        TwittomaticError: this process cannot continue.
    """
    credentials = build.credentials(settings)
    layout = build.layout(settings)
    await asyncio.to_thread(layout.prepare)
    if logs:
        log_to(settings.log_directory, f"{settings.crawl}.{name}", observer.warning)
    process = process_name(name)
    async with connected(settings, Role.JOIN, process) as connection:
        state = CrawlState(connection, CrawlKeys(settings.crawl))
        while True:
            written = await _options_of_master(state, observer)
            if written is None:
                return Result(outcome=Outcome.INTERRUPTED)
            options = CrawlOptions.read(written)
            build.check_network(settings, options)
            build.check_budget(settings, options)
            async with Runtime.of(settings, options, connection, credentials, process) as runtime:
                try:
                    await _check(runtime, observer)
                    journal = await asyncio.to_thread(Journal, layout.journal(f"{settings.crawl}.{name}"))
                    worker = runtime.worker(journal)
                    observer.info(f"{process} works for crawl “{settings.crawl}”.")
                    with closing(journal), on_stop(worker.leave) as requested:
                        changed = await _work_while(worker, state, written)
                    if requested.is_set():
                        return Result(outcome=Outcome.INTERRUPTED)
                    if not changed:
                        return _result(settings, worker.last_reply.phase, await state.status())
                except CrawlMustPause:  # it may come from an account that the crawl no longer uses
                    if await state.field("options") == written:
                        raise
                observer.info("A master gave the crawl other options; this worker continues with them.")


async def _check(runtime: Runtime, observer: Observer) -> None:
    """Try the credentials; what stops this worker here has the effect that it has later.

    Raises:
        CrawlMustPause: no worker may send requests.
        UpstreamUnavailable: the network cannot be reached.
    """
    try:
        await check_credentials(runtime, observer)
    except CrawlMustPause as error:
        await runtime.pause_policy().pause(error)
        raise


async def _work_while(worker: Worker, state: CrawlState, written: str) -> bool:
    """Work until the worker ends or a master has given the crawl other options; return whether one has.

    Raises:
        TwittomaticError: the worker cannot continue, or the options cannot be read.
    """

    async def poll() -> None:
        try:
            while await state.field("options") == written:  # noqa: ASYNC110 - another process changes them
                await asyncio.sleep(_OPTIONS_POLL_S)
        finally:
            worker.leave()

    polling = asyncio.create_task(poll())
    try:
        await worker.run()
        if polling.done():
            polling.result()  # its error ends the worker
        return polling.done()
    finally:
        await ended(polling)


def _result(settings: Settings, phase: str, status: CrawlStatus) -> Result:
    if phase == Phase.FINISHED or status.phase is Phase.FINISHED:
        return Result(outcome=Outcome.FINISHED, undone=Undone(dead=status.dead))
    if status.phase is Phase.PAUSED:
        return Result(outcome=Outcome.PAUSED, reason=status.reason)
    raise NoMaster(
        f"Nobody leads crawl “{settings.crawl}” any more; start a master and this worker again, "
        "or let workers wait with --on-master-loss wait."
    )


async def _options_of_master(state: CrawlState, observer: Observer) -> str | None:
    """Wait for a crawl with a master; return its options as JSON, or None if a stop comes first.

    While the network's pause lasts, its master is about to end, or a new one has not resumed the crawl yet.
    Then the options are still the former ones, whose account may have rejected every credential.
    """
    reported = False
    with on_stop(lambda: None) as requested:
        while True:
            status = await state.status()
            works = status.phase is Phase.RUNNING or (
                status.phase is Phase.PAUSED and status.paused_by != "network"
            )
            if works and status.master:
                return status.options
            if not reported:
                observer.info("Waiting for a master ...")
                reported = True
            if await wait_event(requested, _POLL_S):
                return None
