"""Jobs as a repair of the dataset sees them: what they count on, and what has to be done again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from typing import Literal

import msgspec

from twittomatic.errors import StateError
from twittomatic.model import Checkpoint, Module, queues
from twittomatic.state.connection import Connection
from twittomatic.state.keys import GROUP, CrawlKeys, beginning_with

_SCANNED = 1000  # job hashes of one round trip
_decode = msgspec.json.Decoder(Checkpoint).decode


class Requeue:
    """The jobs of a crawl on which nobody works.

    Args:
        connection: To the server.
        keys: Of the crawl.
    """

    def __init__(self, connection: Connection, keys: CrawlKeys) -> None:
        self._connection = connection
        self._keys = keys

    async def at_work(self) -> list[str]:
        """Return the names of the processes that lead the crawl or work for it, dead ones left out."""
        call, keys = self._connection.call, self._keys
        leader = await call("HGET", keys.leader, "name")
        names = {*await call("HKEYS", keys.workers), *([leader] if leader else [])}
        connected = await self._connection.names()
        if connected is None:  # whoever died is not known to
            return [leader] if leader else []
        return sorted(names & connected)

    async def begun(self) -> AsyncIterator[tuple[Module, str, Checkpoint]]:
        """Yield module, user id and checkpoint of every job that has one, dead ones too."""
        call, prefix, cursor = self._connection.call, self._keys.job, "0"
        while True:
            cursor, found = await call("SCAN", cursor, "MATCH", beginning_with(prefix), "COUNT", _SCANNED)
            for key in found:
                if text := await call("HGET", key, "checkpoint"):
                    module, _, user_id = key.removeprefix(prefix).partition(":")
                    yield Module(module), user_id, _decode(text)
            if int(cursor) == 0:
                return

    async def put_back(self, modules: Sequence[Module]) -> int:
        """Queue the jobs that are in no place since their stream vanished; return how many there were.

        Args:
            modules: Of the crawl.
        """
        call, keys, found = self._connection.call, self._keys, 0
        placed: set[str] = set()
        for queue in (queue for module in modules for queue in queues(module)):
            start, module = "-", queue.partition(":")[0]
            while entries := await call("XRANGE", keys.jobs(queue), start, "+", "COUNT", _SCANNED):
                placed |= {f"{module}:{fields['u']}" for _, fields in entries}
                start = f"({entries[-1][0]}"
        cursor = "0"
        while True:
            cursor, hashes = await call("SCAN", cursor, "MATCH", beginning_with(keys.job), "COUNT", _SCANNED)
            for name in {key.removeprefix(keys.job) for key in hashes} - placed:
                dead, due = await asyncio.gather(
                    call("HEXISTS", keys.dead, name), call("ZSCORE", keys.delayed, name)
                )
                if not dead and due is None:
                    module, _, user_id = name.partition(":")
                    found += await self._requeue(Module(module), user_id, 0, "back")
                    placed.add(name)
            if int(cursor) == 0:
                return found

    async def open(self, modules: Sequence[Module]) -> None:
        """Create the streams that are missing, with their groups, also those that vanished."""
        for queue in (queue for module in modules for queue in queues(module)):
            with suppress(StateError):  # it is there
                await self._connection.call(
                    "XGROUP", "CREATE", self._keys.jobs(queue), GROUP, "0", "MKSTREAM"
                )

    async def clear(self) -> int:
        """Remove what is left of a crawl that is gone, but its events; return how many keys there were."""
        call, cursor, removed = self._connection.call, "0", 0
        kept = {self._keys.events, self._keys.sinks}
        prefix = self._keys.crawl_hash.removesuffix("crawl")
        while True:
            cursor, found = await call("SCAN", cursor, "MATCH", beginning_with(prefix), "COUNT", _SCANNED)
            if gone := [key for key in found if key not in kept]:
                removed += await call("UNLINK", *gone)
            if int(cursor) == 0:
                return removed

    async def again(self, module: Module, user_id: str, depth: int) -> bool:
        """Queue a job unless there is one, give a dead one another chance; tell whether anything changed."""
        return await self._requeue(module, user_id, depth, "again")

    async def anew(self, module: Module, user_id: str) -> bool:
        """Let a job begin from its beginning; tell whether anything changed."""
        return await self._requeue(module, user_id, 0, "anew")

    async def _requeue(
        self, module: Module, user_id: str, depth: int, how: Literal["again", "anew", "back"]
    ) -> bool:
        keys = self._keys
        changed = await self._connection.run(
            "jobs/requeue",
            [keys.jobs_prefix, keys.job, keys.dead, keys.crawl_hash],
            [module, user_id, depth, how],
        )
        return bool(changed)
