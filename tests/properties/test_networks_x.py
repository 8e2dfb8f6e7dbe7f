"""Whatever X sends, we answer with a page or with an error of our tree, and never with anything else."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from twittomatic.errors import NetworkError
from twittomatic.model import User
from twittomatic.networks.base import Page, Request, Response
from twittomatic.networks.x import X
from twittomatic.storage.formats import member, to_ids

thorough = settings(deadline=None, print_blob=True, max_examples=300)

x = X(url="https://api.x.com", expand_referenced=True)
REQUESTS: list[Request] = [
    x.probe(),
    x.users_by_id([User("1"), User("22"), User("333")]),
    x.users_by_name(["a", "Bb", "c_3"]),
    x.followers(User("1"), token=None, size=1000),
    x.following(User("22"), token="t" * 16, size=1),
    x.timeline(User("1"), token="t" * 16, since_id="5", size=100),
]

requests = st.sampled_from(REQUESTS)
statuses = st.sampled_from([200, 200, 200, 400, 401, 402, 403, 404, 429, 500, 503, 301]) | st.integers(
    -5, 1000
)
headers = st.dictionaries(
    st.sampled_from([f"x-rate-limit-{name}" for name in ("limit", "remaining", "reset")] + ["content-type"]),
    st.text(max_size=12) | st.integers(-5, 10**12).map(str),
)

# What X's own answers are made of, put together in every wrong way.
names = st.sampled_from(
    [
        *("data", "includes", "errors", "meta"),
        *("id", "value", "resource_id", "resource_type", "section", "type", "title", "detail"),
        *("code", "reason", "reset_date", "result_count", "next_token", "message", "parameters"),
        *("users", "tweets", "posts", "media", "polls"),
        *(
            "places",
            "author_id",
            "geo",
            "place_id",
            "media_keys",
            "poll_ids",
            "mentions",
            "username",
            "referenced_tweets",
            "referenced_posts",
            "public_metrics",
            "followers_count",
            "entities",
        ),
    ]
)
words = st.sampled_from(
    [
        "1",
        "22",
        "a",
        "Bb",
        "user",
        "tweet",
        "includes",
        "data",
        "Not Found Error",
        "Authorization Error",
        "User has been suspended: [1].",
        "SpendCapReached",
        "2026-05-13",
        "client-not-enrolled",
        "https://api.x.com/2/problems/resource-not-found",
        "https://api.twitter.com/2/problems/not-authorized-for-resource",
        "https://api.x.com/2/problems/credits",
        "about:blank",
        "pagination_token",
        "0001-01-01",
        "9999-12-31T23:59:59-14:00",
    ]
)
leaves = (
    st.none()
    | st.booleans()
    | st.integers(-5, 500)
    | st.integers(-(10**40), 10**40)
    | st.floats()
    | words
    | st.text(st.characters(exclude_categories=()), max_size=8)
)
values = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(names | st.text(max_size=3), inner, max_size=6)
    ),
    max_leaves=25,
)
objects = st.dictionaries(names, values, max_size=6)
users = st.builds(
    lambda user_id, more: {**more, "id": user_id}, words | st.integers(0, 10**19).map(str), objects
)
pages = st.fixed_dictionaries(
    {},
    optional={
        "data": st.lists(users, max_size=5) | values,
        "includes": st.dictionaries(names, st.lists(users, max_size=4)) | values,
        "errors": st.lists(objects, max_size=4) | values,
        "meta": objects,
    },
)
texts = (pages | values).map(lambda body: json.dumps(body).encode())
bodies = (
    st.binary(max_size=60)
    | texts
    | st.tuples(texts, st.integers(0, 200)).map(lambda pair: pair[0][: pair[1]])
    | (pages | values).map(
        lambda body: json.dumps(body, indent=1, ensure_ascii=False).encode(errors="ignore")
    )
)


class Identified(msgspec.Struct):
    """A record as our readers decode it."""

    id: str


def check(request: Request, response: Response) -> None:
    try:
        page = x.decode(request, response)
    except NetworkError as error:
        assert str(error)
        assert str(error).isprintable()
        assert len(str(error)) < 400
        return
    assert isinstance(page, Page)
    assert len(page.ids) == len(page.records)
    assert page.billed >= len(page.ids)
    to_ids(page.ids)
    member(page.records)
    for user_id, record in zip(page.ids, page.records, strict=True):
        assert not record or msgspec.json.decode(record, type=Identified).id == user_id
        assert record or (user_id in page.unreadable and request.resource != "user")
        x.lifted(record)
    asked = request.params.get("ids", request.params.get("usernames", "")).lower().split(",")
    assert page.missing.keys() <= set(asked) - set(page.ids)
    assert set(page.missing.values()) <= {"protected", "suspended", "deleted", "unavailable"}
    assert page.next_token is None or page.next_token.isprintable()


@thorough
@given(request=requests, status=statuses, found=headers, body=bodies)
@example(REQUESTS[5], 200, {}, b'{"data":' + b"[" * 100_000)
@example(REQUESTS[3], 404, {}, b"[" * 100_000)
@example(REQUESTS[3], 403, {}, b'{"code":' + b"9" * 5_000 + b"}")
@example(REQUESTS[1], 200, {}, b'{"data":[{"id":"1","id":"2"}],"data":[{"id":"3"}],"errors":7}')
@example(REQUESTS[5], 200, {}, b'{"data":[{"id":"1","n":1e999}],"includes":{"tweets":[{"id":"2","n":NaN}]}}')
@example(REQUESTS[5], 200, {}, b'{"data":[{"id":"1","n":%b}],"includes":{"tweets":[]}}' % (b"9" * 5_000))
def test_any_answer_is_a_page_or_an_error(
    request: Request, status: int, found: dict[str, str], body: bytes
) -> None:
    check(request, Response(status=status, headers=found, body=body))


@thorough
@given(request=requests, body=pages.map(lambda body: json.dumps(body).encode()))
def test_any_page_is_read_or_refused_whole(request: Request, body: bytes) -> None:
    check(request, Response(status=200, headers={}, body=body))


@thorough
@given(found=st.dictionaries(st.text(max_size=5), st.text(max_size=5)) | headers)
def test_any_headers_are_a_window_or_none(found: dict[str, str]) -> None:
    window = x.window(Response(status=200, headers=found, body=b""))
    assert window is None or (0 <= window.remaining <= window.limit and window.limit > 0 <= window.reset_at)


@thorough
@given(record=bodies | (users | values).map(lambda body: json.dumps(body).encode()))
def test_any_record_has_every_field_in_its_type(record: bytes) -> None:
    expected = x.lifted(b"{}")
    view = x.lifted(record)
    assert {name: type(value) for name, value in view.items()} == {
        name: type(value) for name, value in expected.items()
    }
    json.dumps(dict(view)).encode()
    str(view).encode()
    assert all(value < 2**63 for value in view.values() if isinstance(value, int))
    assert x.name_of(record) == view["username"]


@thorough
@given(ids=st.lists(st.text(max_size=21) | st.integers(0, 10**20).map(str), min_size=1, max_size=3))
def test_only_ids_are_ever_sent(ids: list[str]) -> None:
    valid = all(text.isascii() and text.isdigit() and len(text) <= 19 for text in ids)
    if valid:
        assert x.users_by_id([*map(User, ids)]).params["ids"].split(",") == ids
    else:
        with pytest.raises(NetworkError):
            x.users_by_id([*map(User, ids)])


@thorough
@given(
    posts=st.lists(st.integers(0, 10**19 - 1), min_size=1, max_size=8), extra=st.dictionaries(names, values)
)
def test_a_valid_page_is_never_refused(posts: list[int], extra: dict[str, Any]) -> None:
    data = [{**extra, "id": str(post)} for post in posts]
    body = json.dumps({"data": data, "meta": {"result_count": len(data)}}, allow_nan=True)
    if "NaN" in body or "Infinity" in body:
        return
    page = x.decode(REQUESTS[5], Response(status=200, headers={}, body=body.encode()))
    assert page.ids == [str(post) for post in posts]
    assert page.billed == len(posts)
