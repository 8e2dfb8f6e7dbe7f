"""A worker's session, from waiting for a master to the last line."""

from __future__ import annotations

import asyncio
from contextlib import closing

import click

from twittomatic.app import runtime
from twittomatic.app.runner import log_to, on_signals
from twittomatic.app.signals import INTERRUPTED
from twittomatic.background import ended
from twittomatic.cli.commands import PAUSED
from twittomatic.cli.sessions import check_credentials
from twittomatic.clock import wait_event
from twittomatic.crawler.options import CrawlOptions
from twittomatic.crawler.worker import Worker
from twittomatic.errors import CrawlMustPause, NobodyLeads
from twittomatic.model import Phase
from twittomatic.settings import Settings
from twittomatic.state.crawl import CrawlState
from twittomatic.state.embedded.server import Role
from twittomatic.state.keys import CrawlKeys
from twittomatic.state.status import CrawlStatus
from twittomatic.storage.journal import Journal

_GLANCE_S = 0.5  # while it waits for a master
_LOOK_S = 1.0  # while it works, at the options of the crawl


async def work(settings: Settings, name: str) -> int:
    """Work for the master of a crawl; return the exit code."""
    credentials = runtime.credentials(settings)
    layout = runtime.layout(settings)
    await asyncio.to_thread(layout.prepare)
    log_to(settings.log_directory, f"{settings.crawl}.{name}")
    process = runtime.process_name(name)
    async with runtime.connected(settings, Role.JOIN, process) as connection:
        state = CrawlState(connection, CrawlKeys(settings.crawl))
        while True:
            written = await _options_of_master(state)
            if written is None:
                return INTERRUPTED
            options = CrawlOptions.read(written)
            runtime.check_budget(settings, options)
            async with runtime.parts(settings, options, connection, credentials, process) as parts:
                selection = runtime.selection(options, parts.network)
                await _check(parts)
                journal = await asyncio.to_thread(Journal, layout.journal(f"{settings.crawl}.{name}"))
                worker = parts.worker(journal, selection)
                click.echo(f"{process} works for crawl “{settings.crawl}”.")
                with closing(journal), on_signals(worker.leave) as told:
                    changed = await _work_while(worker, state, written)
                if not changed or told.is_set():
                    return _worker_result(settings, worker.standing.phase, await state.status(), told)
                click.echo("A master gave the crawl other options; this worker goes on with those.")


async def _check(parts: runtime.Runtime) -> None:
    """Try the credentials; what stops this worker at its start does what it would in the middle.

    Raises:
        CrawlMustPause: nobody may ask.
        UpstreamUnavailable: the network cannot be reached.
    """
    try:
        await check_credentials(parts)
    except CrawlMustPause as error:
        await parts.pausing().pause(error)
        raise


async def _work_while(worker: Worker, state: CrawlState, written: str) -> bool:
    """Work until the worker ends, or until a master has given the crawl other options: True then.

    Raises:
        TwittomaticError: either cannot go on.
    """

    async def look() -> None:
        try:
            while await state.field("options") == written:  # noqa: ASYNC110 - another process changes them
                await asyncio.sleep(_LOOK_S)
        finally:
            worker.leave()

    looking = asyncio.create_task(look())
    try:
        await worker.run()
        if looking.done():
            looking.result()  # whatever kept it from looking ends the worker
        return looking.done()
    finally:
        await ended(looking)


def _worker_result(settings: Settings, phase: str, status: CrawlStatus, told: asyncio.Event) -> int:
    if told.is_set():
        return INTERRUPTED
    if phase == Phase.FINISHED or status.phase is Phase.FINISHED:
        left = f"; dead jobs: {status.dead:,}, see `twittomatic jobs dead`" if status.dead else ""
        click.echo(f"Crawl “{settings.crawl}” is finished{left}.")
        return 0
    if status.phase is Phase.PAUSED:
        click.echo(f"Paused: {status.reason}", err=True)
        return PAUSED
    raise NobodyLeads(
        f"Nobody leads crawl “{settings.crawl}” any more; start a master and this worker again, "
        "or let workers wait with --on-master-loss wait."
    )


async def _options_of_master(state: CrawlState) -> str | None:
    """Wait for a crawl that is not finished, and return its options, JSON; None when told to leave."""
    said = False
    with on_signals(lambda: None) as told:
        while True:
            status = await state.status()
            if status.phase in (Phase.RUNNING, Phase.PAUSED) and status.master:
                return status.options
            if not said:
                click.echo("Waiting for a master ...")
                said = True
            if await wait_event(told, _GLANCE_S):
                return None
