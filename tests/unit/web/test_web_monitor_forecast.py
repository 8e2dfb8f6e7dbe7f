"""What the numbers of a crawl amount to."""

from pathlib import Path
from typing import Any

import pytest

from twittomatic.app.forecast import forecast
from twittomatic.web.monitor.history import History


def report(**changed: Any) -> dict[str, Any]:
    none = {"ready": 0, "leased": 0, "delayed": 0, "dead": 0, "completed": 0}
    jobs = {module: dict(none) for module in ("timeline", "follower", "analyzer", "update")}
    jobs["follower"] |= {"ready": 10, "leased": 2, "delayed": 1, "completed": 50, "dead": 5}
    whole = {
        "phase": "running",
        "jobs": jobs,
        "modules": ["follower", "analyzer"],
        "max_depth": 1,
        "frontier_by_depth": {"1": 7, "2": 100},
        "budget_usd": 100.0,
        "spent_usd": 40.0,
        "reserved_usd": 10.0,
    }
    return whole | changed


@pytest.fixture
def history(tmp_path: Path) -> History:
    history = History(tmp_path / "h")
    for second in range(0, 100, 2):
        history.add(1e9 + second, {"completed": second, "account_spent": second * 0.1, "pages": 3 * second})
    return history


def test_ahead_are_the_jobs_there_are_what_follows_them_and_the_targets_within_depth(
    history: History,
) -> None:
    found = forecast(report(), history)
    assert found["done"] == 50
    assert found["to_do"] == 13 + 13 + 7 * 2
    assert forecast(report(max_depth=None), history)["to_do"] == 13 + 13 + 107 * 2
    assert forecast(report(modules=["follower"]), history)["to_do"] == 13 + 7


def test_time_and_money_run_out_at_the_pace_of_the_last_minutes(history: History) -> None:
    found = forecast(report(), history)
    assert found["left_s"] == 40
    assert found["usd_per_hour"] == pytest.approx(360)
    assert found["money_left_s"] == 500
    assert found["pages_per_s"] == pytest.approx(3)


def test_nothing_is_foretold_of_a_crawl_that_stands(tmp_path: Path, history: History) -> None:
    assert forecast(report(phase="paused"), history)["left_s"] is None
    assert forecast(report(phase="paused"), history)["money_left_s"] is None
    assert forecast(report(budget_usd=None), history)["money_left_s"] is None
    assert forecast(report(), History(tmp_path / "none"))["left_s"] is None
