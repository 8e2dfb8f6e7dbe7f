"""How fast a crawl is, for who looks at it in a terminal: what two looks differ in, and what follows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from twittomatic.app.forecast import counted, forecast
from twittomatic.model import MICROS_PER_USD, about

Report = Mapping[str, Any]


class Pace:
    """What changed between two looks at a crawl.

    Args:
        before: What `status --json` said.
        after: What it says now.
        seconds: Between the two.
    """

    def __init__(self, before: Report, after: Report, seconds: float) -> None:
        self._before, self._after, self._seconds = counted(before), counted(after), seconds

    def rate(self, name: str, within_s: float) -> float:
        """Return how much a number grows in a second, whatever time it is asked for."""
        return max(0.0, self._after[name] - self._before[name]) / self._seconds


def sentences(before: Report, after: Report, seconds: float) -> list[str]:
    """Say the pace of a crawl that runs, and what it amounts to."""
    told = forecast(after, Pace(before, after, seconds))
    pace = ", ".join(f"{told[f'{name}_per_s']:,} {name}/s" for name in ("pages", "followers", "posts"))
    spending = about(told["usd_per_hour"] * MICROS_PER_USD)
    first = f"In the last {seconds:.0f} seconds: {pace}, {spending} an hour."
    second = f"{told['done']:,} of {told['done'] + told['to_do']:,} known jobs are done"
    if told["left_s"] is not None:
        second += f", at least {lasting(told['left_s'])} left at this pace"
    if told["money_left_s"] is not None:
        second += f"; the budget lasts {lasting(told['money_left_s'])}"
    return [first, f"{second}."]


def lasting(seconds: float) -> str:
    """Say a time as people do: `45 s`, `12 min`, `3.5 h`, `12 days`."""
    for unit, size in (("days", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.1f} {unit}" if unit == "h" else f"{seconds / size:,.0f} {unit}"
    return f"{seconds:.0f} s"
