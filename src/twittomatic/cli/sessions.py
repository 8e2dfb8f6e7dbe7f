"""What the commands do that work on a crawl, from opening the state to the last line."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

import click
from rich.console import Console

from twittomatic.cli import compose
from twittomatic.cli.app import INTERRUPTED, PAUSED
from twittomatic.cli.compose import Parts
from twittomatic.cli.display import show, watch
from twittomatic.cli.quoting import Quoting, picture
from twittomatic.cli.report import report
from twittomatic.cli.running import log_to, on_signals
from twittomatic.clock import SystemClock, rfc3339, utc
from twittomatic.crawler import targets
from twittomatic.crawler.local import run_together
from twittomatic.crawler.master import Master
from twittomatic.crawler.options import CrawlOptions
from twittomatic.errors import BudgetExhausted, CrawlMustPause, SettingsError, StateBusy, TwittomaticError
from twittomatic.fetch.credentials import Credentials
from twittomatic.model import Phase, usd
from twittomatic.settings import Settings
from twittomatic.state.crawl import Progress
from twittomatic.state.leadership import Leadership
from twittomatic.state.server import Role
from twittomatic.storage.journal import Journal
from twittomatic.storage.paths import Layout
from twittomatic.storage.sweeping import sweep

_FOR_PROFILES = 0.1  # of the budget, at most, to know beforehand whether it suffices
_EXPIRY_S = 5.0  # longer than a leadership lasts of which nothing is heard


async def crawl(settings: Settings, modules: str, given: Sequence[str], *, until_spent: bool = False) -> int:
    """Crawl here, all in one; return the exit code.

    Args:
        settings: Of this process.
        modules: Letters of what to do to each target.
        given: TARGETs; none updates every timeline of the dataset.
        until_spent: Begin though the budget cannot suffice.
    """
    compose.check_budget(settings)
    credentials = compose.credentials(settings)
    wanted = targets.read(given)
    options = CrawlOptions.of(modules, settings)
    selection = compose.selection(options, compose.network(settings, options))
    layout = compose.layout(settings)
    await asyncio.to_thread(layout.prepare)
    if not given:
        wanted = await asyncio.to_thread(_timelines, layout)
    log_to(settings.log_directory, f"{settings.crawl}.local")
    name = compose.process_name("local")
    async with (
        compose.connected(settings, Role.OWN, name) as connection,
        compose.parts(settings, options, connection, credentials, name) as parts,
    ):
        await parts.money.accept()
        await parts.fetcher.check()
        ids = await _resolve(parts, wanted)
        async with _leading(parts) as leadership:
            master = parts.master(leadership)
            async with leadership.kept():
                await begin(parts, master, leadership, ids, until_spent=until_spent)
            journal = await asyncio.to_thread(Journal, layout.journal(f"{settings.crawl}.local"))
            worker = parts.worker(journal, selection, led_here=True)
            code = await watched(parts, run_together(master, worker), worker.leave)
            journal.close()
            return code


async def lead(settings: Settings, modules: str, given: Sequence[str], *, until_spent: bool) -> int:
    """Lead a crawl whose workers run elsewhere; return the exit code. Otherwise as `crawl`."""
    wanted = targets.read(given)
    compose.check_budget(settings)
    credentials = credentials_for(settings, wanted)
    options = CrawlOptions.of(modules, settings)
    compose.selection(options, compose.network(settings, options))  # which the workers evaluate
    layout = compose.layout(settings)
    await asyncio.to_thread(layout.prepare)
    log_to(settings.log_directory, f"{settings.crawl}.master")
    name = compose.process_name("master")
    async with (
        compose.connected(settings, Role.OWN, name) as connection,
        compose.parts(settings, options, connection, credentials, name) as parts,
    ):
        await parts.money.accept()
        ids = await ids_of(parts, modules, wanted)
        async with _leading(parts) as leadership:
            click.echo(f"{name} leads crawl “{settings.crawl}” (epoch {leadership.epoch}).")
            master = parts.master(leadership)
            async with leadership.kept():
                await begin(parts, master, leadership, ids, until_spent=until_spent)
            return await watched(parts, master.run(), master.leave)


def credentials_for(settings: Settings, wanted: targets.Targets) -> Credentials:
    """Return the credentials of a master: it needs one only where names are to be resolved.

    Raises:
        SettingsError: it needs one and has none, or they cannot be read.
    """
    if wanted.names:
        return compose.credentials(settings)
    return Credentials.load(settings.x_bearer_tokens, settings.x_user_tokens)


async def ids_of(parts: Parts, modules: str, wanted: targets.Targets) -> list[str]:
    """Return the ids that a master begins with: none where it was given none, all timelines for -U alone.

    Raises:
        SettingsError: none of those given can be crawled, or there is no timeline.
    """
    if wanted.ids or wanted.names:
        return await _resolve(parts, wanted)
    if modules == "U":
        return list((await asyncio.to_thread(_timelines, parts.layout)).ids)
    return []


async def _quote(parts: Parts, ids: Sequence[str], *, until_spent: bool) -> None:
    """Show the plan of a crawl that is about to begin.

    Profiles are bought for it where the budget is in question, and where they take a small part of it.

    Raises:
        BudgetExhausted: the budget does not suffice for what is certain.
    """
    quoting, left = Quoting(parts, ids), await parts.money.left()
    await quoting.gather()
    quote = quoting.plan()
    if left is not None and quote.due <= left and (quote.total.cost.high or left + 1) > left:
        unknown = await quoting.unknown()
        if len(parts.credentials) and len(unknown) * parts.network.prices.user <= left * _FOR_PROFILES:
            await quoting.buy(unknown)
        quote, left = quoting.plan(), await parts.money.left()
    if quote.unknown and left is None:
        click.echo(
            "What it will take is not known; `twittomatic plan` reads the targets' profiles.", err=True
        )
    else:
        as_of = parts.network.prices.as_of
        Console(highlight=False, stderr=True).print(picture(quote, prices_as_of=as_of, left=left))
    if left is not None and quote.due > left and not until_spent:
        raise BudgetExhausted(
            f"The crawl costs ${usd(quote.due):,.2f} at least, and BUDGET_USD leaves "
            f"${usd(max(left, 0)):,.2f}; raise it, set MAX_FOLLOWERS or MAX_POSTS, or add --until-spent to "
            "go until the money is out."
        )


@asynccontextmanager
async def _leading(parts: Parts) -> AsyncIterator[Leadership]:
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
        with suppress(TwittomaticError):
            await leadership.resign()


async def begin(
    parts: Parts, master: Master, leadership: Leadership, ids: Sequence[str], *, until_spent: bool
) -> None:
    """Open the crawl, or find it where it stands, say which, and add its seeds; show the plan of a new one.

    Raises:
        CrawlMustPause: the budget does not suffice for what is certain, or the network stops us;
            the crawl is paused.
        LeadershipLost: another master leads.
    """
    options, name = parts.options, parts.settings.crawl
    if options.repeats and await parts.crawl.field("phase") == Phase.FINISHED:
        # Who was crawled before can have something new. Before it begins: whoever takes over from here on
        # finds it finished, and one that has begun must not forget.
        await parts.frontier.forget()
    what = await parts.crawl.begin(options.modules, options.written(), _now(), leadership)
    if what == "resumed":
        click.echo(f"Crawl “{name}” goes on where it stopped.")
    if not await master.seed(ids) and ids:
        click.echo("All targets were given before; what is left of them goes on.")
    untouched = not (await parts.crawl.progress()).counters.get("targets")
    if ids and (what != "resumed" or untouched):
        try:
            await _quote(parts, ids, until_spent=until_spent)
        except CrawlMustPause as error:
            await leadership.lead()  # or it is no longer ours to pause
            await parts.crawl.pause(
                str(error), until=rfc3339(error.until) if error.until else "", by="network"
            )
            raise


async def watched(parts: Parts, work: Coroutine[Any, Any, Progress], leave: Callable[[], None]) -> int:
    """Show the crawl while it runs, say how it ended, and return the exit code."""
    running = asyncio.ensure_future(work)
    with on_signals(leave) as told:
        watching = asyncio.create_task(watch(lambda: report(parts.connection, parts.keys), running))
        try:
            progress = await running
        finally:
            await _end(watching)
    return await _result(parts, progress, told)


async def _resolve(parts: Parts, wanted: targets.Targets) -> list[str]:
    """Return the ids of all targets; unknown names are reported."""
    ids = await parts.lookup.resolve(wanted, lambda sentence: click.echo(sentence, err=True))
    if not ids:
        raise SettingsError("None of the targets can be crawled; nothing was started.")
    return ids


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


def _timelines(layout: Layout) -> targets.Targets:
    ids = [path.stem for path in layout.files("twt")]
    if not ids:
        raise SettingsError(f"OUTPUT_DIRECTORY {layout.output}: there is no timeline to update.")
    return targets.Targets(ids=ids, names=())


def _now() -> str:
    return rfc3339(utc(SystemClock().now()))
