"""The pace of a crawl from two looks."""

import pytest

from twittomatic.cli.render.pace import lasting, sentences
from twittomatic.model import Module, Phase
from twittomatic.state.ledger import Totals
from twittomatic.state.status import CrawlStatus, JobCounts


def look(completed: int, pages: int, spent: int, *, budget: int | None = 10) -> CrawlStatus:
    timeline = JobCounts(ready=3, leased=1, completed=completed)
    return CrawlStatus(
        crawl="c",
        phase=Phase.RUNNING,
        jobs={module: JobCounts() for module in Module} | {Module.TIMELINE: timeline},
        counters={"pages:timeline": pages, "records:timeline": 100 * pages, "records:follower": 0},
        modules=[Module.TIMELINE],
        max_depth=0,
        frontier={0: 6, 1: 1_000},
        budget=budget and budget * 1_000_000,
        ledger=Totals(spent=spent * 1_000_000),
    )


def test_what_changed_in_a_second_is_the_pace() -> None:
    first, second = sentences(look(10, 100, 1), look(12, 104, 3), 2.0)
    assert first == ("In the last 2 seconds: 2.0 pages/s, 0.0 followers/s, 200.0 posts/s, $3,600.00 an hour.")
    assert second == "12 of 22 known jobs are done, at least 10 s left at this pace; the budget lasts 7 s."


def test_a_stalled_crawl_has_no_forecast() -> None:
    first, second = sentences(look(10, 100, 1), look(10, 100, 1), 2.0)
    assert "0.0 pages/s" in first
    assert second == "10 of 20 known jobs are done."


def test_without_a_budget_there_is_no_end_of_it() -> None:
    assert "budget" not in sentences(look(1, 1, 0, budget=None), look(2, 2, 1, budget=None), 1.0)[1]


@pytest.mark.parametrize(
    ("seconds", "said"), [(5, "5 s"), (600, "10 min"), (9_000, "2.5 h"), (864_000, "10 days")]
)
def test_times_are_written_for_people(seconds: float, said: str) -> None:
    assert lasting(seconds) == said
