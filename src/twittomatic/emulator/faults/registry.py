"""All kinds of faults, by their names in `--faults`."""

from collections.abc import Callable, Mapping
from functools import partial

from ..x.problems import TOO_MANY_REQUESTS, UNAUTHORIZED
from .body import HtmlPage, JunkJson, OddPage
from .http import (
    CREDITS_DEPLETED,
    NOT_ENROLLED,
    SPEND_CAP,
    USAGE_CAP,
    DeadToken,
    ErrorsOnly,
    Refusal,
    ServerFailure,
    StaleToken,
)
from .pages import EmptyPage, EndlessLoop, RepeatedToken, SelfLink, ShortPage
from .strike import FaultKind
from .wire import ConnectionReset, CutBody, CutGzipStream, NoAnswer, SlowAnswer
from .world import Arrival, Departure, NewPosts, StatusChange

KINDS: Mapping[str, Callable[[], FaultKind]] = {
    "5xx": partial(ServerFailure, 500, 502, 503, 504),
    "500": partial(ServerFailure, 500),
    "502": partial(ServerFailure, 502),
    "503": partial(ServerFailure, 503),
    "504": partial(ServerFailure, 504),
    "429": partial(Refusal, 429, TOO_MANY_REQUESTS),
    "401": partial(Refusal, 401, UNAUTHORIZED),
    "402": partial(Refusal, 402, *CREDITS_DEPLETED, headers=True),
    "403": partial(Refusal, 403, SPEND_CAP, headers=True),
    "usage-cap": partial(Refusal, 429, USAGE_CAP, headers=True),
    "not-enrolled": partial(Refusal, 403, NOT_ENROLLED, headers=True),
    "revoked": partial(DeadToken, of_users=False),
    "expired": partial(DeadToken, of_users=True),
    "stale": StaleToken,
    "errors": ErrorsOnly,
    "slow": SlowAnswer,
    "timeout": partial(NoAnswer, billed=False),
    "timeout-billed": partial(NoAnswer, billed=True),
    "reset": partial(ConnectionReset, billed=False),
    "reset-billed": partial(ConnectionReset, billed=True),
    "cut": CutBody,
    "cut-gzip": CutGzipStream,
    "html": HtmlPage,
    "junk": JunkJson,
    "odd": OddPage,
    "short": ShortPage,
    "empty": EmptyPage,
    "again": SelfLink,
    "repeat": RepeatedToken,
    "loop": EndlessLoop,
    "protect": partial(StatusChange, "protected"),
    "suspend": partial(StatusChange, "suspended"),
    "delete": partial(StatusChange, "deleted"),
    "arrive": Arrival,
    "leave": Departure,
    "post": NewPosts,
}
