"""Read the rate-limit headers (docs.x.com, x-api/fundamentals/rate-limits) and the clock of the server."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from twittomatic.networks.base import WindowReading

_NUMBER = re.compile(r"[0-9]{1,10}")  # Unix seconds up to the year 2286, and any limit that X has ever set
_EARLIEST_S, _LATEST_S = -60.0, 25 * 3600.0  # of a plausible reset, relative to the answer
_NAMES = ("limit", "remaining", "reset")


def reading(headers: Mapping[str, str]) -> WindowReading | None:
    """Return the 15-minute window in the headers, None unless all three are there and consistent."""
    limit, remaining, reset = (_number(headers, f"x-rate-limit-{name}") for name in _NAMES)
    if limit is None or remaining is None or reset is None or limit < max(remaining, 1):
        return None
    now = date(headers)
    if not _plausible(reset, now):
        return None
    return WindowReading(limit=limit, remaining=remaining, reset_at=float(reset), date=now)


def reset_at(headers: Mapping[str, str]) -> datetime | None:
    """Return when a refused request may be retried: the latest reset of the exhausted windows.

    Besides the 15-minute window X has had daily ones, with separate headers.
    """
    resets = [
        reset
        for family in ("x-rate-limit", "x-app-limit-24hour", "x-user-limit-24hour")
        if _number(headers, f"{family}-remaining") == 0
        and (reset := _number(headers, f"{family}-reset")) is not None
    ]
    latest = max(resets, default=_number(headers, "x-rate-limit-reset"))
    if latest is None or not _plausible(latest, date(headers)):
        return None
    return datetime.fromtimestamp(latest, UTC)


def date(headers: Mapping[str, str]) -> float | None:
    """Return the time on X's clock in Unix seconds, None when it is missing or malformed."""
    try:
        return parsedate_to_datetime(headers["date"]).timestamp()
    except (KeyError, ValueError, OverflowError):
        return None


def _plausible(reset: int, now: float | None) -> bool:
    return now is None or _EARLIEST_S <= reset - now <= _LATEST_S


def _number(headers: Mapping[str, str], name: str) -> int | None:
    text = headers.get(name, "").strip()
    return int(text) if _NUMBER.fullmatch(text) else None
