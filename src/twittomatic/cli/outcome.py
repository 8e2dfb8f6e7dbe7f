"""What a finished crawl left undone: it is named at the end, and the exit code tells scripts of it."""

from __future__ import annotations

from collections.abc import Sequence

import click

from twittomatic.app.runtime import Runtime
from twittomatic.cli.render.status import are_dead, ended_early
from twittomatic.model import Ending, Module
from twittomatic.state.connection import Connection
from twittomatic.state.crawl import CrawlState
from twittomatic.state.early import EarlyEnd, EarlyEnds
from twittomatic.state.keys import CrawlKeys
from twittomatic.state.recovery import Recovery
from twittomatic.storage.verify import printable

FINISHED, LEFT_UNDONE = 0, 1
_NAMED = 10  # jobs; a crawl that lost its network can have millions


async def conclude(connection: Connection, keys: CrawlKeys, modules: Sequence[Module]) -> int:
    """Name what is left undone of a finished crawl, and return its exit code.

    Args:
        connection: To the state server.
        keys: Of the crawl.
        modules: Of the crawl; what other modules left undone is not this command's concern.
    """
    jobs = (await CrawlState(connection, keys).status()).jobs
    dead = sum(jobs[module].dead for module in modules)
    early = await _name_early(connection, keys, modules)
    if dead:
        recovery = Recovery(connection, keys, lease_s=0)
        for name, tries in (await recovery.some_dead(modules, _NAMED)).items():
            click.echo(printable(f"{name} is dead: {tries[-1].reason}"), err=True)
    left = [are_dead(dead)] * (dead > 0) + [ended_early(early)] * (early > 0)
    if not left:
        return FINISHED
    hint = "; `twittomatic jobs dead` lists every attempt" if dead else ""
    more = "; the same command retries them" if dead else ""
    click.echo(f"Crawl “{keys.crawl}” is finished, but {' and '.join(left)}{hint}{more}.", err=True)
    return LEFT_UNDONE


async def _name_early(connection: Connection, keys: CrawlKeys, modules: Sequence[Module]) -> int:
    """Name the first lists that ended too early, and return how many there are."""
    count = 0
    async for name, early in EarlyEnds(connection, keys).all(modules):
        count += 1
        if count <= _NAMED:
            click.echo(printable(_sentence(name, early)), err=True)
    return count


def _sentence(name: str, early: EarlyEnd) -> str:
    of = "" if early.claimed is None else f" of the {early.claimed:,} that the profile claims"
    if early.ending is Ending.SHORT:
        more = "asking again is free" if early.more else "--refresh-older-than 0s buys it again"
        return f"{name} ended short: {early.lines:,}{of}; {more}."
    more = "the same command continues from there" if early.more else "another crawl starts it again"
    return f"{name} stalled at {early.lines:,}{of}, since no new records came for too long; {more}."


async def try_again(parts: Runtime) -> None:
    """Give what the crawl left undone another chance, once for each time the command is given."""
    early = await EarlyEnds(parts.connection, parts.keys).try_again(parts.options.all_modules)
    if early:
        click.echo(f"Lists that ended too early and are continued: {early:,}.")
    if revived := await parts.recovery.revive_all(parts.options.all_modules):
        click.echo(f"Dead jobs that are retried: {revived:,}.")
