"""What profiles said of the lists behind them: bought once for a plan, used by the crawl that follows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from twittomatic.networks.base import Counts
from twittomatic.state.connection import Connection
from twittomatic.state.keys import NetworkKeys

_YOUNG_S = 7 * 86_400.0  # an account seldom grows by more than some percent in a week
_BATCH = 1_000  # users of one command


class _Kept(Counts, frozen=True, kw_only=True, omit_defaults=True):
    at: float = 0.0  # seconds since the epoch


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
        """Return what is known of users and not older than a week.

        Args:
            user_ids: Decimal.
            now: Seconds since the epoch.
        """
        found: dict[str, Counts] = {}
        for start in range(0, len(user_ids), _BATCH):
            batch = user_ids[start : start + _BATCH]
            texts = await self._connection.call("HMGET", self._key, *batch)
            for user_id, text in zip(batch, texts, strict=True):
                kept = _decode(text) if text else None
                if kept and now - kept.at <= _YOUNG_S:
                    found[user_id] = Counts(
                        followers=kept.followers, posts=kept.posts, unavailable=kept.unavailable
                    )
        return found

    async def keep(self, counts: Mapping[str, Counts], now: float) -> None:
        """Remember what was bought just now."""
        if counts:
            flat = []
            for user_id, known in counts.items():
                kept = _Kept(
                    followers=known.followers, posts=known.posts, unavailable=known.unavailable, at=now
                )
                flat += [user_id, msgspec.json.encode(kept).decode()]
            await self._connection.call("HSET", self._key, *flat)
