"""Owners of screen names, shared by all crawls and bought again after a week.

Names change hands, but seldom; a crawl that has begun keeps to its own memory. That a name has no owner is
never kept: to ask again costs nothing, and an account that was deactivated yesterday may be back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from twittomatic.model import User
from twittomatic.state.cache import WEEK_S, forget, keep, read_young
from twittomatic.state.connection import Connection
from twittomatic.state.keys import NetworkKeys


class _Kept(msgspec.Struct, frozen=True):
    owner: str
    at: float  # seconds since the epoch

    @property
    def good_s(self) -> float:
        return WEEK_S


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

    async def read(self, names: Sequence[str], now: float, *, since: float | None = None) -> dict[str, str]:
        """Return the owners that are known and were bought within a week: name -> `User.entry`.

        Args:
            names: Lower case, without @.
            now: Seconds since the epoch.
            since: Leave out what was bought before, seconds since the epoch.
        """
        young = await read_young(self._connection, self._key, names, now, _decode)
        return {
            name: kept.owner
            for name, kept in young.items()
            if User.read(kept.owner).user_id.isdigit()  # earlier versions kept `?`
            and (since is None or kept.at >= since)
        }

    async def forget(self, names: Sequence[str]) -> None:
        """Remove names, so that they are asked for again."""
        await forget(self._connection, self._key, names)

    async def keep(self, owners: Mapping[str, str], now: float) -> None:
        """Remember what was bought just now: name -> `User.entry`."""
        values = {name: _Kept(owner, now) for name, owner in owners.items()}
        await keep(self._connection, self._key, values)
