"""X's error responses: problem objects, as observed by clients.

Formats: X docs, fundamentals/response-codes-and-errors, and openapi.json, *Problem.
"""

from collections.abc import Iterable, Mapping
from typing import Any

Problem = dict[str, Any]

_TYPES = "https://api.twitter.com/2/problems/"

UNAUTHORIZED: Problem = {
    "title": "Unauthorized",
    "type": "about:blank",
    "status": 401,
    "detail": "Unauthorized",
}
TOO_MANY_REQUESTS: Problem = {
    "title": "Too Many Requests",
    "detail": "Too Many Requests",
    "type": "about:blank",
    "status": 429,
}


class InvalidRequestError(Exception):
    """A request has an invalid parameter; X answers 400.

    Args:
        message: One sentence for humans.
        parameters: The invalid parameters, each with its values.
    """

    def __init__(self, message: str, parameters: Mapping[str, Iterable[str]]) -> None:
        super().__init__(message)
        self.problem: Problem = {
            "errors": [{"parameters": {k: list(v) for k, v in parameters.items()}, "message": message}],
            "title": "Invalid Request",
            "detail": "One or more parameters to your request was invalid.",
            "type": f"{_TYPES}invalid-request",
        }


def garbled_token(token: str) -> InvalidRequestError:
    """Return the error for a pagination token that is malformed, expired or of another list."""
    message = f"The `pagination_token` query parameter value [{token}] is not valid"
    return InvalidRequestError(message, {"pagination_token": [token]})


def not_found(resource: str, parameter: str, value: str) -> Problem:
    """Return the problem for a user or tweet that does not exist or was deleted."""
    return _missing(
        resource,
        parameter,
        value,
        "Not Found Error",
        f"Could not find {resource} with {parameter}: [{value}].",
    )


def suspended(parameter: str, value: str) -> Problem:
    """Return the problem for a suspended user, which differs from `not_found` only in its text."""
    return _missing("user", parameter, value, "Forbidden", f"User has been suspended: [{value}].")


def not_authorized(resource: str, parameter: str, value: str, *, section: str = "data") -> Problem:
    """Return the problem for a protected user or tweet."""
    shown = "Tweet" if resource == "tweet" else resource
    return {
        "value": value,
        "detail": f"Sorry, you are not authorized to see the {shown} with {parameter}: [{value}].",
        "title": "Authorization Error",
        "section": section,
        "resource_type": resource,
        "parameter": parameter,
        "resource_id": value,
        "type": f"{_TYPES}not-authorized-for-resource",
    }


def _missing(resource: str, parameter: str, value: str, title: str, detail: str) -> Problem:
    return {
        "value": value,
        "detail": detail,
        "title": title,
        "resource_type": resource,
        "parameter": parameter,
        "resource_id": value,
        "type": f"{_TYPES}resource-not-found",
    }
