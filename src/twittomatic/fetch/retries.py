"""Decide when to retry a failed request: after a growing delay, as Retry-After asks, or never."""

from __future__ import annotations

import hashlib
import random
import re
from email.utils import parsedate_to_datetime

from twittomatic.networks.base import Request, Response

TRIES = 4
"""Attempts within one lease; after that the job is returned and delayed."""

SAME_AT_ONCE, SAME_AT_ALL = 2, 3
"""How often the same senseless answer is fetched: in a row, and altogether when the job is retried."""

_MOST_REMEMBERED = 10_000  # requests; a hundred bytes each
_FIRST_DELAY_S, _LONGEST_DELAY_S = 0.5, 8.0
_LONGEST_PAUSE_S = 300.0  # for an overloaded server: the job keeps its lease meanwhile
_LONGEST_WINDOW_S = 3600.0  # a longer wait is nonsense, or meant to stop us; X's windows have a quarter of it
_WINDOW_UNKNOWN_S = 60.0  # after a 429 that says neither when its window resets nor how long to wait
_SECONDS = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,9})?")


def backoff_s(tries: int, retry_after_s: float | None = None) -> float:
    """Return how many seconds to wait before the next attempt.

    Args:
        tries: Number of failures in a row, 1 or more.
        retry_after_s: What the server asked for; obeyed up to 5 minutes.
    """
    longest: float = min(_FIRST_DELAY_S * 2**tries, _LONGEST_DELAY_S)
    delay = longest * random.uniform(0.5, 1.0)  # noqa: S311 - spreads the retries
    return max(delay, min(retry_after_s or 0.0, _LONGEST_PAUSE_S))


def closed_for_s(response: Response | None, now: float) -> float:
    """Return for how many seconds a window stays closed if the network did not say when it resets.

    Retry-After is obeyed up to an hour.

    Args:
        response: The 429.
        now: Unix seconds, used if the server sends no Date.
    """
    asked = retry_after_s(response, now)
    return _WINDOW_UNKNOWN_S if asked is None else min(asked, _LONGEST_WINDOW_S)


def retry_after_s(response: Response | None, now: float) -> float | None:
    """Return the seconds that Retry-After asks to wait (RFC 9110, 10.2.3); None if there is none.

    Args:
        response: The response; the header may be seconds or a date, which is relative to the server's Date.
        now: Unix seconds, used if the server sends no Date.
    """
    value = response.headers.get("retry-after", "").strip() if response else ""
    if _SECONDS.fullmatch(value):
        return float(value)
    until = _moment(value)
    if response is None or until is None:
        return None
    date = _moment(response.headers.get("date", ""))
    return max(0.0, until - (now if date is None else date))


class Repetitions:
    """Count how often each request got the same senseless answer.

    The counts are local to the process and limited to the newest 10,000 requests; in another process a
    hopeless job costs two more requests.
    """

    def __init__(self) -> None:
        self._answers: dict[bytes, tuple[bytes, int]] = {}

    def count(self, request: Request, response: Response) -> int:
        """Count an answer and return how often it came in a row."""
        key, answer = _key(request), _digest(response.body)
        before, times = self._answers.pop(key, (b"", 0))
        times = times + 1 if answer == before else 1
        self._answers[key] = answer, times
        if len(self._answers) > _MOST_REMEMBERED:
            del self._answers[next(iter(self._answers))]
        return times

    def forget(self, request: Request) -> None:
        """Reset the count of a request, after a sensible answer or when its job is dead."""
        if self._answers:
            self._answers.pop(_key(request), None)


def _key(request: Request) -> bytes:
    return _digest("\0".join([request.path, *map("=".join, request.params.items())]).encode())


def _digest(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=16).digest()


def _moment(text: str) -> float | None:
    try:
        return parsedate_to_datetime(text).timestamp()
    except (
        ValueError,
        TypeError,
        IndexError,
        OverflowError,
    ):  # the parser raises all of these for malformed dates
        return None
