"""Everything in one process: a master that leads and a worker that works."""

from __future__ import annotations

import asyncio

from twittomatic.background import ended
from twittomatic.crawler.master import Master
from twittomatic.crawler.worker import Worker
from twittomatic.state.status import CrawlStatus


async def run_together(master: Master, worker: Worker) -> CrawlStatus:
    """Run both until the crawl ends, is stopped, or the worker leaves; the worker drains in any case.

    Returns:
        How the crawl stands then.

    Raises:
        TwittomaticError: one of them cannot go on.
    """
    leading = asyncio.create_task(master.run())
    working = asyncio.create_task(worker.run())
    try:
        await asyncio.wait([leading, working], return_when=asyncio.FIRST_COMPLETED)
        worker.leave()
        await working  # while the master still leads, so that nobody takes its jobs
        master.leave()
        return await leading
    finally:
        await ended(leading, working)
