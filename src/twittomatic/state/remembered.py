"""What was bought once and is good for a week: a hash of JSON with the moment in it, for all crawls."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, TypeVar

import msgspec

from twittomatic.state.connection import Connection

_YOUNG_S = 7 * 86_400.0
_BATCH = 1_000  # fields of one command


class Kept(Protocol):
    """Something that was kept.

    Attributes:
        at: When, seconds since the epoch.
    """

    @property
    def at(self) -> float:
        """When it was kept."""
        ...


_K = TypeVar("_K", bound=Kept)


async def read_young(
    connection: Connection, key: str, fields: Sequence[str], now: float, decode: Callable[[str], _K]
) -> dict[str, _K]:
    """Return what was kept of some fields within a week before `now`, seconds since the epoch."""
    found: dict[str, _K] = {}
    for start in range(0, len(fields), _BATCH):
        batch = fields[start : start + _BATCH]
        texts = await connection.call("HMGET", key, *batch)
        for field, text in zip(batch, texts, strict=True):
            kept = decode(text) if text else None
            if kept and now - kept.at <= _YOUNG_S:
                found[field] = kept
    return found


async def keep(connection: Connection, key: str, values: Mapping[str, Kept]) -> None:
    """Keep values, each with its moment."""
    if values:
        flat: list[str] = []
        for field, kept in values.items():
            flat += [field, msgspec.json.encode(kept).decode()]
        await connection.call("HSET", key, *flat)
