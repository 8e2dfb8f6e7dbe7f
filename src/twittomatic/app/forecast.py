"""How far a crawl is, how long it will take, and when its money runs out."""

from __future__ import annotations

from typing import Protocol

import msgspec

from twittomatic.model import MICROS_PER_USD, MODULES, Counter, Module, Phase
from twittomatic.state.status import CrawlStatus

_PACE_S = 300.0  # over which the pace is taken: long enough to span a wait for a window's opening
_LATELY_S = 10.0  # for what happens now


class Growth(msgspec.Struct, frozen=True, kw_only=True):
    """The numbers of a crawl that only grow, named as `forecast` asks for their rates.

    Attributes:
        pages: Downloaded and committed.
        followers: On those pages.
        posts: On those pages.
        account_spent: Dollars of all crawls of the account.
        completed: Jobs.
    """

    pages: int
    followers: int
    posts: int
    account_spent: float
    completed: int

    @classmethod
    def of(cls, status: CrawlStatus) -> Growth:
        """Take them from a crawl's status."""
        return cls(
            pages=status.count(Counter.PAGES, *Module),
            followers=status.count(Counter.RECORDS, *_listing("followers")),
            posts=status.count(Counter.RECORDS, *_listing("posts")),
            account_spent=status.ledger.spent / MICROS_PER_USD,
            completed=sum(jobs.completed for jobs in status.jobs.values()),
        )


def _listing(records: str) -> list[Module]:
    """Return the modules whose lists hold these records."""
    return [module for module, spec in MODULES.items() if spec.records == records]


class Rates(Protocol):
    """Gives the rates at which numbers grow."""

    def rate(self, name: str, within_s: float) -> float:
        """Return how much a number of `Growth` grew per second over the last `within_s` seconds."""


class Forecast(msgspec.Struct, frozen=True, kw_only=True):
    """What the numbers of a crawl amount to.

    Attributes:
        done: Jobs that are done.
        to_do: Jobs that are known to lie ahead.
        left_s: Seconds for those at the pace of the last minutes, a lower bound, since more targets are
            still being found; None where the crawl stands still.
        pages_per_s: Over the last seconds.
        followers_per_s: Over the last seconds.
        posts_per_s: Over the last seconds.
        usd_per_hour: Over the last minutes.
        money_left_s: Seconds until the budget is used up; None where it never is.
    """

    done: int
    to_do: int
    left_s: int | None
    pages_per_s: float
    followers_per_s: float
    posts_per_s: float
    usd_per_hour: float
    money_left_s: int | None


def forecast(status: CrawlStatus, history: Rates) -> Forecast:
    """Estimate how long a crawl and its money last.

    Args:
        status: The status of the crawl.
        history: Its rates.
    """
    to_do = _to_do(status)
    pace = history.rate("completed", _PACE_S)
    is_running = status.phase is Phase.RUNNING
    usd_per_s = history.rate("account_spent", _PACE_S)
    money_left_s = None
    if status.budget is not None and usd_per_s > 0 and is_running:
        left = (status.budget - status.ledger.spent - status.ledger.reserved) / MICROS_PER_USD
        money_left_s = round(max(0.0, left) / usd_per_s)
    return Forecast(
        done=Growth.of(status).completed,
        to_do=to_do,
        left_s=round(to_do / pace) if pace and is_running else None,
        pages_per_s=round(history.rate("pages", _LATELY_S), 1),
        followers_per_s=round(history.rate("followers", _LATELY_S), 1),
        posts_per_s=round(history.rate("posts", _LATELY_S), 1),
        usd_per_hour=round(usd_per_s * 3600, 4),
        money_left_s=money_left_s,
    )


def _to_do(status: CrawlStatus) -> int:
    """Count the jobs that are known to lie ahead: queued ones, those that follow, and those of targets."""
    waiting = {module: jobs.ready + jobs.leased + jobs.delayed for module, jobs in status.jobs.items()}
    following = sum(
        waiting[spec.after]
        for module, spec in MODULES.items()
        if spec.after and {module, spec.after} <= {*status.modules}
    )
    targets = sum(
        count
        for depth, count in status.frontier.items()
        if status.max_depth is None or depth <= status.max_depth
    )
    return sum(waiting.values()) + following + targets * len(status.modules)
