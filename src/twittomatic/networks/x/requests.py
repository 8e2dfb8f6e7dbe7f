"""Build the requests to X, each with the maximum cost of its answer.

Paths and parameters: X's openapi.json, version 2.159. Everything from outside is checked before it enters a
URL.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from twittomatic.errors import RequestRefused
from twittomatic.networks.base import Request
from twittomatic.networks.x import fields
from twittomatic.networks.x.text import printable

USERS_PER_REQUEST = 100
FOLLOWERS_PER_PAGE = 1000
POSTS_PER_PAGE = 100
FEWEST_POSTS = 5  # X refuses smaller pages

_USER_ID = re.compile(r"[0-9]{1,19}")
_NAME = re.compile(r"[A-Za-z0-9_]{1,15}")

_USER_FIELDS = ",".join(fields.USER_FIELDS)
_POSTS_ALONE = {"tweet.fields": ",".join(fields.POST_FIELDS)}
_POSTS_EXPANDED = {
    **_POSTS_ALONE,
    "expansions": ",".join(fields.EXPANSIONS),
    "media.fields": ",".join(fields.MEDIA_FIELDS),
    "poll.fields": ",".join(fields.POLL_FIELDS),
    "place.fields": ",".join(fields.PLACE_FIELDS),
}


def usage() -> Request:
    """Build the request for the account's usage, which is free and so serves to test a credential."""
    return Request(
        endpoint="usage", path="/2/usage/tweets", params={}, resource="", most_resources=0, unit_price=0
    )


def users_by_id(user_ids: Sequence[str], *, unit_price: int) -> Request:
    """Build the request for 1 to 100 profiles by id.

    Raises:
        RequestRefused: no id, too many, or something that is not an id.
    """
    return _users("users", "/2/users", "ids", [_checked_id(user_id) for user_id in user_ids], unit_price)


def users_by_name(names: Sequence[str], *, unit_price: int) -> Request:
    """Build the request for 1 to 100 profiles by screen name, without @.

    Raises:
        RequestRefused: no name, too many, or something that is not a name.
    """
    for name in names:
        if not _NAME.fullmatch(name):
            raise RequestRefused(f"“{printable(name)}” is not a name on X: 1 to 15 letters, digits and _.")
    return _users("users_by", "/2/users/by", "usernames", names, unit_price)


def follows(endpoint: str, user_id: str, *, token: str | None, size: int, unit_price: int) -> Request:
    """Build the request for a page of `followers` or `following`; `size` is clamped to 1 to 1000 users.

    Raises:
        RequestRefused: not an id.
    """
    size = min(max(size, 1), FOLLOWERS_PER_PAGE)
    return Request(
        endpoint=endpoint,
        path=f"/2/users/{_checked_id(user_id)}/{endpoint}",
        params=_paged({"max_results": str(size), "user.fields": _USER_FIELDS}, token),
        resource="follower",
        most_resources=size,
        unit_price=unit_price,
        paginated=token is not None,
    )


def timeline(
    user_id: str,
    *,
    token: str | None,
    since_id: str | None,
    size: int,
    expand_referenced: bool,
    unit_price: int,
) -> Request:
    """Build the request for a page of posts, newest first; `size` is clamped to 5 to 100 posts.

    Args:
        user_id: The author's id, decimal.
        token: Pagination token, None for the first page.
        since_id: Exclude this post and older ones.
        size: Number of posts on the page.
        expand_referenced: Also buy the posts that these refer to.
        unit_price: Price of a post in micro-dollars.

    Raises:
        RequestRefused: not an id.
    """
    size = min(max(size, FEWEST_POSTS), POSTS_PER_PAGE)
    params = {"max_results": str(size), **(_POSTS_EXPANDED if expand_referenced else _POSTS_ALONE)}
    if since_id is not None:
        params["since_id"] = _checked_id(since_id)
    return Request(
        endpoint="timeline",
        path=f"/2/users/{_checked_id(user_id)}/tweets",
        params=_paged(params, token),
        resource="post",
        most_resources=size * (1 + fields.MOST_REFERENCES) if expand_referenced else size,
        unit_price=unit_price,
        paginated=token is not None,
    )


def _users(endpoint: str, path: str, parameter: str, values: Sequence[str], unit_price: int) -> Request:
    if not 1 <= len(values) <= USERS_PER_REQUEST:
        raise RequestRefused(f"X takes 1 to {USERS_PER_REQUEST} users at a time, not {len(values)}.")
    return Request(
        endpoint=endpoint,
        path=path,
        params={parameter: ",".join(values), "user.fields": _USER_FIELDS},
        resource="user",
        most_resources=len(values),
        unit_price=unit_price,
    )


def _paged(params: dict[str, str], token: str | None) -> dict[str, str]:
    return params if token is None else {**params, "pagination_token": token}


def _checked_id(text: str) -> str:
    if not _USER_ID.fullmatch(text):
        raise RequestRefused(f"“{printable(text)}” is not an id on X: 1 to 19 digits.")
    return text
