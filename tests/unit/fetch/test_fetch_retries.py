"""Delays before a request is repeated: backoff, and Retry-After in both of its forms."""

import pytest

from twittomatic.fetch.retries import backoff_s, closed_for_s, retry_after_s
from twittomatic.networks.base import Response

NOW = 1_000_000_000.0  # Sun, 09 Sep 2001 01:46:40 GMT
DATE = "Sun, 09 Sep 2001 01:46:40 GMT"


def response(**headers: str) -> Response:
    return Response(
        status=429, headers={name.replace("_", "-"): value for name, value in headers.items()}, body=b""
    )


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry_after": "3"}, 3),
        ({"retry_after": " 3 "}, 3),
        ({"retry_after": "0"}, 0),
        ({"retry_after": "2.5"}, 2.5),
        ({"retry_after": "Sun, 09 Sep 2001 01:47:40 GMT"}, 60),
        ({"retry_after": "Sunday, 09-Sep-01 01:47:40 GMT"}, 60),  # the obsolete form of RFC 850
        ({"retry_after": "Sun Sep  9 01:47:40 2001"}, 60),  # asctime
        ({"retry_after": "Sun, 09 Sep 2001 01:47:40 GMT", "date": "Sun, 09 Sep 2001 01:47:10 GMT"}, 30),
        ({"retry_after": "Sun, 09 Sep 2001 01:47:40 GMT", "date": "yesterday"}, 60),
        ({"retry_after": "Sun, 09 Sep 2001 01:40:00 GMT"}, 0),
        ({"retry_after": "-3"}, None),
        ({"retry_after": "soon"}, None),
        ({"retry_after": ""}, None),
        ({"retry_after": "nan"}, None),
        ({"retry_after": "9" * 400}, None),
        ({"retry_after": "Sun, 09 Sep 99999 01:47:40 GMT"}, None),
    ],
)
def test_retry_after(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after_s(response(**headers), NOW) == seconds


def test_without_a_response() -> None:
    assert retry_after_s(None, NOW) is None


def test_backoff_doubles_up_to_a_limit() -> None:
    for tries, longest in ((1, 1), (2, 2), (3, 4), (9, 8)):
        for _ in range(20):
            assert longest / 2 <= backoff_s(tries) <= longest


@pytest.mark.parametrize(("asked", "waited"), [(30.0, 30.0), (300.0, 300.0), (301.0, 300.0), (1e9, 300.0)])
def test_a_server_is_waited_for_as_it_asks_within_limits(asked: float, waited: float) -> None:
    assert backoff_s(1, asked) == waited


def test_no_wait_is_shorter_than_the_backoff() -> None:
    assert backoff_s(3, 0.0) >= 2


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [({}, 60), ({"retry_after": "3"}, 3), ({"retry_after": "3600"}, 3600), ({"retry_after": "3601"}, 3600)],
)
def test_a_window_without_a_reset_from_the_network(headers: dict[str, str], seconds: float) -> None:
    assert closed_for_s(response(**headers), NOW) == seconds
