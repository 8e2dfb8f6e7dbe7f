"""Cost of permits and ledger per page: one worker with them, and one with an account that grants everything.

Pages and crawl are those of `pages.py`: followers, 1,000 users in 550 KB, and timelines, 100 posts in 130 KB.
Every page has different ids, in both cases, so that counting what the network charges for only once costs as
much as in a real crawl. The two take turns in one run; the figure is the time per page with accounting
divided by that without, minus one: the median of the rounds.

    python benchmarks/money.py [--rounds 7]
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from harness import FOLLOWERS_PER_PAGE, POSTS_PER_PAGE, alternate, nginx, run, verdict
from pages import KINDS, ListKind, bodies, with_worker
from twittomatic.app import runtime
from twittomatic.networks.base import Limit
from twittomatic.state.permits import Delivery, Permit

GOAL = 10  # percent


class Unlimited:
    """An account that grants everything and stores nothing."""

    async def acquire(self, endpoint: str, limits: Mapping[str, Limit], *, wanted: int, **_: Any) -> Permit:
        return Permit(
            reservation="",
            credential=next(iter(limits)),
            endpoint=endpoint,
            resources=wanted,
            granted_at=time.monotonic(),
        )

    async def settle(self, *_: Any, **__: Any) -> None:
        pass


def without_money(parts: runtime.Runtime) -> None:
    """Replace a crawl's account by one without accounting."""
    parts.fetcher._account = Unlimited()  # type: ignore[assignment]
    with_other_ids(parts)


def with_other_ids(parts: runtime.Runtime) -> None:
    """Make the ledger see different ids on every page, since all lists of the benchmark are equal."""
    settle, number = parts.fetcher._account.settle, itertools.count()

    async def settled(permit: Permit, *arguments: Any, **others: Any) -> None:
        *first_ones, delivery = arguments
        if isinstance(delivery, Delivery):
            first = next(number) * 1000
            ids = list(map(str, range(first, first + len(delivery.ids))))
            delivery = Delivery(
                day=delivery.day, resource=delivery.resource, ids=ids, unit_price=delivery.unit_price
            )
        await settle(permit, *first_ones, delivery, **others)

    parts.fetcher._account.settle = settled  # type: ignore[method-assign]


def contender(
    url: str, kind: ListKind, records: int, change: Callable[[runtime.Runtime], None]
) -> Callable[[], float]:
    def once() -> float:
        with tempfile.TemporaryDirectory(prefix="tw") as name:
            took: float = run(with_worker(url, kind, records, Path(name), change=change))
            return kind.lists * kind.pages / took

    return once


def main() -> None:
    parser = argparse.ArgumentParser(description="What permits and ledger add to a page.")
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()
    with nginx(run(bodies())) as url:
        for kind in KINDS:
            size = FOLLOWERS_PER_PAGE if kind.path == "followers" else POSTS_PER_PAGE
            contenders = {
                "with": contender(url, kind, kind.pages * size, with_other_ids),
                "without": contender(url, kind, kind.pages * size, without_money),
            }
            rounds = [alternate(contenders, 1) for _ in range(arguments.rounds)]
            for name in contenders:
                speed = statistics.median(speeds[name] for speeds in rounds)
                print(f"{kind.path}: {speed:.1f} pages/s {name}")
            added = statistics.median(100 * (speeds["without"] / speeds["with"] - 1) for speeds in rounds)
            verdict(f"{kind.path}: permits and ledger add", added, GOAL, most=True, unit=" %")


if __name__ == "__main__":
    main()
