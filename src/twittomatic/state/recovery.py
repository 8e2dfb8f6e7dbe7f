"""Jobs as a master sees them: taken from workers that are gone, and given another chance."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

from twittomatic.model import Module
from twittomatic.state.connection import Connection
from twittomatic.state.jobs import Try, read_tries
from twittomatic.state.keys import CrawlKeys
from twittomatic.state.leadership import Leadership

_DEATHS = 6  # of workers that held a job, without a page between them: then it is the job
_SCANNED = 1_000  # dead jobs of one round trip


class Recovery:
    """Brings back what others left.

    Args:
        connection: To the server.
        keys: Of the crawl.
        lease_s: Silence after which a worker's jobs are taken.
    """

    def __init__(self, connection: Connection, keys: CrawlKeys, *, lease_s: float) -> None:
        self._connection = connection
        self._keys = keys
        self._lease_ms = int(lease_s * 1000)
        self._missing: set[str] = set()

    async def reap(self, leadership: Leadership, modules: Sequence[Module], now: str) -> list[str]:
        """Take jobs from workers that are silent for a lease, or whose connections are gone.

        A worker without a connection is believed gone when two calls in a row miss it, and the server was
        there all the time: connections come and go when it does.

        Args:
            leadership: The caller's claim to lead.
            modules: Of the crawl.
            now: RFC 3339.

        Returns:
            The names of the jobs taken.

        Raises:
            LeadershipLost: another master leads.
        """
        keys = self._keys
        gone = await self._gone()
        taken: list[str] = []
        answer = await self._connection.run(
            "jobs/reap",
            [keys.leader, keys.jobs_prefix, keys.job, keys.dead, keys.workers, keys.events, keys.delayed],
            [
                leadership.name,
                leadership.epoch,
                self._lease_ms,
                _DEATHS,
                now,
                len(modules),
                *modules,
                *sorted(gone),
            ],
        )
        if answer == [-1]:
            raise leadership.lost()
        taken.extend(answer)
        return taken

    async def dead(self) -> dict[str, list[Try]]:
        """Return the dead jobs, `module:user_id`, each with its last tries: it died of the last one."""
        dead = await self._connection.call("HGETALL", self._keys.dead)
        return {name: read_tries(text) for name, text in dead.items()}

    async def some_dead(self, modules: Sequence[Module], most: int) -> dict[str, list[Try]]:
        """Return up to `most` dead jobs of some modules; otherwise as `dead`."""
        some: dict[str, list[Try]] = {}
        async for found in self._scan(min(most, _SCANNED)):
            for name, text in found.items():
                if name.partition(":")[0] in modules and len(some) < most:
                    some[name] = read_tries(text)
            if len(some) == most:
                break
        return some

    async def revive_all(self, modules: Sequence[Module]) -> int:
        """Give every dead job of some modules another chance, where it stopped; return how many."""
        count = 0
        async for found in self._scan():
            names = [name for name in found if name.partition(":")[0] in modules]
            count += sum(await asyncio.gather(*map(self.revive, names)))
        return count

    async def revive(self, name: str) -> bool:
        """Give a dead job another chance, where it stopped; False when there is no such dead job."""
        module, _, user_id = name.partition(":")
        keys = self._keys
        done = await self._connection.run(
            "jobs/retry", [keys.jobs_prefix, keys.job, keys.dead, keys.crawl_hash], [module, user_id]
        )
        return bool(done)

    async def _scan(self, count: int = _SCANNED) -> AsyncIterator[dict[str, str]]:
        """Yield the dead jobs in pieces; one that dies meanwhile may be missing."""
        cursor = "0"
        while True:
            cursor, found = await self._connection.call("HSCAN", self._keys.dead, cursor, "COUNT", count)
            yield found
            if int(cursor) == 0:
                return

    async def _gone(self) -> set[str]:
        workers = set(await self._connection.call("HKEYS", self._keys.workers))
        if not workers or not self._connection.is_settled:
            self._missing = set()
            return set()
        connected = await self._connection.names()
        if connected is None:  # the lease will tell
            return set()
        missing = workers - connected
        gone = missing & self._missing
        self._missing = missing
        return gone
