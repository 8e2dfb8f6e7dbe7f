"""Caches shared by all crawls of an account, of names and counts that were bought within a week.

Each is a hash of JSON values, stamped with the time at which they were bought. That something does not exist
is kept for an hour or not at all: asking again is free, and a user who was deactivated yesterday may be back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, TypeVar

import msgspec

from twittomatic.model import User
from twittomatic.networks.base import Counts
from twittomatic.state.connection import Connection
from twittomatic.state.keys import NetworkKeys

_WEEK_S = 7 * 86_400.0  # in which an account seldom grows by more than some percent
_HOUR_S = 3_600.0
_BATCH = 1_000  # fields of one command


class _Entry(Protocol):
    """A value of a cache."""

    @property
    def at(self) -> float:
        """When it was bought, seconds since the epoch."""
        ...

    @property
    def good_s(self) -> float:
        """How long it is good, in seconds."""
        ...


_E = TypeVar("_E", bound=_Entry)


class _Name(msgspec.Struct, frozen=True):
    owner: str
    at: float

    @property
    def good_s(self) -> float:
        return _WEEK_S


class _Counts(Counts, frozen=True, kw_only=True, omit_defaults=True):
    at: float = 0.0

    @property
    def good_s(self) -> float:
        was_bought = (self.followers, self.posts) != (None, None) or self.unavailable is None
        return _WEEK_S if was_bought else _HOUR_S


_decode_name = msgspec.json.Decoder(_Name).decode
_decode_counts = msgspec.json.Decoder(_Counts).decode


class NameCache:
    """The owners of screen names.

    Names seldom change hands; a crawl that has begun keeps to the owners that it knows. That a name has no
    owner is never kept.

    Args:
        connection: Connection to the state server.
        keys: The account's keys.
    """

    def __init__(self, connection: Connection, keys: NetworkKeys) -> None:
        self._connection = connection
        self._key = keys.names

    async def read(self, names: Sequence[str], now: float, *, since: float | None = None) -> dict[str, str]:
        """Return the owners that are known and were bought within a week: name -> `User.entry`.

        Args:
            names: Lower case, without @.
            now: Seconds since the epoch.
            since: Leave out what was bought earlier, seconds since the epoch.
        """
        fresh = await _read(self._connection, self._key, names, now, _decode_name)
        return {
            name: entry.owner
            for name, entry in fresh.items()
            if User.read(entry.owner).user_id.isdigit()  # earlier versions kept `?`
            and (since is None or entry.at >= since)
        }

    async def forget(self, names: Sequence[str]) -> None:
        """Remove names, so that they are asked for again."""
        for start in range(0, len(names), _BATCH):
            await self._connection.call("HDEL", self._key, *names[start : start + _BATCH])

    async def keep(self, owners: Mapping[str, str], now: float) -> None:
        """Keep owners that were bought just now: name -> `User.entry`."""
        await _keep(self._connection, self._key, {name: _Name(owner, now) for name, owner in owners.items()})


class CountCache:
    """The counts in users' profiles: bought for a plan, and used by the crawl that follows.

    Args:
        connection: Connection to the state server.
        keys: The account's keys.
    """

    def __init__(self, connection: Connection, keys: NetworkKeys) -> None:
        self._connection = connection
        self._key = keys.counts

    async def read(self, user_ids: Sequence[str], now: float) -> dict[str, Counts]:
        """Return the counts of users that are known and still good.

        Args:
            user_ids: Decimal.
            now: Seconds since the epoch.
        """
        fresh = await _read(self._connection, self._key, user_ids, now, _decode_counts)
        return {
            user_id: Counts(followers=entry.followers, posts=entry.posts, unavailable=entry.unavailable)
            for user_id, entry in fresh.items()
        }

    async def keep(self, counts: Mapping[str, Counts], now: float) -> None:
        """Keep counts that were bought just now."""
        entries = {
            user_id: _Counts(
                followers=known.followers, posts=known.posts, unavailable=known.unavailable, at=now
            )
            for user_id, known in counts.items()
        }
        await _keep(self._connection, self._key, entries)


async def _read(
    connection: Connection, key: str, fields: Sequence[str], now: float, decode: Callable[[str], _E]
) -> dict[str, _E]:
    """Return the values of some fields that are still good at `now`, seconds since the epoch."""
    found: dict[str, _E] = {}
    for start in range(0, len(fields), _BATCH):
        batch = fields[start : start + _BATCH]
        texts = await connection.call("HMGET", key, *batch)
        for field, text in zip(batch, texts, strict=True):
            entry = decode(text) if text else None
            if entry and now - entry.at <= entry.good_s:
                found[field] = entry
    return found


async def _keep(connection: Connection, key: str, entries: Mapping[str, _Entry]) -> None:
    if entries:
        flat: list[str] = []
        for field, entry in entries.items():
            flat += [field, msgspec.json.encode(entry).decode()]
        await connection.call("HSET", key, *flat)
