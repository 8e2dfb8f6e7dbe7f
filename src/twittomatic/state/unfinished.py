"""Jobs that are not done: how far each is, whoever holds it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import msgspec

from twittomatic.model import Checkpoint, Module, queues
from twittomatic.state.connection import Connection
from twittomatic.state.keys import CrawlKeys

_BATCH = 1_000  # users of one round of commands
_SHOWN = 10_000  # lists that are counted; a crawl has as many as its workers have slots
_decode = msgspec.json.Decoder(Checkpoint).decode


class Unfinished:
    """The jobs of one crawl that wait, are leased or delayed.

    Args:
        connection: To the server.
        keys: Of the crawl.
    """

    def __init__(self, connection: Connection, keys: CrawlKeys) -> None:
        self._connection = connection
        self._keys = keys

    async def of(
        self, user_ids: Sequence[str], modules: Sequence[Module]
    ) -> dict[str, dict[Module, Checkpoint]]:
        """Return where the jobs of users stand; who has none is not in it, nor are dead jobs.

        Args:
            user_ids: Decimal, without leading zeros.
            modules: Whose jobs.
        """
        call, keys = self._connection.call, self._keys
        found: dict[str, dict[Module, Checkpoint]] = {}
        for start in range(0, len(user_ids), _BATCH):
            names = [(user_id, module) for user_id in user_ids[start : start + _BATCH] for module in modules]
            values = await asyncio.gather(
                *[
                    call("HMGET", f"{keys.job}{module}:{user_id}", "depth", "checkpoint")
                    for user_id, module in names
                ]
            )
            dead = await asyncio.gather(
                *[call("HEXISTS", keys.dead, f"{module}:{user_id}") for user_id, module in names]
            )
            for (user_id, module), (depth, text), is_dead in zip(names, values, dead, strict=True):
                if depth is not None and not is_dead:
                    found.setdefault(user_id, {})[module] = _decode(text) if text else Checkpoint()
        return found

    async def lists(self) -> int:
        """Count the lists of which a part is bought and nobody downloads the rest at the moment."""
        names: set[tuple[str, Module]] = set()
        for module in Module:
            again, _ = queues(module)
            entries = await self._connection.call("XRANGE", self._keys.jobs(again), "-", "+", "COUNT", _SHOWN)
            names |= {(fields["u"], module) for _, fields in entries}
        for name in await self._connection.call("ZRANGE", self._keys.delayed, 0, _SHOWN):
            module, _, user_id = name.partition(":")
            names.add((user_id, Module(module)))
        found = await self.of([*{user_id for user_id, _ in names}], list(Module))
        return sum(bool(found.get(user_id, {}).get(module, Checkpoint()).part) for user_id, module in names)
