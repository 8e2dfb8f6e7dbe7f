"""How a crawl begins, or goes on: its seeds, and its quote before they are bought."""

from __future__ import annotations

from collections.abc import Sequence

import click

from twittomatic.app.runtime import Runtime
from twittomatic.cli.affording import afford
from twittomatic.cli.outcome import try_again
from twittomatic.cli.quoting import QuoteBuilder
from twittomatic.cli.render.quote import picture
from twittomatic.cli.render.table import console
from twittomatic.clock import SystemClock, rfc3339, utc
from twittomatic.crawler.master import Master
from twittomatic.crawler.options import CrawlOptions
from twittomatic.errors import CrawlMustPause
from twittomatic.model import Phase
from twittomatic.planning.remaining import Remaining
from twittomatic.planning.userids import UserIds
from twittomatic.state.leadership import Leadership
from twittomatic.state.unfinished import Unfinished

_FOR_PROFILES = 0.1  # of the budget, at most, to know beforehand whether it suffices


async def begin(
    parts: Runtime, master: Master, leadership: Leadership, ids: Sequence[str], *, until_spent: bool
) -> None:
    """Open the crawl, or find it where it stands, say which, and add its seeds; show the plan of new ones.

    A plan that was refused is owed until it is accepted, however often the command is repeated.

    Raises:
        CrawlMustPause: the budget does not suffice for what is certain, or the network stops us;
            the crawl is paused.
        LeadershipLost: another master leads.
    """
    name = parts.settings.crawl
    before = await _look_again(parts, leadership, has_seeds=bool(ids))
    what = await _open(parts, leadership)
    if what == "resumed":
        click.echo(f"Crawl “{name}” goes on where it stopped.")
        if before and not before.asks_like(parts.options):
            click.echo("What is done of it stays as it was; when it is finished, the same command asks anew.")
    accounts = {before.account, parts.options.account} if before else set()
    if len(accounts) > 1 and parts.network.name in accounts:
        click.echo(
            f"Crawl “{name}” was begun at another API: the lists that it has from there stay, and are not "
            f"asked for again. Crawl {parts.network.title} in a directory of its own.",
            err=True,
        )
    if what != "new":
        await try_again(parts)
    new = await master.seed(parts.lookup.users(ids))
    if what == "again":
        new += await parts.frontier.promote(ids, leadership)
    if ids and not new:
        click.echo("All targets were given before; what is left of them goes on.")
    if await parts.crawl.owes_quote():
        try:
            await _quote(parts, ids, until_spent=until_spent)
        except CrawlMustPause as error:
            await leadership.lead()  # or it is no longer ours to pause
            await pause(parts, error)
            raise
        await parts.crawl.quoted()


async def pause(parts: Runtime, error: CrawlMustPause) -> None:
    """Pause the crawl for a reason that is not the user's will."""
    await parts.pausing(leads=True).pause(error)


async def refuse(parts: Runtime, leadership: Leadership, error: CrawlMustPause) -> None:
    """Open a crawl that got no further than to its targets, and pause it, so that `status` says why."""
    await _look_again(parts, leadership, has_seeds=True)
    await _open(parts, leadership)
    await pause(parts, error)


async def _open(parts: Runtime, leadership: Leadership) -> str:
    """Open the crawl, or find it where it stands; from then on the budget of this process is its cap."""
    what = await parts.crawl.begin(parts.options.modules, parts.options.written(), _now(), leadership)
    await parts.share_cap(leadership)
    return what


async def _look_again(parts: Runtime, leadership: Leadership, *, has_seeds: bool) -> CrawlOptions | None:
    """Forget who was crawled where there can be more to buy of them; return what was asked for before.

    Those who were found and wait stay in the frontier, unless another SELECT may not want them.

    Before it begins: whoever takes over until then finds it finished, and one that has begun must not forget.
    """
    options, written = parts.options, await parts.crawl.asked()
    before = CrawlOptions.read(written) if written else None
    asks_more = bool(has_seeds and before and not before.asks_like(options))
    if (options.repeats or asks_more) and await parts.crawl.field("phase") == Phase.FINISHED:
        keep_waiting = before is None or before.select == options.select
        await parts.frontier.forget(leadership, keep_waiting=keep_waiting)
    return before


async def _quote(parts: Runtime, ids: Sequence[str], *, until_spent: bool) -> None:
    """Show the plan of what the seeds still take.

    Profiles are bought for it where the budget is in question, and where they take a small part of it.

    Raises:
        BudgetExhausted: the budget does not suffice for what is certain.
    """
    waiting = UserIds()
    async for some in parts.frontier.waiting(0):
        waiting.extend(some)
    everybody = UserIds(ids)
    everybody.extend(waiting)
    if not everybody:
        return
    remainder = Remaining(waiting, Unfinished(parts.connection, parts.keys), parts.options.all_modules)
    quoting, left = QuoteBuilder(parts, everybody, remainder=remainder.of), await parts.money.left()
    await quoting.gather()
    quote = quoting.plan()
    high = quote.total.cost.high
    if left is not None and quote.due <= left and (high is None or high > left):
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
        console(stderr=True).print(picture(quote, prices_as_of=as_of, left=left))
    if not until_spent:
        await afford(
            parts,
            quote.due,
            "The crawl",
            "raise it, set MAX_FOLLOWERS or MAX_POSTS, or add --until-spent to go until the money is out",
        )


def _now() -> str:
    return rfc3339(utc(SystemClock().now()))
