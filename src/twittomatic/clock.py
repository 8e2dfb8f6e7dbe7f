"""Time, as a value that can be handed in: the system's, or one that a test moves by hand."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """What tells the time and waits."""

    def now(self) -> float:
        """Return seconds since the epoch, UTC."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return after `seconds` of this clock."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> float:
        return time.time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class VirtualClock:
    """A clock that stands still until somebody sleeps on it: then it jumps.

    Args:
        start_at: Its first reading, seconds since the epoch.
    """

    def __init__(self, start_at: float = 1_750_000_000.0) -> None:
        self._now = start_at

    def now(self) -> float:
        return self._now

    async def sleep(self, seconds: float) -> None:
        self._now += max(0.0, seconds)
        await asyncio.sleep(0)


async def wait_event(told: asyncio.Event, seconds: float) -> bool:
    """Wait for an event for some seconds, and say whether it came."""
    with suppress(TimeoutError):
        await asyncio.wait_for(told.wait(), seconds)
    return told.is_set()


def utc(seconds: float) -> datetime:
    """Turn seconds since the epoch into an aware datetime."""
    return datetime.fromtimestamp(seconds, tz=UTC)


def rfc3339(moment: datetime) -> str:
    """Write an aware datetime as `2026-01-31T12:00:00Z`, whole seconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def rfc3339_ms(moment: datetime) -> str:
    """Write an aware datetime as `2026-01-31T12:00:00.123Z`, for what has an order within a second."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
