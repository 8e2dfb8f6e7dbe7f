"""Cache shared by all crawls: a hash of JSON values, each stamped with the time at which it was bought."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, TypeVar

import msgspec

from twittomatic.state.connection import Connection

WEEK_S = 7 * 86_400.0
"""How long something bought is good."""

_BATCH = 1_000  # fields of one command


class Kept(Protocol):
    """A value of the cache."""

    @property
    def at(self) -> float:
        """When it was bought, seconds since the epoch."""
        ...

    @property
    def good_s(self) -> float:
        """How long it is good, in seconds."""
        ...


_K = TypeVar("_K", bound=Kept)


async def read_young(
    connection: Connection, key: str, fields: Sequence[str], now: float, decode: Callable[[str], _K]
) -> dict[str, _K]:
    """Return the values of some fields that are still good at `now`, seconds since the epoch."""
    found: dict[str, _K] = {}
    for start in range(0, len(fields), _BATCH):
        batch = fields[start : start + _BATCH]
        texts = await connection.call("HMGET", key, *batch)
        for field, text in zip(batch, texts, strict=True):
            kept = decode(text) if text else None
            if kept and now - kept.at <= kept.good_s:
                found[field] = kept
    return found


async def forget(connection: Connection, key: str, fields: Sequence[str]) -> None:
    """Remove some fields."""
    for start in range(0, len(fields), _BATCH):
        await connection.call("HDEL", key, *fields[start : start + _BATCH])


async def keep(connection: Connection, key: str, values: Mapping[str, Kept]) -> None:
    """Keep values, each with its moment."""
    if values:
        flat: list[str] = []
        for field, kept in values.items():
            flat += [field, msgspec.json.encode(kept).decode()]
        await connection.call("HSET", key, *flat)
