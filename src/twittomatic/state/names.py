"""Whose screen names are: bought once a week, for all crawls.

Names change hands, but seldom; a crawl that has begun keeps to its own memory.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from twittomatic.state.connection import Connection
from twittomatic.state.keys import NetworkKeys
from twittomatic.state.remembered import keep, read_young


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
        young = await read_young(self._connection, self._key, names, now, _decode)
        return {name: kept.owner for name, kept in young.items()}

    async def keep(self, owners: Mapping[str, str], now: float) -> None:
        """Remember what was bought just now: name -> id, or what else is known of it."""
        values = {name: _Kept(owner, now) for name, owner in owners.items()}
        await keep(self._connection, self._key, values)
