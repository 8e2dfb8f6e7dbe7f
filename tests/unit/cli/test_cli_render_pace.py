"""The pace of a crawl from two looks."""

from typing import Any

import pytest

from twittomatic.cli.render.pace import lasting, sentences


def look(completed: int, pages: int, spent: float, *, budget: float | None = 10.0) -> dict[str, Any]:
    jobs = {"ready": 3, "leased": 1, "delayed": 0, "dead": 0}
    nothing = dict.fromkeys(("ready", "leased", "delayed", "dead", "completed"), 0)
    return {
        "phase": "running",
        "jobs": {"timeline": {**jobs, "completed": completed}, "follower": nothing, "analyzer": nothing},
        "counters": {"pages:timeline": pages, "records:timeline": 100 * pages, "records:follower": 0},
        "modules": ["timeline"],
        "max_depth": 0,
        "frontier_by_depth": {"0": 6, "1": 1_000},
        "spent_usd": spent,
        "reserved_usd": 0.0,
        "budget_usd": budget,
    }


def test_what_changed_in_a_second_is_the_pace() -> None:
    first, second = sentences(look(10, 100, 1.0), look(12, 104, 3.0), 2.0)
    assert first == ("In the last 2 seconds: 2.0 pages/s, 0.0 followers/s, 200.0 posts/s, $3,600.00 an hour.")
    assert second == "12 of 22 known jobs are done, at least 10 s left at this pace; the budget lasts 7 s."


def test_a_crawl_that_stands_still_foretells_nothing() -> None:
    first, second = sentences(look(10, 100, 1.0), look(10, 100, 1.0), 2.0)
    assert "0.0 pages/s" in first
    assert second == "10 of 20 known jobs are done."


def test_without_a_budget_there_is_no_end_of_it() -> None:
    assert "budget" not in sentences(look(1, 1, 0.0, budget=None), look(2, 2, 1.0, budget=None), 1.0)[1]


@pytest.mark.parametrize(
    ("seconds", "said"), [(5, "5 s"), (600, "10 min"), (9_000, "2.5 h"), (864_000, "10 days")]
)
def test_times_are_said_as_people_do(seconds: float, said: str) -> None:
    assert lasting(seconds) == said
