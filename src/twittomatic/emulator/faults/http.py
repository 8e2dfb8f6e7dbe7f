"""HTTP errors before anything is charged: 4xx, 5xx, and a 200 that holds only errors.

Formats: X docs, fundamentals/response-codes-and-errors, and responses observed by clients.
"""

import msgspec
from aiohttp import web

from ..x.problems import UNAUTHORIZED, Problem, garbled_token
from ..x.responses import json_response, problem_response
from .strike import FaultKind, Strike

_TYPES = "https://api.x.com/2/problems/"

CREDITS_DEPLETED: tuple[Problem, ...] = (
    {
        "account_id": 1,
        "title": "CreditsDepleted",
        "detail": "Your enrolled account [1] does not have any credits to fulfill this request.",
        "type": f"{_TYPES}credits",
    },
    {
        "title": "Payment Required",
        "status": 402,
        "detail": "credits depleted",
        "type": f"{_TYPES}credits-depleted",
    },
)
SPEND_CAP: Problem = {
    "account_id": 1,
    "title": "SpendCapReached",
    "detail": "Your enrolled account [1] has reached its billing cycle spend cap.",
    "reset_date": "2030-01-01",
    "type": f"{_TYPES}credits",
}
USAGE_CAP: Problem = {
    "account_id": 1,
    "title": "UsageCapExceeded",
    "detail": "Usage cap exceeded: Monthly product cap",
    "period": "Monthly",
    "scope": "Product",
    "product_name": "standard-basic",
    "type": f"{_TYPES}usage-capped",
}
NOT_ENROLLED: Problem = {
    "client_id": "1",
    "title": "Client Forbidden",
    "detail": "This app is not attached to a project.",
    "reason": "client-not-enrolled",
    "required_enrollment": "Appropriate Level of API Access",
    "type": f"{_TYPES}client-forbidden",
}
_FAILED: Problem = {"title": "Internal Error", "detail": "Something is broken.", "type": "about:blank"}
_NAMES = {
    500: "Internal Server Error",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Timeout",
}


class ServerFailure(FaultKind):
    """A server error: a problem object, an empty body or an HTML page.

    Args:
        statuses: The statuses, from which one is drawn per request.
    """

    def __init__(self, *statuses: int) -> None:
        self._statuses = statuses

    async def before(self, strike: Strike) -> web.StreamResponse | None:
        """Answer 5xx; only the problem object carries rate-limit headers."""
        strike.fire()
        status = strike.rng.choice(self._statuses)
        name = _NAMES[status]
        match strike.rng.choice(("problem", "empty", "html")):
            case "problem":
                problem = {"title": name, "detail": name, "type": "about:blank", "status": status}
                return problem_response(status, problem, strike.info.headers)
            case "empty":
                return web.Response(status=status)
            case _:
                return html(status, name)


class Refusal(FaultKind):
    """A refused request.

    Args:
        status: The HTTP status.
        problems: The problem objects, from which one is drawn per request.
        headers: Whether to send rate-limit headers, which show that the window has requests left.
    """

    def __init__(self, status: int, *problems: Problem, headers: bool = False) -> None:
        self._status = status
        self._problems = problems
        self._headers = headers

    async def before(self, strike: Strike) -> web.StreamResponse | None:
        """Answer with a problem object."""
        strike.fire()
        headers = strike.info.headers if self._headers else None
        return problem_response(self._status, strike.rng.choice(self._problems), headers)


class StaleToken(FaultKind):
    """A pagination token refused once; the next request may use it again."""

    def can_strike(self, strike: Strike) -> bool:
        """Return whether the request continues a list."""
        return strike.is_list and strike.is_continuation

    async def before(self, strike: Strike) -> web.StreamResponse | None:
        """Answer 400, as for a malformed token."""
        strike.fire()
        error = garbled_token(strike.request.query["pagination_token"])
        return problem_response(400, error.problem, strike.info.headers)


class ErrorsOnly(FaultKind):
    """A 200 without data whose errors concern no resource."""

    async def before(self, strike: Strike) -> web.StreamResponse | None:
        """Answer with an `errors` section alone."""
        strike.fire()
        return json_response(200, msgspec.json.encode({"errors": [_FAILED]}), strike.info.headers)


class DeadToken(FaultKind):
    """A bearer token refused permanently, beginning with this request.

    Args:
        of_users: Whether to strike users' access tokens, which can be renewed, instead of app tokens.
    """

    def __init__(self, *, of_users: bool) -> None:
        self._of_users = of_users
        self._dead: set[str] = set()

    def can_strike(self, strike: Strike) -> bool:
        """Return whether the token is of the right type and still accepted."""
        return strike.info.of_user == self._of_users and not self.persists(strike)

    def persists(self, strike: Strike) -> bool:
        """Return whether the token has been revoked by an earlier strike."""
        return strike.info.credential in self._dead

    async def before(self, strike: Strike) -> web.StreamResponse | None:
        """Answer 401, now and to every later request with the token."""
        strike.fire()
        self._dead.add(strike.info.credential)
        return problem_response(401, UNAUTHORIZED)


def html(status: int, title: str) -> web.Response:
    """Return an HTML error page as a proxy would send it."""
    text = f"<!DOCTYPE html>\n<html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>\n"
    return web.Response(status=status, text=text, content_type="text/html")
