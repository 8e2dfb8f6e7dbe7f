"""`plan`: what a crawl would cost, before anything is spent."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click
import msgspec
from rich.console import Console

from twittomatic.cli import compose
from twittomatic.cli.crawling import CRAWL_SETTINGS, chosen_modules, module_flags
from twittomatic.cli.options import EVERYWHERE, settings_options
from twittomatic.cli.quoting import Quoting, as_json, picture
from twittomatic.cli.running import run_async
from twittomatic.crawler import targets
from twittomatic.crawler.options import CrawlOptions
from twittomatic.errors import SettingsError
from twittomatic.fetch.credentials import Credentials
from twittomatic.model import usd
from twittomatic.networks.base import Counts
from twittomatic.settings import Settings
from twittomatic.state.server import Role, state_exists

_MOST = 2**40


@click.command(
    short_help="Quote a crawl: requests, resources, dollars, hours, per module.", epilog=EVERYWHERE
)
@module_flags
@click.argument("given", nargs=-1, metavar="TARGET...", required=True)
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
    assumed = Counts(followers=followers, posts=posts) if (followers, posts) != (None, None) else None
    run_async(
        _plan(
            settings,
            chosen_modules(letters),
            given,
            yes=yes,
            lookup=not no_lookup,
            assumed=assumed,
            json=json,
        )
    )


async def _plan(
    settings: Settings,
    modules: str,
    given: Sequence[str],
    *,
    yes: bool,
    lookup: bool,
    assumed: Counts | None,
    json: bool,
) -> None:
    wanted = targets.read(given)
    options = CrawlOptions.of(modules, settings)
    compose.selection(options, compose.network(settings, options))  # as the crawl would
    credentials = Credentials.load(settings.x_bearer_tokens, settings.x_user_tokens)
    name = compose.process_name("plan")
    role = Role.VISIT if state_exists(settings.state_directory) else Role.OWN
    async with (
        compose.connected(settings, role, name) as connection,
        compose.parts(settings, options, connection, credentials, name) as parts,
    ):
        known = await parts.crawl.names(wanted.names)
        nameless = [name for name in wanted.names if name not in known]
        resolved = targets.Targets(ids=wanted.ids, names=[name for name in wanted.names if name in known])
        quoting = Quoting(
            parts, await parts.lookup.resolve(resolved, _say), assumed=assumed, nameless=nameless
        )
        await quoting.gather()
        if lookup:
            unknown = await quoting.unknown()
            count = len(unknown) + len(nameless)
            if count and _agreed(count, parts.network.prices.user, yes=yes):
                compose.credentials(settings)
                await parts.money.accept()
                ids = await parts.lookup.resolve(wanted, _say)
                quoting = Quoting(parts, ids, assumed=assumed)
                await quoting.gather()
                await quoting.buy(await quoting.unknown())
        quote, left = quoting.plan(), await parts.money.left()
        as_of = parts.network.prices.as_of
        if json:
            click.echo(msgspec.json.encode(as_json(quote, prices_as_of=as_of, left=left)).decode())
        else:
            Console(highlight=False).print(picture(quote, prices_as_of=as_of, left=left))


def _agreed(count: int, price: int, *, yes: bool) -> bool:
    """Ask whether profiles may be bought."""
    sentence = f"To read {count:,} profile{'' if count == 1 else 's'} costs ${usd(count * price):,.2f}"
    if yes:
        click.echo(f"{sentence}.", err=True)
        return True
    if not sys.stdin.isatty():
        raise SettingsError(
            f"{sentence}; add --yes to buy them, or --no-lookup with --followers and --posts."
        )
    return click.confirm(f"{sentence}. Buy them?", err=True)


def _say(sentence: str) -> None:
    click.echo(sentence, err=True)
