"""`plan`: quote a crawl before anything is spent."""

from __future__ import annotations

import sys

import click
import msgspec

from twittomatic.app import build, runtime
from twittomatic.app.plan import buy_quote, known_quote, plan_runtime
from twittomatic.app.start import targets_or_timelines
from twittomatic.cli import signals
from twittomatic.cli.crawl import NO_TARGET
from twittomatic.cli.observer import Terminal, warn
from twittomatic.cli.options import (
    CRAWL_SETTINGS,
    EVERYWHERE,
    chosen_modules,
    module_flags,
    settings_options,
    target_flags,
)
from twittomatic.cli.render.quote import as_json, picture
from twittomatic.cli.render.table import console
from twittomatic.cli.runner import run_async
from twittomatic.errors import SettingsError
from twittomatic.model import dollars, only_updates
from twittomatic.networks.base import Counts
from twittomatic.planning.quote import Quote, profiles, require_profiles
from twittomatic.planning.targets import Targets
from twittomatic.planning.targets import read as read_targets
from twittomatic.settings import Settings

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
    help="Followers of each target whose profile is not known.",
)
@click.option(
    "--posts",
    type=click.IntRange(0, _MOST),
    metavar="N",
    help="Posts of each target whose profile is not known.",
)
@click.option("--json", "json", is_flag=True, help="Print one JSON object, with money in dollars.")
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

    The quote comes from the targets' own counts. Profiles that are not known yet are bought once, after a
    prompt, at the network's price for a user, and are in the quote. The crawl itself is not started.
    """
    modules = chosen_modules(letters)
    if not given and not only_updates(modules):
        raise SettingsError(NO_TARGET)
    assumed = Counts(followers=followers, posts=posts) if (followers, posts) != (None, None) else None
    run_async(
        _plan(
            settings,
            modules,
            read_targets(given, column=column, refresh_names=refresh_names, network=settings.network),
            yes=yes,
            lookup=not no_lookup,
            assumed=assumed,
            json=json,
        )
    )


async def _plan(
    settings: Settings,
    modules: str,
    wanted: Targets,
    *,
    yes: bool,
    lookup: bool,
    assumed: Counts | None,
    json: bool,
) -> None:
    wanted = await targets_or_timelines(build.layout(settings), modules, wanted)
    observer = Terminal()
    async with plan_runtime(settings, modules) as parts:
        builder, unresolved = await known_quote(parts, wanted, assumed, observer)
        count = len(await builder.unknown()) + len(unresolved) if lookup else 0
        if not count:
            _show(await builder.quote(), json=json)
            return
        is_free = parts.network.prices.is_free
        sentence = "" if is_free else await _price(parts, count, yes=yes)
    # Ask while nothing is open that a crawl may need meanwhile.
    agreed = yes or is_free or _agreed(sentence, count)
    async with plan_runtime(settings, modules) as parts:
        if agreed:
            build.credentials(settings)
            await parts.account.accept()
            builder = await buy_quote(parts, wanted, assumed, observer)
        else:
            builder, _ = await known_quote(parts, wanted, assumed, observer)
        _show(await builder.quote(), json=json)


def _show(quote: Quote, *, json: bool) -> None:
    if json:
        click.echo(msgspec.json.encode(as_json(quote)).decode())
    else:
        console().print(picture(quote))


async def _price(parts: runtime.Runtime, count: int, *, yes: bool) -> str:
    """Return a sentence on what so many profiles cost.

    Raises:
        BudgetExhausted: the budget does not cover them.
        SettingsError: there is no terminal to ask on.
    """
    sentence = f"To read {profiles(count)} costs {dollars(count * parts.network.prices.user)}"
    if not yes and not sys.stdin.isatty():
        raise SettingsError(
            f"{sentence}; add --yes to buy {_them(count)}, or --no-lookup with --followers and --posts."
        )
    await require_profiles(parts.account, parts.options.budget, parts.network, count)
    if yes:
        warn(f"{sentence}.")
    return sentence


def _agreed(sentence: str, count: int) -> bool:
    """Ask whether profiles may be bought."""
    with signals.acting(signals.interrupt):  # the loop would learn of a signal only after the answer
        return click.confirm(f"{sentence}. Buy {_them(count)}?", err=True)


def _them(count: int) -> str:
    return "it" if count == 1 else "them"
