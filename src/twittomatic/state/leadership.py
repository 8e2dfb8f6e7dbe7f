"""Leader election: one master at a time, each under a greater epoch."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from twittomatic.background import ended
from twittomatic.errors import LeadershipLost
from twittomatic.state.connection import Connection
from twittomatic.state.keys import CrawlKeys
from twittomatic.state.redis_errors import gone


class Leadership:
    """One master's claim to a crawl.

    Args:
        connection: Connection to the state server.
        keys: The crawl's keys.
        name: Unique name of this master.
        ttl_s: Seconds after which a silent leader is deposed.
    """

    def __init__(self, connection: Connection, keys: CrawlKeys, name: str, *, ttl_s: float = 3.0) -> None:
        self._connection = connection
        self._keys = keys
        self.name = name
        self._ttl_ms = int(ttl_s * 1000)
        self.epoch = 0
        self.crawl_id = ""
        self._new_id = secrets.token_hex(8)
        self.other = ""
        self._leading = asyncio.Lock()  # or two tasks that wake up late ask with an epoch that is over

    async def lead(self) -> bool:
        """Take or renew the leadership; return False when another master leads, and set `other` to its name.

        While it is taken the caller counts as a standby for the time that a leadership lasts, so that
        workers wait for it when the leader is gone.

        Raises:
            LeadershipLost: this master led, and no longer does.
            StateLost: the crawl is gone from the server.
        """
        async with self._leading:
            epoch, *seen = await self._connection.run(
                "leader/acquire",
                [self._keys.leader, self._keys.crawl_hash, self._keys.standbys],
                [self.name, self.epoch, self._ttl_ms, self._new_id, self.crawl_id],
            )
            if epoch < 0:
                raise gone(f"crawl “{self._keys.crawl}”")
            leader, self.crawl_id = seen
            if not epoch:
                if self.epoch:
                    raise self.lost()
                self.other = leader
                return False
            self.epoch, self.other = epoch, ""
            return True

    async def resign(self) -> None:
        """Give up the leadership, or stop standing by for it."""
        if self.epoch or self.other:
            await self._connection.run(
                "leader/release", [self._keys.leader, self._keys.standbys], [self.name, self.epoch]
            )
            self.epoch, self.other = 0, ""

    @asynccontextmanager
    async def kept(self) -> AsyncIterator[None]:
        """Keep the leadership during a block that may take longer than it lasts.

        Raises:
            LeadershipLost: at the end of the block; another master leads.
        """
        keeping = asyncio.create_task(self._keep())
        try:
            yield
            if keeping.done():
                keeping.result()
        finally:
            await ended(keeping)

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(self._ttl_ms / 3000)
            await self.lead()

    def lost(self) -> LeadershipLost:
        """Return the error for a script that was refused."""
        return LeadershipLost(
            f"This process no longer leads crawl “{self._keys.crawl}”: another master took over, or the "
            "state server took no writes for too long. It stops; the same command resumes the crawl."
        )
