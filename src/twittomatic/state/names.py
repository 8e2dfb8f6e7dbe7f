"""Whose screen names are: bought once a week, for all crawls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from twittomatic.state.connection import Connection
from twittomatic.state.keys import NetworkKeys

_YOUNG_S = 7 * 86_400.0  # names change hands, but seldom; a crawl that has begun keeps to its own memory
_BATCH = 1_000  # names of one command


class _Kept(msgspec.Struct, frozen=True):
    owner: str
    at: float  # seconds since the epoch


_decode = msgspec.json.Decoder(_Kept).decode


class KnownNames:
    """The screen names of a network's users, for all crawls of one account on a server.

    Args:
        connection: To the server.
        keys: Of the account.
    """

    def __init__(self, connection: Connection, keys: NetworkKeys) -> None:
        self._connection = connection
        self._key = keys.names

    async def read(self, names: Sequence[str], now: float) -> dict[str, str]:
        """Return what is known of names and not older than a week: name -> owner, as it was kept.

        Args:
            names: Lower case, without @.
            now: Seconds since the epoch.
        """
        found: dict[str, str] = {}
        for start in range(0, len(names), _BATCH):
            batch = names[start : start + _BATCH]
            texts = await self._connection.call("HMGET", self._key, *batch)
            for name, text in zip(batch, texts, strict=True):
                kept = _decode(text) if text else None
                if kept and now - kept.at <= _YOUNG_S:
                    found[name] = kept.owner
        return found

    async def keep(self, owners: Mapping[str, str], now: float) -> None:
        """Remember what was bought just now: name -> id, or what else is known of it."""
        if owners:
            flat = []
            for name, owner in owners.items():
                flat += [name, msgspec.json.encode(_Kept(owner, now)).decode()]
            await self._connection.call("HSET", self._key, *flat)
