"""`plan`: what a crawl would cost, before anything is spent."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import click
import msgspec

from twittomatic.app import runtime, signals
from twittomatic.app.runner import run_async
from twittomatic.app.runtime import Runtime
from twittomatic.cli.affording import afford_profiles, profiles
from twittomatic.cli.crawl import CRAWL_SETTINGS, NO_TARGET, chosen_modules, module_flags, target_flags
from twittomatic.cli.options import EVERYWHERE, settings_options
from twittomatic.cli.preparing import preparing
from twittomatic.cli.quoting import QuoteBuilder
from twittomatic.cli.render.quote import as_json, picture
from twittomatic.cli.render.table import console
from twittomatic.cli.sessions import timelines
from twittomatic.crawler.options import CrawlOptions
from twittomatic.errors import SettingsError
from twittomatic.fetch.credentials import Credentials
from twittomatic.model import dollars, only_updates
from twittomatic.networks.base import Counts
from twittomatic.planning import targets
from twittomatic.settings import Settings
from twittomatic.state.crawl import CrawlState
from twittomatic.state.embedded.server import Role, state_exists
from twittomatic.state.keys import CrawlKeys

_MOST = 2**40


@click.command(
    short_help="Quote a crawl: requests, resources, dollars, hours, per module.", epilog=EVERYWHERE
)
@module_flags
@click.argument("given", nargs=-1, metavar="TARGET...")
@target_flags
@click.option("--yes", is_flag=True, help="Buy the profiles that the quote needs without asking.")
@click.option("--no-lookup", is_flag=True, help="Buy no profile; use what is known, and the counts given.")
@click.option(
    "--followers",
    type=click.IntRange(0, _MOST),
    metavar="N",
    help="Followers of a target whose profile nobody read.",
)
@click.option(
    "--posts",
    type=click.IntRange(0, _MOST),
    metavar="N",
    help="Posts of a target whose profile nobody read.",
)
@click.option("--json", "json", is_flag=True, help="As one JSON object, money in dollars.")
@settings_options(*CRAWL_SETTINGS)
def plan(
    settings: Settings,
    given: tuple[str, ...],
    column: str | None,
    refresh_names: bool,
    yes: bool,
    no_lookup: bool,
    followers: int | None,
    posts: int | None,
    json: bool,
    **letters: bool,
) -> None:
    """Quote a crawl of TARGETs: requests, resources, dollars and hours, per module.

    The quote comes from the targets' own counts. A profile costs as much as X charges for a user; those that
    are not known yet are bought after asking, once, and are in the quote. The crawl itself is not begun.
    """
    modules = chosen_modules(letters)
    if not given and not only_updates(modules):
        raise SettingsError(NO_TARGET)
    assumed = Counts(followers=followers, posts=posts) if (followers, posts) != (None, None) else None
    run_async(
        _plan(
            settings,
            modules,
            targets.read(given, column=column, refresh_names=refresh_names, network=settings.network),
            yes=yes,
            lookup=not no_lookup,
            assumed=assumed,
            json=json,
        )
    )


async def _plan(
    settings: Settings,
    modules: str,
    wanted: targets.Targets,
    *,
    yes: bool,
    lookup: bool,
    assumed: Counts | None,
    json: bool,
) -> None:
    if not wanted:
        wanted = await asyncio.to_thread(timelines, runtime.layout(settings))
    options = CrawlOptions.of(modules, settings)
    runtime.selection(options, runtime.network(settings, options))  # as the crawl would
    credentials = runtime.given_credentials(settings)
    async with _inside(settings, options, credentials) as parts:
        quoting, nameless = await _known(parts, wanted, assumed)
        count = len(await quoting.unknown()) + len(nameless) if lookup else 0
        if not count:
            await _show(parts, quoting, json=json)
            return
        sentence = await _price(parts, count, yes=yes)
    agreed = yes or _agreed(sentence, count)  # with nothing in the hand that a crawl may need meanwhile
    async with _inside(settings, options, credentials) as parts:
        quoting, _ = await _known(parts, wanted, assumed)
        if agreed:
            runtime.credentials(settings)
            await parts.money.accept()
            with preparing(parts):
                ids = await parts.lookup.resolve(wanted, _say)
                quoting = QuoteBuilder(parts, _some(ids), assumed=assumed)
                await quoting.gather()
                await quoting.buy(await quoting.unknown())
        await _show(parts, quoting, json=json)


@asynccontextmanager
async def _inside(
    settings: Settings, options: CrawlOptions, credentials: Credentials
) -> AsyncIterator[Runtime]:
    """Be connected, with the parts of the crawl; without a budget of one's own, that of the crawl holds."""
    name = runtime.process_name("plan")
    role = Role.VISIT if state_exists(settings.state_directory) else Role.OWN
    async with runtime.connected(settings, role, name) as connection:
        written = await CrawlState(connection, CrawlKeys(settings.crawl)).field("options")
        there = CrawlOptions.read(written) if written else options
        if options.budget_usd is None and there.account == options.account:
            options = msgspec.structs.replace(options, budget_usd=there.budget_usd)
        async with runtime.parts(settings, options, connection, credentials, name) as parts:
            yield parts


async def _known(
    parts: Runtime, wanted: targets.Targets, assumed: Counts | None
) -> tuple[QuoteBuilder, list[str]]:
    """Return what is known without a request, and the names that nobody resolved."""
    nameless = await parts.lookup.unresolved(wanted)
    named = [name for name in wanted.names if name not in nameless]
    ids = await parts.lookup.resolve(
        targets.Targets(ids=wanted.ids, names=named, addresses=wanted.addresses), _say
    )
    quoting = QuoteBuilder(parts, _some(ids, nameless), assumed=assumed, nameless=nameless)
    await quoting.gather()
    return quoting, nameless


async def _show(parts: Runtime, quoting: QuoteBuilder, *, json: bool) -> None:
    quote, left, as_of = quoting.plan(), await parts.money.left(), parts.network.prices.as_of
    if json:
        click.echo(msgspec.json.encode(as_json(quote, prices_as_of=as_of, left=left)).decode())
    else:
        console().print(picture(quote, prices_as_of=as_of, left=left))


async def _price(parts: Runtime, count: int, *, yes: bool) -> str:
    """Say what so many profiles cost, if the budget suffices for them.

    Raises:
        BudgetExhausted: it does not.
        SettingsError: there is nobody to ask.
    """
    sentence = f"To read {profiles(count)} costs {dollars(count * parts.network.prices.user)}"
    if not yes and not sys.stdin.isatty():
        raise SettingsError(
            f"{sentence}; add --yes to buy {_them(count)}, or --no-lookup with --followers and --posts."
        )
    await afford_profiles(parts, count)
    if yes:
        click.echo(f"{sentence}.", err=True)
    return sentence


def _agreed(sentence: str, count: int) -> bool:
    """Ask whether profiles may be bought."""
    with signals.acting(signals.interrupt):  # the loop would learn of a signal only after the answer
        return click.confirm(f"{sentence}. Buy {_them(count)}?", err=True)


def _them(count: int) -> str:
    return "it" if count == 1 else "them"


def _some(ids: Sequence[str], nameless: Sequence[str] = ()) -> Sequence[str]:
    """Return the targets of a plan.

    Raises:
        SettingsError: there is none.
    """
    if not ids and not nameless:
        raise SettingsError("None of the targets can be crawled; there is nothing to quote.")
    return ids


def _say(sentence: str) -> None:
    click.echo(sentence, err=True)
