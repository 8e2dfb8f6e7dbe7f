"""Jobs as a repair of the dataset sees them: what they count on, and what has to be done again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Literal

import msgspec

from twittomatic.model import Checkpoint, Module
from twittomatic.state.connection import Connection
from twittomatic.state.keys import CrawlKeys, beginning_with

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

    async def again(self, module: Module, user_id: str, depth: int) -> bool:
        """Queue a job unless there is one, give a dead one another chance; tell whether anything changed."""
        return await self._requeue(module, user_id, depth, "again")

    async def anew(self, module: Module, user_id: str) -> bool:
        """Let a job begin from its beginning; tell whether anything changed."""
        return await self._requeue(module, user_id, 0, "anew")

    async def _requeue(self, module: Module, user_id: str, depth: int, how: Literal["again", "anew"]) -> bool:
        keys = self._keys
        changed = await self._connection.run(
            "requeue",
            [keys.jobs_prefix, keys.job, keys.dead, keys.crawl_hash],
            [module, user_id, depth, how],
        )
        return bool(changed)
