"""Reads the rate-limit headers (docs.x.com, x-api/fundamentals/rate-limits)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime

from twittomatic.networks.base import WindowReading

_NUMBER = re.compile(r"[0-9]{1,10}")  # Unix seconds up to the year 2286, and any limit that X has ever set


def reading(headers: Mapping[str, str]) -> WindowReading | None:
    """Return the 15-minute window in some headers, None unless all three make sense together."""
    limit, remaining, reset = (_number(headers, f"x-rate-limit-{name}") for name in _NAMES)
    if limit is None or remaining is None or reset is None or limit < max(remaining, 1):
        return None
    return WindowReading(limit=limit, remaining=remaining, reset_at=float(reset))


def reset_at(headers: Mapping[str, str]) -> datetime | None:
    """Return when a refused request may be tried again: the latest reset among the windows that are empty.

    Besides the 15-minute window X has had daily ones, with headers of their own.
    """
    resets = [
        reset
        for family in ("x-rate-limit", "x-app-limit-24hour", "x-user-limit-24hour")
        if _number(headers, f"{family}-remaining") == 0
        and (reset := _number(headers, f"{family}-reset")) is not None
    ]
    latest = max(resets, default=_number(headers, "x-rate-limit-reset"))
    return None if latest is None else datetime.fromtimestamp(latest, UTC)


_NAMES = ("limit", "remaining", "reset")


def _number(headers: Mapping[str, str], name: str) -> int | None:
    text = headers.get(name, "").strip()
    return int(text) if _NUMBER.fullmatch(text) else None
