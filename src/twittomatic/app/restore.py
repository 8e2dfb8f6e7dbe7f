"""Rebuild what the state server has lost of a crawl: the ledger, and the job queues."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from twittomatic.app import build
from twittomatic.app.connect import connected, process_name
from twittomatic.crawler.options import CrawlOptions
from twittomatic.errors import TwittomaticError
from twittomatic.networks.registry import account_of
from twittomatic.settings import Settings
from twittomatic.state.admin import JobAdmin
from twittomatic.state.connection import Connection
from twittomatic.state.crawl import CrawlState
from twittomatic.state.embedded.server import Role
from twittomatic.state.keys import CrawlKeys, NetworkKeys
from twittomatic.state.ledger import Ledger


@dataclass(frozen=True, kw_only=True)
class Restored:
    """What `restore` did.

    Attributes:
        account: The account whose ledger was rebuilt.
        spent: Micro-dollars that the ledger says were spent.
        queued: Jobs that were queued again; None if the crawl itself is lost.
        cleared: Whether remains of a lost crawl were removed.
    """

    account: str
    spent: int
    queued: int | None = None
    cleared: bool = False


async def restore(settings: Settings, stated: int | None = None) -> Restored:
    """Rebuild the ledger and the queues of a crawl.

    Args:
        settings: This process's settings.
        stated: Micro-dollars spent in all, as the user states them; None for what the dataset's records say.

    Raises:
        TwittomaticError: a process works on the crawl.
    """
    name = process_name("restore")
    async with connected(settings, Role.OWN, name) as connection:
        crawl = CrawlState(connection, CrawlKeys(settings.crawl))
        modules, written = await crawl.field("modules"), await crawl.field("options")
        jobs = JobAdmin(connection, CrawlKeys(settings.crawl, modules))
        if working := await jobs.active_processes():
            raise TwittomaticError(
                f"Crawl “{settings.crawl}” is at work ({', '.join(working)}); stop it before you restore it."
            )
        options = CrawlOptions.read(written) if written else None
        account = options.account if options else account_of(settings)
        ledger, spent = await restore_ledger(settings, name, connection, account, stated)
        if not options:
            return Restored(account=account, spent=spent, cleared=bool(await jobs.clear()))
        await crawl.set_ledger(account, ledger.id)
        await jobs.create_streams(options.all_modules)
        queued = await jobs.requeue_lost(options.all_modules)
        return Restored(account=account, spent=spent, queued=queued)


async def restore_ledger(
    settings: Settings, name: str, connection: Connection, account: str, stated: int | None
) -> tuple[Ledger, int]:
    """Book again what was spent; return the ledger, and the micro-dollars that its ledger now says."""
    spending = build.spending(settings, name)
    ledger = Ledger(connection, NetworkKeys(account))
    await ledger.find()
    records = await asyncio.to_thread(spending.lost, account, ledger.id)
    behind = await ledger.records_beyond(spending) if ledger.id else {}
    lost = sum(record.most for record in records.values()) if stated is None else 0
    least = lost + sum(record.most for record in behind.values()) if stated is None else stated
    spent = await ledger.repair(lost, least)
    await asyncio.to_thread(spending.book, {**records, **behind}, ledger.id, stated=stated)
    return ledger, spent
