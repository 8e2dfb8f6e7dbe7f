"""What a finished crawl left undone: it is named at the end, and the exit code tells scripts of it."""

from __future__ import annotations

from collections.abc import Sequence

import click

from twittomatic.cli.compose import Parts
from twittomatic.cli.display import are_dead
from twittomatic.model import Module
from twittomatic.state.connection import Connection
from twittomatic.state.crawl import CrawlState
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
    jobs = (await CrawlState(connection, keys).progress()).jobs
    dead = sum(jobs[module].dead for module in modules)
    if not dead:
        return FINISHED
    recovery = Recovery(connection, keys, lease_s=0)
    for name, tries in (await recovery.some_dead(modules, _NAMED)).items():
        click.echo(printable(f"{name} is dead: {tries[-1].reason}"), err=True)
    click.echo(
        f"Crawl “{keys.crawl}” is finished, but {are_dead(dead)}: `twittomatic jobs dead` lists "
        f"{'it' if dead == 1 else 'them all'}, and the same command tries again.",
        err=True,
    )
    return LEFT_UNDONE


async def try_again(parts: Parts) -> None:
    """Give what the crawl left undone another chance, once for each time the command is given."""
    if revived := await parts.recovery.revive_all(parts.options.all_modules):
        click.echo(f"Dead jobs that are tried again: {revived:,}.")
