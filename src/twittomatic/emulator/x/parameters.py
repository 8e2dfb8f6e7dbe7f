"""Validation of request parameters; an invalid one is answered with X's 400.

Sources: X docs, openapi.json (patterns and ranges); timelines/integrate (times and ids).
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime

import msgspec

from ..madeup.snowflakes import EPOCH_MS, LOW_BITS
from .endpoints import Endpoint
from .fields import FieldSelection, select
from .problems import InvalidRequestError

MAX_BATCH = 100
_ID = re.compile(r"[0-9]{1,19}")
_USERNAME = re.compile(r"[A-Za-z0-9_]{1,15}")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)")
_OLDEST_TIME = datetime(2010, 11, 6, tzinfo=UTC)
_EXCLUDABLE = frozenset({"replies", "retweets"})
_PAST_ALL_IDS = 1 << 64


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """A request with valid parameters.

    Attributes:
        selection: Fields, expansions and dialect.
        user_id: The {id} of the path, if it has one.
        username: The {username} of the path, if it has one.
        ids: User or post ids to look up, without duplicates, in the order given.
        usernames: Names to look up, likewise.
        max_results: The maximum page size.
        pagination_token: The position at which to continue, not yet decoded.
        since_id: Only posts with a greater id; includes start_time.
        until_id: Only posts with a smaller id; includes end_time.
        exclude: "replies", "retweets", both or neither.
    """

    selection: FieldSelection
    user_id: int = 0
    username: str = ""
    ids: tuple[int, ...] = ()
    usernames: tuple[str, ...] = ()
    max_results: int = 0
    pagination_token: str | None = None
    since_id: int = 0
    until_id: int = _PAST_ALL_IDS
    exclude: frozenset[str] = frozenset()

    @property
    def scope(self) -> str:
        """The part of a list's request to which its pagination tokens are bound."""
        return f"{self.user_id}|{self.since_id}|{self.until_id}|{','.join(sorted(self.exclude))}"


def read(endpoint: Endpoint, path: Mapping[str, str], query: Mapping[str, str]) -> Query:
    """Validate the parameters of a request.

    Args:
        endpoint: The endpoint.
        path: The {id} or {username} of the path.
        query: The decoded query string, one value per name.

    Raises:
        InvalidRequestError: A parameter is unknown, missing or out of its range.
    """
    for name, value in query.items():
        if name not in endpoint.parameters:
            known = ",".join(sorted(endpoint.parameters | path.keys()))
            raise InvalidRequestError(
                f"The query parameter [{name}] is not one of [{known}]", {name: [value]}
            )
    since_id, until_id = _bounds(query)
    return Query(
        selection=select(
            endpoint,
            query.get("user.fields"),
            query.get("tweet.fields"),
            query.get("post.fields"),
            query.get("expansions"),
        ),
        user_id=_id("id", path["id"]) if "id" in path else 0,
        username=_match(_USERNAME, "username", path["username"]) if "username" in path else "",
        ids=tuple(dict.fromkeys(_id("ids", i) for i in _batch(endpoint, "ids", query))),
        usernames=tuple(
            dict.fromkeys(
                _match(_USERNAME, "usernames", name) for name in _batch(endpoint, "usernames", query)
            )
        ),
        max_results=_max_results(endpoint, query),
        pagination_token=query.get("pagination_token"),
        since_id=since_id,
        until_id=until_id,
        exclude=_exclude(query),
    )


def _match(pattern: re.Pattern[str], name: str, value: str) -> str:
    if pattern.fullmatch(value) is None:
        message = f"The `{name}` query parameter value [{value}] does not match ^{pattern.pattern}$"
        raise InvalidRequestError(message, {name: [value]})
    return value


def _id(name: str, value: str) -> int:
    return int(_match(_ID, name, value))


def _batch(endpoint: Endpoint, name: str, query: Mapping[str, str]) -> list[str]:
    if name not in endpoint.parameters:
        return []
    value = query.get(name, "")
    items = value.split(",") if value else []
    if not 1 <= len(items) <= MAX_BATCH:
        message = f"The number of values in the `{name}` query parameter list [{len(items)}] is not between 1"
        raise InvalidRequestError(f"{message} and {MAX_BATCH}", {name: [value]})
    return items


def _max_results(endpoint: Endpoint, query: Mapping[str, str]) -> int:
    page = endpoint.page
    if page is None:
        return 0
    value = query.get("max_results")
    if value is None:
        return page.default
    if not value.isascii() or not value.isdigit() or not page.minimum <= int(value) <= page.maximum:
        allowed = f"{page.minimum} and {page.maximum}"
        message = f"The `max_results` query parameter value [{value}] is not between {allowed}"
        raise InvalidRequestError(message, {"max_results": [value]})
    return int(value)


def _bounds(query: Mapping[str, str]) -> tuple[int, int]:
    since_id, until_id = 0, _PAST_ALL_IDS
    if "since_id" in query:
        since_id = _id("since_id", query["since_id"])
    if "until_id" in query:
        until_id = _id("until_id", query["until_id"])
    if since_id >= until_id:
        message = "Invalid 'since_id'. 'since_id' must be less than 'until_id'"
        raise InvalidRequestError(message, {name: [query[name]] for name in ("since_id", "until_id")})
    start, end = _time("start_time", query), _time("end_time", query)
    if start is not None and end is not None and start >= end:
        message = "Invalid 'start_time'. 'start_time' must be before 'end_time'"
        raise InvalidRequestError(message, {name: [query[name]] for name in ("start_time", "end_time")})
    if start is not None:
        since_id = max(since_id, _first_id(start) - 1)
    if end is not None:
        until_id = min(until_id, _first_id(end))
    return since_id, until_id


def _time(name: str, query: Mapping[str, str]) -> datetime | None:
    value = query.get(name)
    if value is None:
        return None
    _match(_TIME, name, value)
    try:
        time = datetime.fromisoformat(value).astimezone(UTC)
    except (ValueError, OverflowError):
        raise InvalidRequestError(f"Invalid '{name}': [{value}] is not a time", {name: [value]}) from None
    if time < _OLDEST_TIME:
        message = f"Invalid '{name}'. '{name}' must be on or after 2010-11-06T00:00:00Z"
        raise InvalidRequestError(message, {name: [value]})
    return time


def _first_id(time: datetime) -> int:
    return max(0, int(time.timestamp()) * 1000 - EPOCH_MS) << LOW_BITS


def _exclude(query: Mapping[str, str]) -> frozenset[str]:
    value = query.get("exclude")
    if value is None:
        return frozenset()
    kinds = value.split(",")
    if not set(kinds) <= _EXCLUDABLE or len(set(kinds)) != len(kinds):
        message = f"The `exclude` query parameter value [{value}] is not a list of [replies,retweets]"
        raise InvalidRequestError(message, {"exclude": [value]})
    return frozenset(kinds)
