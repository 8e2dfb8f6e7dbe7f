"""A crawl in a state server, for tests of the state itself."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

from twittomatic.model import Job, Module
from twittomatic.state.admin import JobAdmin, Reaper
from twittomatic.state.connection import Connection
from twittomatic.state.crawl import CrawlState
from twittomatic.state.frontier import Fed, Frontier
from twittomatic.state.jobs import Jobs
from twittomatic.state.keys import GROUP, CrawlKeys
from twittomatic.state.leadership import Leadership

NOW = "2026-01-01T00:00:00Z"
MODULES = [Module.TIMELINE, Module.FOLLOWER, Module.ANALYZER]
_numbers = itertools.count()


class LedCrawl:
    """A crawl of the test's own, led by the test.

    Args:
        connection: To the state server.
        name: Name of that connection in the server's list of clients.
    """

    def __init__(self, connection: Connection, name: str = "") -> None:
        self.connection = connection
        self.name = name
        self.keys = CrawlKeys(f"crawl-{next(_numbers)}", "TFA")
        self.leadership = Leadership(connection, self.keys, "master", ttl_s=600)
        self.crawl = CrawlState(connection, self.keys)
        self.frontier = Frontier(connection, self.keys)
        self.admin = JobAdmin(connection, self.keys)
        self.reaper = Reaper(connection, self.keys, lease_s=30)

    async def begin(self) -> None:
        assert await self.leadership.lead()
        await self.crawl.begin("TFA", "{}", NOW)
        await self.crawl.finish_seeding(self.leadership)

    def worker(self, name: str = "worker", connection: Connection | None = None) -> Jobs:
        return Jobs(connection or self.connection, self.keys, name)

    async def feed(self, **changes: Any) -> Fed:
        options = {"order": "bfs", "max_depth": 9, "low": 1000, "high": 1000, "first": [Module.FOLLOWER]}
        options |= {"others": [module for module in MODULES if module is not Module.FOLLOWER]}
        return await self.frontier.feed(self.leadership, **{**options, **changes})

    async def lease_new(self, jobs: Jobs, user_ids: Sequence[int] = (1,)) -> list[Job]:
        """Discover users, and lease their follower jobs."""
        await self.frontier.discover([str(user_id) for user_id in user_ids], 0)
        await self.feed()
        leased = await jobs.lease(Module.FOLLOWER, len(user_ids))
        assert [job.user_id for job in leased] == [str(user_id) for user_id in user_ids]
        return leased

    async def reap(self, modules: Sequence[Module] = MODULES) -> list[str]:
        return await self.reaper.reap(self.leadership, modules, NOW)

    async def be_silent(self, job: Job, milliseconds: int = 30_000) -> None:
        """Make the lease of a job as old as if its holder had been silent for so long."""
        claim = "return redis.call('XCLAIM', KEYS[1], unpack(ARGV))"
        command = (GROUP, job.consumer, 0, job.entry, "IDLE", milliseconds, "JUSTID")
        assert await self.call("EVAL", claim, 1, self.keys.jobs(job.queue), *command) == [job.entry]

    async def take_from(self, job: Job) -> None:
        """Reap a job whose holder is silent."""
        await self.be_silent(job)
        assert await self.reap() == [job.name]

    async def call(self, *command: Any) -> Any:
        return await self.connection.call(*command)

    async def snapshot(self) -> dict[str, str]:
        """Return a digest of each key of this crawl, to see that nothing was changed."""
        names = await self.call("KEYS", f"tw:{{{self.keys.crawl}}}:*")
        digest = "return redis.sha1hex(redis.call('DUMP', KEYS[1]))"
        return {name: await self.call("EVAL", digest, 1, name) for name in sorted(names)}

    async def events(self) -> list[str]:
        return [fields["event"] for _, fields in await self.call("XRANGE", self.keys.events, "-", "+")]
