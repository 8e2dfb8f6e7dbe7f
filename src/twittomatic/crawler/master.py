"""The master: runs the traversal, feeds the workers, reclaims the jobs of dead ones, detects the end."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress

from twittomatic.background import ended
from twittomatic.clock import Clock, rfc3339, utc
from twittomatic.crawler.options import CrawlOptions
from twittomatic.errors import LeadershipLost
from twittomatic.model import Phase
from twittomatic.state.admin import Reaper
from twittomatic.state.crawl import CrawlState
from twittomatic.state.frontier import Frontier
from twittomatic.state.leadership import Leadership
from twittomatic.state.status import CrawlStatus

_FEED_S = 0.05  # between feeds of the streams; short, since a worker without jobs is idle
_FEED_OFTEN_S = 0.01  # if no more jobs may wait than there are slots
_KEEP_S = 1.0  # between renewals of the leadership, and searches for dead workers
_LOW, _HIGH = 1_000, 20_000  # ready jobs under bfs, whose order is the same in a stream
_log = logging.getLogger(__name__)


class Master:
    """A master of one crawl.

    Args:
        leadership: Its claim to lead.
        crawl: The state of the crawl.
        frontier: The targets that wait.
        reaper: Takes jobs from dead workers.
        options: The crawl's options.
        clock: The time.
    """

    def __init__(
        self,
        leadership: Leadership,
        crawl: CrawlState,
        frontier: Frontier,
        reaper: Reaper,
        options: CrawlOptions,
        clock: Clock,
    ) -> None:
        self._leadership = leadership
        self._crawl = crawl
        self._frontier = frontier
        self._reaper = reaper
        self._options = options
        self._clock = clock
        self._leaving = asyncio.Event()
        self._slots = 0

    def leave(self) -> None:
        """Stop leading at once."""
        self._leaving.set()

    async def seed(self, user_ids: Sequence[str]) -> int:
        """Send seeds to the frontier; return how many were never seen before.

        Raises:
            LeadershipLost: another master leads.
        """
        new = await self._frontier.discover(user_ids, 0)
        await self._crawl.finish_seeding(self._leadership, new)
        return new

    async def run(self) -> CrawlStatus:
        """Lead until the crawl is finished, the network stops it, or `leave` is called.

        Raises:
            LeadershipLost: another master leads.
            StateError: the server cannot be used.
        """
        keeping = asyncio.create_task(self._keep())
        feeding = asyncio.create_task(self._feed())
        leaving = asyncio.create_task(self._leaving.wait())
        tasks = [keeping, feeding, leaving]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
            return await self._crawl.status()
        finally:
            await ended(*tasks)

    async def _keep(self) -> None:
        """Stay the leader, and look after the workers; end when the network has stopped the crawl."""
        modules = self._options.all_modules
        while True:
            await self._leadership.lead()
            now = rfc3339(utc(self._clock.now()))
            taken: list[str] = []
            with suppress(LeadershipLost):  # then the next round fails to lead, if another master does
                taken = await self._reaper.reap(self._leadership, modules, now)
            for name in taken:
                _log.warning("took a job from a worker that is gone", extra={"job": name})
            status = await self._crawl.status()
            self._slots = sum(worker.slots for worker in status.workers.values())
            if status.phase is Phase.PAUSED and status.paused_by == "network":
                return
            await self._clock.sleep(_KEEP_S)

    async def _feed(self) -> None:
        """Keep the workers busy; end when the crawl is finished."""
        options = self._options
        first = options.first_modules
        others = [module for module in options.all_modules if module not in first]
        while True:
            low, high = _LOW, _HIGH
            if options.traversal != "bfs":  # what waits in a stream can no longer be overtaken
                low = high = max(1, self._slots)
            try:
                moved, _, _, _, phase = await self._frontier.feed(
                    self._leadership,
                    order=options.traversal,
                    max_depth=options.max_depth,
                    low=low,
                    high=high,
                    first=first,
                    others=others,
                )
            except LeadershipLost:
                await self._leadership.lead()  # this process slept for long, and no other master took over
                continue
            if phase == Phase.FINISHED:
                return
            if moved < _LOW:
                await self._clock.sleep(_FEED_S if options.traversal == "bfs" else _FEED_OFTEN_S)
