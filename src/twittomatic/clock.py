"""Clocks: the system's, and a virtual one for tests."""

from __future__ import annotations

import asyncio
import sys
import time
from contextlib import suppress
from datetime import UTC, datetime
from typing import Protocol


def _sleepless_clock() -> int:
    """Return the id of a clock that also counts while the machine sleeps, as the clock of a server does.

    On Linux it is CLOCK_BOOTTIME (clock_gettime(2)). On macOS it is CLOCK_MONOTONIC, which is not Python's
    `time.monotonic` there: that stops (`man 3 clock_gettime` on macOS, and the documentation of `time`).
    """
    if sys.platform == "darwin":
        return time.CLOCK_MONOTONIC
    return getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


_SLEEPLESS = _sleepless_clock()


def steady_s() -> float:
    """Return the seconds of a clock that never goes back and counts the machine's sleep too.

    The ages of leases, permits and answers are measured with it: a laptop that wakes up must not take a lease
    that expired in its sleep for a fresh one. Only differences have a meaning.
    """
    return time.clock_gettime(_SLEEPLESS)


class Clock(Protocol):
    """A source of time that can wait."""

    def now(self) -> float:
        """Return seconds since the epoch, UTC."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return after `seconds` on this clock."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> float:
        return time.time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class VirtualClock:
    """A clock that advances only when `sleep` is called, and then at once.

    Args:
        start_at: The initial time, seconds since the epoch.
    """

    def __init__(self, start_at: float = 1_750_000_000.0) -> None:
        self._now = start_at

    def now(self) -> float:
        return self._now

    async def sleep(self, seconds: float) -> None:
        self._now += max(0.0, seconds)
        await asyncio.sleep(0)


async def wait_event(event: asyncio.Event, seconds: float) -> bool:
    """Wait up to `seconds` for an event; return whether it is set."""
    with suppress(TimeoutError):
        await asyncio.wait_for(event.wait(), seconds)
    return event.is_set()


def utc(seconds: float) -> datetime:
    """Return seconds since the epoch as an aware datetime."""
    return datetime.fromtimestamp(seconds, tz=UTC)


def rfc3339(moment: datetime) -> str:
    """Format an aware datetime in whole seconds: `2026-01-31T12:00:00Z`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def rfc3339_ms(moment: datetime) -> str:
    """Format an aware datetime in milliseconds, `2026-01-31T12:00:00.123Z`, to order within a second."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
