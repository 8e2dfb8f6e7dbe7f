"""When to repeat a request that failed: after a growing delay, as Retry-After asks, or not at all."""

from __future__ import annotations

import hashlib
import random
import re
from email.utils import parsedate_to_datetime

from twittomatic.networks.base import Request, Response

TRIES = 4
"""Requests in a row, within one lease; then the job is given back, due later."""

SAME_AT_ONCE, SAME_AT_ALL = 2, 3
"""How often the same answer that makes no sense is fetched: in a row, and again when the job comes back."""

_MOST_REMEMBERED = 10_000  # requests; a hundred bytes each
_FIRST_DELAY_S, _LONGEST_DELAY_S = 0.5, 8.0
_LONGEST_PAUSE_S = 300.0  # of a server that is overloaded: a job waits for it with its lease held
_LONGEST_WINDOW_S = 3600.0  # four windows of X; a longer wait is nonsense, or meant to stop us
_WINDOW_UNKNOWN_S = 60.0  # a 429 that says neither when its window opens nor how long to wait
_SECONDS = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,9})?")


def backoff_s(tries: int, retry_after_s: float | None = None) -> float:
    """Return how long to wait after the so many-th failure in a row.

    Args:
        tries: Failures so far, 1 or more.
        retry_after_s: What the server asked for; it is obeyed up to 5 minutes.
    """
    longest: float = min(_FIRST_DELAY_S * 2**tries, _LONGEST_DELAY_S)
    delay = longest * random.uniform(0.5, 1.0)  # noqa: S311 - spreads the retries
    return max(delay, min(retry_after_s or 0.0, _LONGEST_PAUSE_S))


def closed_for_s(response: Response | None, now: float) -> float:
    """Return how long a rate-limit window stays closed whose reset the network did not tell.

    Retry-After is obeyed up to an hour.

    Args:
        response: The 429.
        now: Unix seconds, for a server without a clock.
    """
    asked = retry_after_s(response, now)
    return _WINDOW_UNKNOWN_S if asked is None else min(asked, _LONGEST_WINDOW_S)


def retry_after_s(response: Response | None, now: float) -> float | None:
    """Return the seconds that Retry-After asks to wait (RFC 9110, 10.2.3), None without a usable one.

    Args:
        response: With the header in either form, seconds or a date; a date counts from the server's own Date.
        now: Unix seconds, for a server that sends no Date.
    """
    value = response.headers.get("retry-after", "").strip() if response else ""
    if _SECONDS.fullmatch(value):
        return float(value)
    until = _moment(value)
    if response is None or until is None:
        return None
    said = _moment(response.headers.get("date", ""))
    return max(0.0, until - (now if said is None else said))


class Repetitions:
    """Counts how often each request got the very same answer that made no sense.

    Only this process remembers, and only the newest 10,000 such requests: elsewhere a job that nothing helps
    costs two requests more.
    """

    def __init__(self) -> None:
        self._answers: dict[bytes, tuple[bytes, int]] = {}

    def count(self, request: Request, response: Response) -> int:
        """Count an answer; return how often it came in a row."""
        key, answer = _key(request), _digest(response.body)
        before, times = self._answers.pop(key, (b"", 0))
        times = times + 1 if answer == before else 1
        self._answers[key] = answer, times
        if len(self._answers) > _MOST_REMEMBERED:
            del self._answers[next(iter(self._answers))]
        return times

    def forget(self, request: Request) -> None:
        """Begin anew with a request, after an answer that made sense, or when its job is dead."""
        if self._answers:
            self._answers.pop(_key(request), None)


def _key(request: Request) -> bytes:
    return _digest("\0".join([request.path, *map("=".join, request.params.items())]).encode())


def _digest(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=16).digest()


def _moment(text: str) -> float | None:
    try:
        return parsedate_to_datetime(text).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):  # it is not total on nonsense
        return None
