"""Start a crawl or resume it: resolve its targets, open its state, seed it, and check its quote."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta

from twittomatic.app.observer import Observer
from twittomatic.app.runtime import Runtime
from twittomatic.app.stop import on_stop
from twittomatic.clock import SystemClock, rfc3339, utc
from twittomatic.crawler.master import Master
from twittomatic.crawler.options import CrawlOptions
from twittomatic.errors import CrawlMustPause, Interrupted, SettingsError
from twittomatic.model import Phase, only_updates
from twittomatic.planning.known import Remaining
from twittomatic.planning.quote import require_budget, require_profiles
from twittomatic.planning.targets import Targets
from twittomatic.planning.userids import UserIds
from twittomatic.state.admin import JobAdmin
from twittomatic.state.leadership import Leadership
from twittomatic.storage.paths import Layout

_FOR_PROFILES = 0.1  # of the budget, at most, to know beforehand whether it suffices
_SHORT_S = 5.0  # waits this short are not reported


@contextmanager
def before_work(runtime: Runtime, observer: Observer) -> Iterator[None]:
    """Within the block, a stop takes effect after the request in flight, and long waits are reported.

    Raises:
        Interrupted: a stop was requested; what was bought is kept.
    """
    until = utc(0)

    def report(endpoint: str, seconds: float) -> None:
        nonlocal until
        opens_at = utc(SystemClock().now() + seconds)
        if seconds > _SHORT_S and opens_at - until > timedelta(seconds=_SHORT_S):
            until = opens_at
            observer.warning(
                f"No more {endpoint} requests are allowed for now; waiting until "
                f"{opens_at:%Y-%m-%d %H:%M:%S} UTC ..."
            )

    runtime.fetcher.waiting = report
    try:
        with on_stop(runtime.halt.set) as requested:
            yield
    finally:
        runtime.fetcher.waiting = None
    if requested.is_set():
        raise Interrupted("Stopped before the crawl started; profiles already bought are kept.")


def updatable(layout: Layout) -> Targets:
    """Return every user with a timeline in the dataset: the targets of -U alone.

    Raises:
        SettingsError: there is none.
    """
    ids = [path.stem for path in layout.files("twt")]
    if not ids:
        raise SettingsError(f"OUTPUT_DIRECTORY {layout.output}: there is no timeline to update.")
    return Targets(ids=ids, names=())


async def check_credentials(runtime: Runtime, observer: Observer) -> None:
    """Try the credentials of this process, and warn if the network does not let them be tried.

    Raises:
        NetworkError: see `Fetcher.check`.
    """
    if untried := await runtime.fetcher.check():
        observer.warning(f"The credentials were not checked beforehand: {untried} Continuing all the same.")


async def resolve(runtime: Runtime, given: Targets, observer: Observer) -> Sequence[str]:
    """Return the ids of all targets; unknown names are reported.

    Raises:
        CrawlMustPause: the budget does not cover the profiles, or the network stops us.
        SettingsError: none of the targets can be crawled.
    """
    count = len(await runtime.buyer.unresolved(given))
    await require_profiles(runtime.account, runtime.options.budget, runtime.network, count)
    ids = await runtime.buyer.resolve(given, observer.warning)
    if not ids:
        raise SettingsError("None of the targets can be crawled; nothing was started.")
    return ids


async def begin(
    runtime: Runtime,
    master: Master,
    leadership: Leadership,
    ids: Sequence[str],
    observer: Observer,
    *,
    until_spent: bool,
) -> None:
    """Open the crawl or resume it, add its seeds, and check the quote of new ones.

    A quote that was refused stays due until it is accepted, however often the command is repeated.

    Raises:
        CrawlMustPause: the budget does not cover what is certain, or the network stops us; the crawl is
            paused.
        LeadershipLost: another master leads.
    """
    name = runtime.settings.crawl
    before = await _forget_targets(runtime, leadership, has_seeds=bool(ids))
    what = await _open(runtime, leadership)
    if what == "resumed":
        observer.info(f"Crawl “{name}” resumes where it stopped.")
        if before and not before.asks_like(runtime.options):
            observer.info(
                "What is done keeps its old options; once the crawl is finished, the same command "
                "applies the new ones."
            )
    accounts = {before.account, runtime.options.account} if before else set()
    if len(accounts) > 1 and runtime.network.name in accounts:
        observer.warning(
            f"Crawl “{name}” was begun at another API; its lists from there are kept, and are not "
            f"asked for again. Crawl {runtime.network.title} in a separate directory."
        )
    if what != "new":
        await _try_again(runtime, observer)
    new = await master.seed(runtime.buyer.users(ids))
    if what == "again":
        new += await runtime.frontier.promote(ids, leadership)
    if ids and not new:
        observer.info("All targets were given before; the crawl continues with what is left of them.")
    if await runtime.crawl.owes_quote():
        try:
            await _check_quote(runtime, ids, observer, until_spent=until_spent)
        except CrawlMustPause as error:
            await leadership.lead()  # or it is no longer ours to pause
            await _pause(runtime, error)
            raise
        await runtime.crawl.accept_quote()


async def refuse(runtime: Runtime, leadership: Leadership, error: CrawlMustPause) -> None:
    """Open and pause a crawl whose targets could not be resolved, so that its status says why."""
    await _forget_targets(runtime, leadership, has_seeds=True)
    await _open(runtime, leadership)
    await _pause(runtime, error)


async def _pause(runtime: Runtime, error: CrawlMustPause) -> None:
    await runtime.pause_policy(leads=True).pause(error)


async def _open(runtime: Runtime, leadership: Leadership) -> str:
    """Open the crawl: `new`, `resumed` or `again`. From then on this process's budget is the cap."""
    now = rfc3339(utc(SystemClock().now()))
    what = await runtime.crawl.begin(runtime.options.modules, runtime.options.written(), now, leadership)
    await runtime.share_cap(leadership)
    return what


