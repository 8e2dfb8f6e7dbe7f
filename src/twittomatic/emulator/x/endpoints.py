"""Table of endpoints: parameters, page sizes and rate limits.

Sources: X docs, openapi.json (parameters and ranges) and fundamentals/rate-limits (app column).
"""

from typing import Literal

import msgspec

EndpointName = Literal[
    "users",
    "users_by",
    "user",
    "user_by_username",
    "followers",
    "following",
    "timeline",
    "posts",
    "usage",
]


class PageSize(msgspec.Struct, frozen=True, kw_only=True):
    """The range of max_results and its default."""

    minimum: int
    maximum: int
    default: int


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """One endpoint.

    Attributes:
        name: The name in the report.
        path: The path, with {id} or {username} in it.
        parameters: The query parameters it accepts.
        expands: The object from which its expansions start, if any.
        limit: Requests per app in a window of 15 minutes.
        user_limit: Requests per user in a window of 15 minutes.
        page: The range of max_results, for lists.
    """

    name: EndpointName
    path: str
    parameters: frozenset[str]
    expands: Literal["user", "post"] | None
    limit: int
    user_limit: int
    page: PageSize | None = None


_OF_USERS = frozenset({"user.fields", "tweet.fields", "post.fields", "expansions"})
_OF_POSTS = _OF_USERS | {"media.fields", "poll.fields", "place.fields"}
_OF_LISTS = _OF_USERS | {"max_results", "pagination_token"}
_FOLLOWS_PAGE = PageSize(minimum=1, maximum=1000, default=100)

ENDPOINTS = (
    Endpoint(
        name="users",
        path="/2/users",
        parameters=_OF_USERS | {"ids"},
        expands="user",
        limit=300,
        user_limit=900,
    ),
    Endpoint(
        name="users_by",
        path="/2/users/by",
        parameters=_OF_USERS | {"usernames"},
        expands="user",
        limit=300,
        user_limit=900,
    ),
    Endpoint(
        name="user", path="/2/users/{id}", parameters=_OF_USERS, expands="user", limit=300, user_limit=900
    ),
    Endpoint(
        name="user_by_username",
        path="/2/users/by/username/{username}",
        parameters=_OF_USERS,
        expands="user",
        limit=300,
        user_limit=900,
    ),
    Endpoint(
        name="followers",
        path="/2/users/{id}/followers",
        parameters=_OF_LISTS,
        expands="user",
        limit=300,
        user_limit=300,
        page=_FOLLOWS_PAGE,
    ),
    Endpoint(
        name="following",
        path="/2/users/{id}/following",
        parameters=_OF_LISTS,
        expands="user",
        limit=300,
        user_limit=300,
        page=_FOLLOWS_PAGE,
    ),
    Endpoint(
        name="timeline",
        path="/2/users/{id}/tweets",
        parameters=_OF_POSTS
        | {"max_results", "pagination_token", "since_id", "until_id", "start_time", "end_time", "exclude"},
        expands="post",
        limit=10_000,
        user_limit=900,
        page=PageSize(minimum=5, maximum=100, default=10),
    ),
    Endpoint(
        name="posts",
        path="/2/tweets",
        parameters=_OF_POSTS | {"ids"},
        expands="post",
        limit=3_500,
        user_limit=5_000,
    ),
    Endpoint(
        name="usage",
        path="/2/usage/tweets",
        parameters=frozenset({"days", "usage.fields"}),
        expands=None,
        limit=50,
        user_limit=50,
    ),
)
