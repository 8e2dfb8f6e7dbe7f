from __future__ import annotations

import pytest

from twittomatic.networks.base import Response, WindowReading
from twittomatic.networks.x import X


def headers(limit: str = "300", remaining: str = "299", reset: str = "1800000000") -> dict[str, str]:
    return {
        "x-rate-limit-limit": limit,
        "x-rate-limit-remaining": remaining,
        "x-rate-limit-reset": reset,
    }


def reading(x: X, found: dict[str, str]) -> WindowReading | None:
    return x.window(Response(status=200, headers=found, body=b""))


@pytest.mark.parametrize(
    ("limit", "remaining"), [("300", "299"), ("1200000", "0"), ("1", "1"), (" 40000 ", "5")]
)
def test_a_window_is_read(x: X, limit: str, remaining: str) -> None:
    expected = WindowReading(limit=int(limit), remaining=int(remaining), reset_at=1_800_000_000.0)
    assert reading(x, headers(limit, remaining)) == expected


@pytest.mark.parametrize(
    "found",
    [
        {},
        {"x-rate-limit-limit": "300"},
        headers(limit=""),
        headers(limit="0", remaining="0"),
        headers(limit="-300"),
        headers(limit="٣٠٠"),
        headers(limit="inf"),
        headers(limit="1e3"),
        headers(limit="300, 300"),
        headers(remaining="-1"),
        headers(remaining="301"),
        headers(remaining="nan"),
        headers(remaining="2.5"),
        headers(reset="soon"),
        headers(reset="-5"),
        headers(reset="9" * 30),
        headers(reset="1800000000000"),  # milliseconds
    ],
)
def test_nonsense_is_no_window(x: X, found: dict[str, str]) -> None:
    assert reading(x, found) is None


NOW = "Fri, 15 Jan 2027 08:00:00 GMT"  # 1,800,000,000


@pytest.mark.parametrize(
    ("reset", "after_s"), [("1799999941", -59), ("1800000000", 0), ("1800090000", 90_000)]
)
def test_the_clock_of_a_window_is_read(x: X, reset: str, after_s: float) -> None:
    found = reading(x, {**headers(reset=reset), "date": NOW})
    assert found
    assert (found.date, found.reset_at) == (1_800_000_000.0, 1_800_000_000.0 + after_s)


@pytest.mark.parametrize("reset", ["1799990000", "1799999939", "1800090001", "2100000000", "0"])
def test_a_reset_far_from_its_own_date_is_nonsense(x: X, reset: str) -> None:
    assert reading(x, {**headers(reset=reset), "date": NOW}) is None


@pytest.mark.parametrize("date", ["", "now", "Fri, 99 Jan 2027 08:00:00 GMT", "\x00", "1800000000"])
def test_a_date_that_is_none(x: X, date: str) -> None:
    found = reading(x, {**headers(), "date": date})
    assert found
    assert found.date is None
