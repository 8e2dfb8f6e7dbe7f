"""Operate on a crawl from outside: pause it, resume it, retry its dead jobs, export its frontier."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from itertools import compress
from typing import BinaryIO

from twittomatic.app.connect import connected, process_name
from twittomatic.settings import Settings
from twittomatic.state.admin import JobAdmin
from twittomatic.state.connection import Connection
from twittomatic.state.crawl import CrawlState
from twittomatic.state.embedded.server import Role
from twittomatic.state.frontier import frontiers
from twittomatic.state.jobs import Try
from twittomatic.state.keys import CrawlKeys
from twittomatic.storage.formats import member, to_ids
from twittomatic.storage.idset import IdSet


@asynccontextmanager
async def visiting(settings: Settings) -> AsyncIterator[tuple[Connection, CrawlKeys]]:
    """Connect to the state of a crawl for a block; yield the connection, and the crawl's keys."""
    name = process_name("visitor")
    async with connected(settings, Role.VISIT, name) as connection:
        modules = await CrawlState(connection, CrawlKeys(settings.crawl)).field("modules")
        yield connection, CrawlKeys(settings.crawl, modules)


async def pause(settings: Settings, reason: str) -> str:
    """Pause the crawl; return its phase afterwards, empty if there is no such crawl."""
    async with visiting(settings) as (connection, keys):
        return await CrawlState(connection, keys).pause(reason, by="user")


async def resume(settings: Settings) -> str:
    """Resume a paused crawl; return its phase afterwards, empty if there is no such crawl."""
    async with visiting(settings) as (connection, keys):
        return await CrawlState(connection, keys).resume()


async def dead_jobs(settings: Settings) -> dict[str, list[Try]]:
    """Return every failed try of every dead job, by the name of the job."""
    async with visiting(settings) as (connection, keys):
        return await JobAdmin(connection, keys).dead()


async def retry_jobs(settings: Settings, names: Sequence[str] = ()) -> tuple[int, list[str]]:
    """Queue dead jobs again at their checkpoints.

    Args:
        settings: This process's settings.
        names: Names of the jobs; all dead jobs if there are none.

    Returns:
        How many jobs were queued, and the names that belong to no dead job.
    """
    async with visiting(settings) as (connection, keys):
        admin = JobAdmin(connection, keys)
        wanted = names or tuple(await admin.dead())
        unknown = [name for name in wanted if not await admin.retry(name)]
        return len(wanted) - len(unknown), unknown


async def export_frontier(settings: Settings, target: BinaryIO) -> int:
    """Write the ids in the frontier as gzip, one a line, lowest depth first; return how many there are."""
    count = 0
    async with visiting(settings) as (connection, keys):
        exported = IdSet()
        for frontier in await frontiers(connection, keys.crawl):
            async for ids in frontier.export():
                lines = [one.encode() for one in compress(ids, exported.add(to_ids(ids)))]
                target.write(member(lines))
                count += len(lines)
    if not count:
        target.write(member([]))
    return count
