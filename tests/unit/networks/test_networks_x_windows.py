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
