"""X's documented rate limits.

Source: docs.x.com, x-api/fundamentals/rate-limits, as of 2026-08-22. A window belongs to an endpoint and a
credential, whatever the target is. Response headers take precedence over these numbers.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from twittomatic.errors import SettingsError
from twittomatic.networks.base import Limit, LimitList
from twittomatic.networks.x.text import printable

AS_OF = "2026-08-22"
SOURCE = "https://docs.x.com/x-api/fundamentals/rate-limits"

_WINDOW_S = 15 * 60.0


def _each(**requests: int) -> Mapping[str, Limit]:
    return {endpoint: Limit(requests=number, window_s=_WINDOW_S) for endpoint, number in requests.items()}


APP = _each(users=300, users_by=300, followers=300, following=300, timeline=10_000, usage=50)
"""Requests per window of one app, with its bearer token."""

USER = _each(users=900, users_by=900, followers=300, following=300, timeline=900)
"""Requests per window of one user, with an OAuth user token; `usage` is for apps only."""

_MOST_REQUESTS = 10_000_000  # X has shown 1,200,000


DOCUMENTED = LimitList(by_kind={"app": APP, "user": USER}, as_of=AS_OF, source=SOURCE)
"""Both, by kind of credential."""

ENDPOINTS = tuple(dict.fromkeys([*APP, *USER]))
"""The endpoints of both."""

_NAMES = {endpoint: ("app", endpoint) for endpoint in APP} | {
    f"user_{endpoint}": ("user", endpoint) for endpoint in USER
}


def of(table: Mapping[str, object]) -> LimitList:
    """Put the table `[limits]` of a configuration file, requests in 15 minutes, over what X documents.

    Args:
        table: By endpoint for apps, by `user_<endpoint>` for users.

    Raises:
        SettingsError: an unknown endpoint, or something that is not a number of requests.
    """
    if not table:
        return DOCUMENTED
    limits = {kind: dict(documented) for kind, documented in DOCUMENTED.by_kind.items()}
    for name, number in table.items():
        if name != "as_of":
            requests = _requests(name, number)
            kind, endpoint = _NAMES[name]
            limits[kind][endpoint] = Limit(requests=requests, window_s=_WINDOW_S)
    return msgspec.structs.replace(DOCUMENTED, by_kind=limits, source="[limits] in the configuration file")


def _requests(name: str, number: object) -> int:
    if name not in _NAMES:
        raise SettingsError(
            f"[limits] {printable(name)}: there is no such endpoint; the endpoints are {', '.join(_NAMES)}."
        )
    if isinstance(number, bool) or not isinstance(number, int) or not 1 <= number <= _MOST_REQUESTS:
        raise SettingsError(
            f"[limits] {name}: {printable(str(number))} is not allowed; give the requests of one token in "
            f"15 minutes, a whole number from 1 to {_MOST_REQUESTS}."
        )
    return number
