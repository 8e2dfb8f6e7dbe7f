"""How far a crawl is, how long it still takes, and when its money runs out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from twittomatic.model import MODULES

_PACE_S = 300.0  # over which the pace is taken: long enough to span a wait for a window's opening
_LATELY_S = 10.0  # for what is going on now


def counted(report: Mapping[str, Any]) -> dict[str, float]:
    """Take from a report the numbers that only grow, named as `forecast` asks for their rates."""
    counters = report["counters"]

    def records(kind: str) -> int:
        return sum(
            counters.get(f"records:{module}", 0) for module, spec in MODULES.items() if spec.records == kind
        )

    return {
        "pages": sum(count for name, count in counters.items() if name.startswith("pages:")),
        "followers": records("followers"),
        "posts": records("posts"),
        "account_spent": report["spent_usd"],
        "completed": _done(report),
    }


class Rates(Protocol):
    """Tells how fast numbers grow."""

    def rate(self, name: str, within_s: float) -> float:
        """Return how much a number grows in a second, over the last so many."""


def forecast(report: Mapping[str, Any], history: Rates) -> dict[str, Any]:
    """Say what the numbers of a crawl amount to.

    Args:
        report: What `status --json` says.
        history: Of this crawl.

    Returns:
        `done` and `to_do` jobs, `left_s` at the pace of the last minutes (None where it stands still), which
        is the least, since targets are still found; `pages_per_s`, `followers_per_s`, `posts_per_s`,
        `usd_per_hour`, and `money_left_s` until the budget is used up (None where it never is).
    """
    done = _done(report)
    to_do = _to_do(report)
    pace = history.rate("completed", _PACE_S)
    is_running = report["phase"] == "running"
    usd_per_s = history.rate("account_spent", _PACE_S)
    money_left_s = None
    if report["budget_usd"] is not None and usd_per_s > 0 and is_running:
        left = report["budget_usd"] - report["spent_usd"] - report["reserved_usd"]
        money_left_s = round(max(0.0, left) / usd_per_s)
    return {
        "done": done,
        "to_do": to_do,
        "left_s": round(to_do / pace) if pace and is_running else None,
        "pages_per_s": round(history.rate("pages", _LATELY_S), 1),
        "followers_per_s": round(history.rate("followers", _LATELY_S), 1),
        "posts_per_s": round(history.rate("posts", _LATELY_S), 1),
        "usd_per_hour": round(usd_per_s * 3600, 4),
        "money_left_s": money_left_s,
    }


def _done(report: Mapping[str, Any]) -> int:
    return sum(jobs["completed"] for jobs in report["jobs"].values())


def _to_do(report: Mapping[str, Any]) -> int:
    """Count the jobs that are known to be ahead: those there are, those that follow, those of targets."""
    jobs, modules = report["jobs"], report["modules"]
    waiting = {module: count["ready"] + count["leased"] + count["delayed"] for module, count in jobs.items()}
    following = sum(
        waiting[spec.after]
        for module, spec in MODULES.items()
        if spec.after and {module, spec.after} <= {*modules}
    )
    deepest = report["max_depth"]
    targets = sum(
        count
        for depth, count in report["frontier_by_depth"].items()
        if deepest is None or int(depth) <= deepest
    )
    return int(sum(waiting.values()) + following + targets * len(modules))
