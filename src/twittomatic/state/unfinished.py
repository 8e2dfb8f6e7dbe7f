"""Jobs that are not done: how far each is, whoever holds it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import msgspec

from twittomatic.model import Checkpoint, Module
from twittomatic.state.connection import Connection
from twittomatic.state.keys import CrawlKeys

_BATCH = 1_000  # users of one round of commands
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
