"""Lists that ended too early: short of what was claimed, or stalled; until a later attempt does better."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

import msgspec

from twittomatic.model import NO_JSON, Ending, Module
from twittomatic.state.connection import Connection
from twittomatic.state.keys import CrawlKeys
from twittomatic.state.requeue import Requeue

_SCANNED = 1_000  # lists of one round trip


class EarlyEnd(msgspec.Struct, frozen=True, kw_only=True):
    """A list that ended too early.

    Attributes:
        ending: `short` or `stalled`.
        lines: Records that there are of it.
        claimed: The count that the network claims, None where it is not known.
        more: Whether a later attempt can go on with it, or try it again without cost.
        depth: Hops of its target from a seed.
    """

    ending: Ending
    lines: int
    claimed: int | None = None
    more: bool = False
    depth: int = 0


_decode = msgspec.json.Decoder(EarlyEnd).decode


def encode_early(early: EarlyEnd) -> str:
    """Return it as JSON."""
    return msgspec.json.encode(early).decode()


class EarlyEnds:
    """The lists of one crawl that ended too early.

    Args:
        connection: To the server.
        keys: Of the crawl.
    """

    def __init__(self, connection: Connection, keys: CrawlKeys) -> None:
        self._connection = connection
        self._keys = keys

    async def all(self, modules: Sequence[Module]) -> AsyncIterator[tuple[str, EarlyEnd]]:
        """Yield those of some modules, `module:user_id` first."""
        for key in (self._keys.short, self._keys.stalled):
            cursor = "0"
            while True:
                cursor, found = await self._connection.call("HSCAN", key, cursor, "COUNT", _SCANNED)
                for name, text in found.items():
                    early = _read(text)
                    if early and name.partition(":")[0] in modules:
                        yield name, early
                if int(cursor) == 0:
                    break

    async def try_again(self, modules: Sequence[Module]) -> int:
        """Queue the jobs of those that can be gone on with; return how many."""
        requeue, count = Requeue(self._connection, self._keys), 0
        async for name, early in self.all(modules):
            module, _, user_id = name.partition(":")
            if early.more:
                count += await requeue.again(Module(module), user_id, early.depth)
        return count


def _read(text: str) -> EarlyEnd | None:
    try:
        return _decode(text)
    except NO_JSON:  # what others wrote into the server
        return None