async def _forget_targets(
    runtime: Runtime, leadership: Leadership, *, has_seeds: bool
) -> CrawlOptions | None:
    """Forget who was crawled if there can be more to download of them; return the options asked for before.

    Targets that were found and wait stay in the frontier, unless another SELECT may not want them.

    This comes before the crawl is opened: a master that takes over in between finds it finished, and a crawl
    that has begun must not forget.
    """
    options, written = runtime.options, await runtime.crawl.first_options()
    before = CrawlOptions.read(written) if written else None
    asks_more = bool(has_seeds and before and not before.asks_like(options))
    if (options.repeats or asks_more) and await runtime.crawl.field("phase") == Phase.FINISHED:
        keep_waiting = before is None or before.select == options.select
        await runtime.frontier.forget(leadership, keep_waiting=keep_waiting)
    return before


async def _try_again(runtime: Runtime, observer: Observer) -> None:
    """Queue again what the crawl left undone, once each time the command is given."""
    early = await runtime.admin.retry_early_ends(runtime.options.all_modules)
    if early:
        observer.info(f"Lists that ended too early and are continued: {early:,}.")
    if revived := await runtime.admin.retry_all(runtime.options.all_modules):
        observer.info(f"Dead jobs that are retried: {revived:,}.")


async def _check_quote(
    runtime: Runtime, ids: Sequence[str], observer: Observer, *, until_spent: bool
) -> None:
    """Report the quote of what the seeds still take.

    Profiles are bought for it if the budget is in question and they take a small part of it.

    Raises:
        BudgetExhausted: the budget does not cover what is certain.
    """
    waiting = UserIds()
    async for some in runtime.frontier.waiting(0):
        waiting.extend(some)
    everybody = UserIds(ids)
    everybody.extend(waiting)
    if not everybody:
        return
    unfinished = JobAdmin(runtime.connection, runtime.keys)
    remaining = Remaining(waiting, unfinished, runtime.options.all_modules)
    builder = runtime.quote_builder(everybody, remaining=remaining.of)
    await builder.gather()
    quote = await builder.quote()
    left, high = quote.left, quote.plan.total.cost.high
    if left is not None and quote.plan.due <= left and (high is None or high > left):
        unknown = await builder.unknown()
        if len(runtime.credentials) and len(unknown) * runtime.network.prices.user <= left * _FOR_PROFILES:
            await builder.buy(unknown, observer.warning)
        quote = await builder.quote()
    if quote.plan.unknown and quote.left is None:
        observer.info("The size of the crawl is not known; `twittomatic plan` reads the targets' profiles.")
    else:
        observer.quoted(quote)
    if not until_spent:
        await require_budget(
            runtime.account,
            runtime.options.budget,
            quote.plan.due,
            "The crawl",
            "raise it, set MAX_FOLLOWERS or MAX_POSTS, or add --until-spent to crawl until it is used up",
        )


async def targets_or_timelines(layout: Layout, modules: str, given: Targets) -> Targets:
    """Return the targets given, or every timeline of the dataset for -U alone.

    Raises:
        SettingsError: there is no target.
    """
    if given or not only_updates(modules):
        return given
    return await asyncio.to_thread(updatable, layout)
