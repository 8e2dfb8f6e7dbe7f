"""Counts in users' profiles: bought once for a plan, used by the crawl that follows.

An account seldom grows by more than some percent in a week. That there is no such user is good for an hour
only: to ask again costs nothing, and an account that was deactivated may be back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from twittomatic.networks.base import Counts
from twittomatic.state.cache import WEEK_S, keep, read_young
from twittomatic.state.connection import Connection
from twittomatic.state.keys import NetworkKeys

_HOUR_S = 3_600.0


class _Kept(Counts, frozen=True, kw_only=True, omit_defaults=True):
    at: float = 0.0  # seconds since the epoch

    @property
    def good_s(self) -> float:
        was_bought = (self.followers, self.posts) != (None, None) or self.unavailable is None
        return WEEK_S if was_bought else _HOUR_S


_decode = msgspec.json.Decoder(_Kept).decode


class KnownCounts:
    """The counts of a network's users, for all crawls of one account on a server.

    Args:
        connection: To the server.
        keys: Of the account.
    """

    def __init__(self, connection: Connection, keys: NetworkKeys) -> None:
        self._connection = connection
        self._key = keys.counts

    async def read(self, user_ids: Sequence[str], now: float) -> dict[str, Counts]:
        """Return what is known of users and still good.

        Args:
            user_ids: Decimal.
            now: Seconds since the epoch.
        """
        young = await read_young(self._connection, self._key, user_ids, now, _decode)
        return {
            user_id: Counts(followers=kept.followers, posts=kept.posts, unavailable=kept.unavailable)
            for user_id, kept in young.items()
        }

    async def keep(self, counts: Mapping[str, Counts], now: float) -> None:
        """Remember what was bought just now."""
        values = {
            user_id: _Kept(
                followers=known.followers, posts=known.posts, unavailable=known.unavailable, at=now
            )
            for user_id, known in counts.items()
        }
        await keep(self._connection, self._key, values)
