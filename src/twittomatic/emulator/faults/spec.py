"""Parser of `--faults`: which kinds of fault, how often, where and for how long.

    SPEC = "none" | RULE,RULE,...
    RULE = [ENDPOINT:]KIND=RATE[xTIMES][@SECONDS]    with this probability per request, at most TIMES
         | [ENDPOINT:]KIND#NUMBER[xTIMES][@SECONDS]  the request with this number, and TIMES in all

Example: `5xx=0.02,timeout=0.01@5s,402#50x3,followers:reset=0.1x7,users:429#2x*`.
"""

import re
from collections.abc import Collection, Sequence

import msgspec

from ..x.endpoints import ENDPOINTS

MAX_SECONDS = 3600.0
_ROUNDING = 1e-9
_ENDPOINTS = tuple(endpoint.name for endpoint in ENDPOINTS)
_RULE = re.compile(
    r"(?:(?P<endpoint>[^:=#]*):)?(?P<kind>[^:=#@]*)"
    r"(?:=(?P<rate>[^x@]*)|#(?P<nth>[^x@]*))?"
    r"(?:x(?P<times>[^@]*))?(?:@(?P<seconds>.*))?"
)
_SHAPE = "write KIND=RATE, as in 5xx=0.02, or KIND#NUMBER, as in 402#50"


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """One rule of a specification.

    Attributes:
        kind: The kind of fault.
        endpoint: The endpoint to strike; None for all.
        rate: The probability per request, 0 to 1; 0 if `nth` is given.
        nth: The first request to strike, counted among those that the kind can strike; 0 if `rate` is given.
        times: The maximum number of strikes; None for no limit.
        seconds: How long the fault takes; None for the kind's default.
    """

    kind: str
    endpoint: str | None
    rate: float
    nth: int
    times: int | None
    seconds: float | None


def read_rules(spec: str, kinds: Collection[str]) -> Sequence[Rule]:
    """Read a specification.

    Args:
        spec: The specification; spaces around words are ignored, and an empty one means "none".
        kinds: The names of all kinds.

    Raises:
        ValueError: A word is not understood, or the rates of an endpoint add up to more than 1; the
            message names the word and what is allowed.
    """
    if spec.strip().lower() in ("", "none"):
        return ()
    rules = [_rule(word.strip(), kinds) for word in spec.split(",")]
    for endpoint in _ENDPOINTS:
        rate = sum(rule.rate for rule in rules if rule.endpoint in (None, endpoint))
        if rate > 1 + _ROUNDING:
            raise ValueError(
                f"the rates of the faults on '{endpoint}' add up to {rate:g}; at most 1 is possible"
            )
    return rules


def _rule(word: str, kinds: Collection[str]) -> Rule:
    match = _RULE.fullmatch(word)
    if match is None or not word:
        raise ValueError(f"cannot read the fault '{word}'; {_SHAPE}")
    endpoint, kind = match["endpoint"], match["kind"].strip()
    if kind not in kinds:
        raise ValueError(f"there is no fault '{kind}' (in '{word}'); there are {', '.join(kinds)}")
    if endpoint is not None and endpoint.strip() not in _ENDPOINTS:
        raise ValueError(
            f"there is no endpoint '{endpoint.strip()}' (in '{word}'); there are {', '.join(_ENDPOINTS)}"
        )
    rate, nth, times, seconds = (match[name] for name in ("rate", "nth", "times", "seconds"))
    if rate is None and nth is None:
        raise ValueError(f"the fault '{word}' does not say how often; {_SHAPE}")
    return Rule(
        kind=kind,
        endpoint=None if endpoint is None else endpoint.strip(),
        rate=0.0 if rate is None else _decimal(rate, 1.0, f"rate of '{word}'", "a number from 0 to 1"),
        nth=0 if nth is None else _whole(nth, f"number of '{word}'"),
        times=_times(times, word, counted=nth is not None),
        seconds=None if seconds is None else _seconds(seconds, word),
    )


def _times(text: str | None, word: str, *, counted: bool) -> int | None:
    if text is None:
        return 1 if counted else None
    return None if text.strip() == "*" else _whole(text, f"x of '{word}'", ", or * for no limit")


def _seconds(text: str, word: str) -> float:
    return _decimal(
        text.strip().removesuffix("s"), MAX_SECONDS, f"@ of '{word}'", f"seconds from 0 to {MAX_SECONDS:g}"
    )


def _whole(text: str, what: str, more: str = "") -> int:
    digits = text.strip()
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 18 and int(digits) > 0):
        raise ValueError(f"the {what} is '{digits}'; it must be a whole number from 1{more}")
    return int(digits)


def _decimal(text: str, most: float, what: str, allowed: str) -> float:
    number = text.strip()
    if not re.fullmatch(r"[0-9]+(\.[0-9]*)?|\.[0-9]+", number, re.ASCII) or not 0 <= float(number) <= most:
        raise ValueError(f"the {what} is '{number}'; it must be {allowed}")
    return float(number)
