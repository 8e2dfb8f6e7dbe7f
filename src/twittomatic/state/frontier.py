"""The frontier and the seen buckets: every user is discovered once, and waits to be crawled."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from itertools import compress

from twittomatic.errors import LeaseLost
from twittomatic.model import Job, Module, Target
from twittomatic.state.connection import Connection
from twittomatic.state.keys import ASKED, CrawlKeys, beginning_with
from twittomatic.state.leadership import Leadership
from twittomatic.state.redis_errors import decoding, gone
from twittomatic.storage.formats import to_ids
from twittomatic.storage.idset import IdSet

_BATCH = 1000  # one round trip of about 20 KB, and 3 ms of the server
_AVERAGE = 210  # ids of a bucket; measured: with more some buckets outgrow 512 and cost ten times as much
_EXPORTED = 10_000  # ids of one LRANGE
_PROMOTED = 100  # ids of one script that searches lists for them
Fed = tuple[int, int, int, int, str]
"""Targets moved, jobs ready, leased and delayed, and the phase of the crawl."""


async def frontiers(connection: Connection, crawl: str) -> list[Frontier]:
    """Return the frontiers of a crawl, one for each combination of modules that it was ever begun with.

    Users found with one combination wait there until it is begun again, whatever the crawl does meanwhile.
    """
    fields = await connection.call("HKEYS", CrawlKeys(crawl).crawl_hash)
    combinations = sorted(name.removeprefix(ASKED) for name in fields if name.startswith(ASKED))
    return [Frontier(connection, CrawlKeys(crawl, modules)) for modules in combinations]


class Frontier:
    """The targets of one crawl.

    Args:
        connection: Connection to the state server.
        keys: The keys of the crawl and its traversal.
    """

    def __init__(self, connection: Connection, keys: CrawlKeys) -> None:
        self._connection = connection
        self._keys = keys

    async def discover(self, users: Sequence[str], depth: int, *, finder: Job | None = None) -> int:
        """Append the users that were never seen before to a depth's list.

        Args:
            users: Any number, each as `User.entry` writes it: a decimal id without leading zeros, and behind
                it the address, if there is one.
            depth: Their hops from a seed.
            finder: The job that found them, which must still be the caller's.

        Returns:
            How many were new.

        Raises:
            LeaseLost: `finder` belongs to another worker.
        """
        return await self._discover("list", users, 1, depth, finder)

    async def rank(self, targets: Iterable[Target], depth: int, *, finder: Job | None = None) -> int:
        """Send targets to a depth's ranking by their scores; otherwise as `discover`."""
        flat = [text for target in targets for text in (target.entry, repr(target.score))]
        return await self._discover("rank", flat, 2, depth, finder)

    async def _discover(
        self, kind: str, values: Sequence[str], width: int, depth: int, finder: Job | None
    ) -> int:
        keys = [self._keys.seen, self._keys.frontier, self._keys.counters]
        keys.append(self._keys.jobs(finder.queue) if finder else "")
        holder = (finder.entry, finder.consumer) if finder else ("", "")
        found = 0
        for start in range(0, len(values), _BATCH * width):
            batch = values[start : start + _BATCH * width]
            new = await self._connection.run(
                "frontier/discover", keys, [*holder, depth, kind, _AVERAGE, *batch]
            )
            if new < 0:
                raise LeaseLost(f"Job {finder.name if finder else ''} belongs to another worker now.")
            found += new
        return found

    async def promote(self, user_ids: Sequence[str], leadership: Leadership) -> int:
        """Move users who wait at a greater depth to depth 0, since they are seeds now; return how many.

        Args:
            user_ids: Decimal ids without leading zeros, any number.
            leadership: The caller's claim to lead.

        Raises:
            LeadershipLost: another master leads.
        """
        deeper = [depth for depth in await self.sizes() if depth > 0]
        if not deeper or not user_ids:
            return 0
        seeds, moved = IdSet(), 0
        for start in range(0, len(user_ids), _EXPORTED):
            seeds.add(to_ids(user_ids[start : start + _EXPORTED]))
        for depth in deeper:
            found: list[str] = []
            async for entries in self._entries(depth):
                found += compress(entries, seeds.contains(to_ids(_ids(entries))))
            for start in range(0, len(found), _PROMOTED):
                count = await self._connection.run(
                    "frontier/promote",
                    [self._keys.leader, self._keys.frontier],
                    [leadership.name, leadership.epoch, depth, *found[start : start + _PROMOTED]],
                )
                if count < 0:
                    raise leadership.lost()
                moved += count
        return moved

    async def feed(
        self,
        leadership: Leadership,
        *,
        order: str,
        max_depth: int,
        low: int,
        high: int,
        first: Sequence[Module],
        others: Sequence[Module],
    ) -> Fed:
        """Move targets to the job streams as far as there is room, requeue delayed jobs, detect the end.

        Args:
            leadership: The caller's claim to lead.
            order: `bfs`, `dfs` or `priority`.
            max_depth: Deeper targets wait.
            low: Feed while some module of `first` has fewer ready jobs.
            high: Never beyond this many ready jobs of a module of `first`.
            first: The modules that a target begins with.
            others: The other modules of the crawl.

        Raises:
            LeadershipLost: another master leads.
        """
        keys = self._keys
        answer = await self._connection.run(
            "frontier/feed",
            [
                keys.leader,
                keys.crawl_hash,
                keys.frontier,
                keys.counters,
                keys.jobs_prefix,
                keys.job,
                keys.delayed,
                keys.events,
            ],
            [
                leadership.name,
                leadership.epoch,
                order,
                max_depth,
                low,
                high,
                len(first),
                *first,
                *others,
            ],
        )
        if answer[0] == -2:
            raise gone(f"the {answer[1]} jobs of crawl “{self._keys.crawl}”")
        if answer[0] < 0:
            raise leadership.lost()
        moved, ready, leased, delayed, phase = answer
        return moved, ready, leased, delayed, phase

    async def sizes(self) -> dict[int, int]:
        """Return how many targets wait at each depth."""
        with decoding(f"the frontier of crawl “{self._keys.crawl}”"):
            depths = [int(depth) for depth in await self._connection.call("ZRANGE", self._depths, 0, -1)]
        return dict(zip(depths, await asyncio.gather(*map(self._count, depths)), strict=True))

    async def seen(self) -> int:
        """Return how many users were ever discovered."""
        narrow, wide = await self._connection.call("HMGET", f"{self._keys.seen}shape", "n:ids", "w:ids")
        with decoding(f"what crawl “{self._keys.crawl}” has seen"):
            return int(narrow or 0) + int(wide or 0)

    async def export(self) -> AsyncIterator[list[str]]:
        """Yield the waiting ids, some thousand at a time, nearest depth first, removing nothing.

        Targets that the master moves meanwhile may be left out.
        """
        for depth in sorted(await self.sizes()):
            async for ids in self.waiting(depth):
                yield ids

    async def waiting(self, depth: int) -> AsyncIterator[list[str]]:
        """Yield the ids that wait at one depth; otherwise as `export`."""
        async for entries in self._entries(depth):
            yield _ids(entries)

    async def _entries(self, depth: int) -> AsyncIterator[list[str]]:
        """Yield what waits at one depth as it is kept: ids, each with its address, if it has one."""
        for command, key in (("LRANGE", self._list(depth)), ("ZREVRANGE", self._ranking(depth))):
            start = 0
            while entries := await self._connection.call(command, key, start, start + _EXPORTED - 1):
                yield entries
                start += len(entries)

    async def forget(self, leadership: Leadership, *, keep_waiting: bool) -> None:
        """Delete the seen buckets, so that the same targets can be discovered again.

        Args:
            leadership: The caller's claim to lead.
            keep_waiting: Whether users in the frontier stay there, and seen; else they are deleted too.

        Raises:
            LeadershipLost: another master leads, and may have restarted the crawl; nothing more is deleted.
        """
        claim = (leadership.name, leadership.epoch)
        for prefix in (self._keys.seen,) if keep_waiting else (self._keys.seen, self._keys.frontier):
            cursor = "0"
            while True:
                cursor, found = await self._connection.call(
                    "SCAN", cursor, "MATCH", beginning_with(prefix), "COUNT", 1000
                )
                if found and not await self._connection.run(
                    "frontier/forget", [self._keys.leader, *found], claim
                ):
                    raise leadership.lost()
                if int(cursor) == 0:
                    break
        if keep_waiting:
            async for ids in self.export():
                await self._discover("seen", ids, 1, 0, None)

    async def _count(self, depth: int) -> int:
        call = self._connection.call
        listed, ranked = await asyncio.gather(
            call("LLEN", self._list(depth)), call("ZCARD", self._ranking(depth))
        )
        return int(listed) + int(ranked)

    @property
    def _depths(self) -> str:
        return f"{self._keys.frontier}depths"

    def _list(self, depth: int) -> str:
        return f"{self._keys.frontier}list:{depth}"

    def _ranking(self, depth: int) -> str:
        return f"{self._keys.frontier}rank:{depth}"


def _ids(entries: Sequence[str]) -> list[str]:
    return [entry.partition(" ")[0] for entry in entries]
