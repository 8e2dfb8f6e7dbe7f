"""What the numbers of a crawl amount to."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from twittomatic.app.forecast import forecast
from twittomatic.model import Module, Phase
from twittomatic.state.ledger import Totals
from twittomatic.state.status import CrawlStatus, JobCounts
from twittomatic.web.monitor.history import History


def crawl(**changed: Any) -> CrawlStatus:
    follower = JobCounts(ready=10, leased=2, delayed=1, completed=50, dead=5)
    status = CrawlStatus(
        crawl="c",
        phase=Phase.RUNNING,
        jobs={module: JobCounts() for module in Module} | {Module.FOLLOWER: follower},
        modules=[Module.FOLLOWER, Module.ANALYZER],
        max_depth=1,
        frontier={1: 7, 2: 100},
        budget=100_000_000,
        ledger=Totals(spent=40_000_000, reserved=10_000_000),
    )
    return msgspec.structs.replace(status, **changed)


@pytest.fixture
def history(tmp_path: Path) -> History:
    history = History(tmp_path / "h")
    for second in range(0, 100, 2):
        history.add(1e9 + second, {"completed": second, "account_spent": second * 0.1, "pages": 3 * second})
    return history


def test_ahead_are_the_jobs_there_are_what_follows_them_and_the_targets_within_depth(
    history: History,
) -> None:
    found = forecast(crawl(), history)
    assert found.done == 50
    assert found.to_do == 13 + 13 + 7 * 2
    assert forecast(crawl(max_depth=None), history).to_do == 13 + 13 + 107 * 2
    assert forecast(crawl(modules=[Module.FOLLOWER]), history).to_do == 13 + 7


def test_time_and_money_run_out_at_the_pace_of_the_last_minutes(history: History) -> None:
    found = forecast(crawl(), history)
    assert found.left_s == 40
    assert found.usd_per_hour == pytest.approx(360)
    assert found.money_left_s == 500
    assert found.pages_per_s == pytest.approx(3)


def test_a_stopped_crawl_has_no_forecast(tmp_path: Path, history: History) -> None:
    assert forecast(crawl(phase=Phase.PAUSED), history).left_s is None
    assert forecast(crawl(phase=Phase.PAUSED), history).money_left_s is None
    assert forecast(crawl(budget=None), history).money_left_s is None
    assert forecast(crawl(), History(tmp_path / "none")).left_s is None
