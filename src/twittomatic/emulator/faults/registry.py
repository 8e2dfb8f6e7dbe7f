"""All kinds of faults, by the names that `--faults` knows them by."""

from collections.abc import Callable, Mapping
from functools import partial

from ..x.problems import TOO_MANY_REQUESTS, UNAUTHORIZED
from .body import Html, Junk, Odd
from .http import (
    CREDITS_DEPLETED,
    NOT_ENROLLED,
    SPEND_CAP,
    USAGE_CAP,
    Broken,
    Dead,
    OnlyErrors,
    Refused,
    Stale,
)
from .pages import Again, Empty, Loop, Repeat, Short
from .strikes import Kind
from .wire import Cut, CutGzip, Reset, Slow, Timeout
from .world import Arrive, Fate, Leave, Publish

KINDS: Mapping[str, Callable[[], Kind]] = {
    "5xx": partial(Broken, 500, 502, 503, 504),
    "500": partial(Broken, 500),
    "502": partial(Broken, 502),
    "503": partial(Broken, 503),
    "504": partial(Broken, 504),
    "429": partial(Refused, 429, TOO_MANY_REQUESTS),
    "401": partial(Refused, 401, UNAUTHORIZED),
    "402": partial(Refused, 402, *CREDITS_DEPLETED, headers=True),
    "403": partial(Refused, 403, SPEND_CAP, headers=True),
    "usage-cap": partial(Refused, 429, USAGE_CAP, headers=True),
    "not-enrolled": partial(Refused, 403, NOT_ENROLLED, headers=True),
    "revoked": partial(Dead, of_users=False),
    "expired": partial(Dead, of_users=True),
    "stale": Stale,
    "errors": OnlyErrors,
    "slow": Slow,
    "timeout": partial(Timeout, billed=False),
    "timeout-billed": partial(Timeout, billed=True),
    "reset": partial(Reset, billed=False),
    "reset-billed": partial(Reset, billed=True),
    "cut": Cut,
    "cut-gzip": CutGzip,
    "html": Html,
    "junk": Junk,
    "odd": Odd,
    "short": Short,
    "empty": Empty,
    "again": Again,
    "repeat": Repeat,
    "loop": Loop,
    "protect": partial(Fate, "protected"),
    "suspend": partial(Fate, "suspended"),
    "delete": partial(Fate, "deleted"),
    "arrive": Arrive,
    "leave": Leave,
    "post": Publish,
}
