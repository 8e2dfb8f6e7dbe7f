"""The pace of a crawl for a terminal: how two statuses differ, and what follows from that."""

from __future__ import annotations

from twittomatic.app.forecast import Growth, forecast
from twittomatic.model import MICROS_PER_USD, about
from twittomatic.state.status import CrawlStatus


class Pace:
    """The growth of a crawl's numbers between two statuses.

    Args:
        before: The earlier status.
        after: The later status.
        seconds: Between the two.
    """

    def __init__(self, before: CrawlStatus, after: CrawlStatus, seconds: float) -> None:
        self._before, self._after, self._seconds = Growth.of(before), Growth.of(after), seconds

    def rate(self, name: str, within_s: float) -> float:
        """Return how much a number of `Growth` grows per second; `within_s` does not count here."""
        grown: float = getattr(self._after, name) - getattr(self._before, name)
        return max(0.0, grown) / self._seconds


def sentences(before: CrawlStatus, after: CrawlStatus, seconds: float) -> list[str]:
    """Describe the pace of a crawl that runs, and when it and its money will end."""
    found = forecast(after, Pace(before, after, seconds))
    pace = ", ".join(
        f"{rate:,} {name}/s"
        for name, rate in (
            ("pages", found.pages_per_s),
            ("followers", found.followers_per_s),
            ("posts", found.posts_per_s),
        )
    )
    spending = f", {about(found.usd_per_hour * MICROS_PER_USD)} an hour" if found.usd_per_hour else ""
    first = f"In the last {seconds:.0f} seconds: {pace}{spending}."
    second = f"{found.done:,} of {found.done + found.to_do:,} known jobs are done"
    if found.left_s is not None:
        second += f", at least {lasting(found.left_s)} left at this pace"
    if found.money_left_s is not None:
        second += f"; the budget lasts {lasting(found.money_left_s)}"
    return [first, f"{second}."]


def lasting(seconds: float) -> str:
    """Return a duration in words: `45 s`, `12 min`, `3.5 h`, `12 days`."""
    for unit, size in (("days", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.1f} {unit}" if unit == "h" else f"{seconds / size:,.0f} {unit}"
    return f"{seconds:.0f} s"
