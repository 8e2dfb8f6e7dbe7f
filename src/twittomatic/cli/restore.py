"""`restore`: the way back when the state server has lost a part of a crawl, or the ledger."""

from __future__ import annotations

import asyncio
import math

import click

from twittomatic.app import runtime
from twittomatic.app.runner import run_async
from twittomatic.cli.options import EVERYWHERE, settings_options
from twittomatic.crawler.options import CrawlOptions, account_of
from twittomatic.errors import TwittomaticError
from twittomatic.model import MICROS_PER_USD, dollars
from twittomatic.settings import Settings
from twittomatic.state.account import Money
from twittomatic.state.connection import Connection
from twittomatic.state.crawl import CrawlState
from twittomatic.state.embedded.server import Role
from twittomatic.state.keys import CrawlKeys, NetworkKeys
from twittomatic.state.requeue import Requeue


@click.command(short_help="Bring back what the state server has lost of a crawl.", epilog=EVERYWHERE)
@click.option(
    "--spent-usd",
    type=click.FloatRange(0, 1e9),
    metavar="AMOUNT",
    help="What was spent in all, as X's bill says; by default what the dataset's records say.",
)
@settings_options("CRAWL", "OUTPUT_DIRECTORY", "REDIS_URL", "STATE_DIRECTORY", "X_API_URL")
def restore(settings: Settings, spent_usd: float | None) -> None:
    """Bring back what the state server has lost of a crawl: keys that were evicted, flushed or deleted.

    What was spent is booked again from the records of the dataset, which are never less than what was
    charged. Jobs whose stream is gone are queued again, at their checkpoints. Of a crawl that itself is gone,
    the rest is removed, so that the same command begins it anew: lists that are whole are not bought again.
    """
    run_async(_restore(settings, None if spent_usd is None else math.ceil(spent_usd * MICROS_PER_USD)))


async def _restore(settings: Settings, stated: int | None) -> None:
    name = runtime.process_name("restore")
    async with runtime.connected(settings, Role.OWN, name) as connection:
        crawl = CrawlState(connection, CrawlKeys(settings.crawl))
        modules, written = await crawl.field("modules"), await crawl.field("options")
        jobs = Requeue(connection, CrawlKeys(settings.crawl, modules))
        if working := await jobs.at_work():
            raise TwittomaticError(
                f"Crawl “{settings.crawl}” is at work ({', '.join(working)}); stop it before you restore it."
            )
        options = CrawlOptions.read(written) if written else None
        account = options.account if options else account_of(settings)
        money = await _restore_ledger(settings, name, connection, account, stated)
        if options:
            await crawl.remember_ledger(account, money.ledger)
            await jobs.open(options.all_modules)
            count = await jobs.put_back(options.all_modules)
            click.echo(f"Jobs queued again: {count:,}.")
        elif await jobs.clear():
            click.echo(f"Crawl “{settings.crawl}” itself is gone; what was left of it is removed.")
        click.echo("Give the same crawl command again to go on.")


async def _restore_ledger(
    settings: Settings, name: str, connection: Connection, account: str, stated: int | None
) -> Money:
    spending = runtime.spending(settings, name)
    money = Money(connection, NetworkKeys(account), budget=None, horizon_s=0)
    money.ledger = await connection.call("HGET", NetworkKeys(account).ledger, "id") or ""
    records = await asyncio.to_thread(spending.lost, account, money.ledger)
    behind = await money.behind(spending) if money.ledger else {}
    lost = sum(record.most for record in records.values()) if stated is None else 0
    least = lost + sum(record.most for record in behind.values()) if stated is None else stated
    spent = await money.rebook(lost, least)
    await asyncio.to_thread(spending.book, {**records, **behind}, money.ledger, stated=stated)
    click.echo(f"The ledger of the account {account} now says that {dollars(spent)} is spent.")
    return money
