from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from twittomatic.model import User
from twittomatic.networks.base import Response
from twittomatic.networks.x import X
from twittomatic.storage.formats import member

Answer = Callable[..., Response]


def user(user_id: str, name: str = "") -> dict[str, Any]:
    return {"id": user_id, "name": "A", "username": name or f"u{user_id}"}


def problem(value: str, parameter: str = "ids", **more: str) -> dict[str, str]:
    return {
        "value": value,
        "resource_id": value,
        "parameter": parameter,
        "resource_type": "user",
        "title": "Not Found Error",
        "detail": f"Could not find user with {parameter}: [{value}].",
        "type": "https://api.twitter.com/2/problems/resource-not-found",
        **more,
    }


def suspended(value: str, parameter: str = "ids") -> dict[str, str]:
    return problem(value, parameter, title="Forbidden", detail=f"User has been suspended: [{value}].")


def test_a_page_passes_its_records_through(x: X, answer: Answer) -> None:
    body = b'{"data":[{"id":"12","n":1.50,"x":1e400,"t":"\\u00e9 \xc3\xa9"},{"name":"b","id":"13"}],"meta":'
    body += b'{"result_count":2,"next_token":"7140dibdnow9c7btw4b0"}}'
    page = x.decode(x.followers(User("1"), token=None, size=1000), answer(body))
    assert page.ids == ["12", "13"]
    assert page.records == [
        b'{"id":"12","n":1.50,"x":1e400,"t":"\\u00e9 \xc3\xa9"}',
        b'{"name":"b","id":"13"}',
    ]
    assert (page.next_token, page.billed, page.missing) == ("7140dibdnow9c7btw4b0", 2, {})


def test_the_last_page_has_no_token(x: X, answer: Answer) -> None:
    for meta in ({"result_count": 1}, {"result_count": 1, "next_token": None}, None):
        body = {"data": [user("12")], "meta": meta}
        assert x.decode(x.following(User("1"), token=None, size=10), answer(body)).next_token is None
    assert x.decode(x.following(User("1"), token=None, size=10), answer({"data": [user("12")]})).ids == ["12"]


def test_an_empty_page_is_an_empty_page(x: X, answer: Answer) -> None:
    for request in (
        x.followers(User("1"), token=None, size=10),
        x.following(User("1"), token="t" * 16, size=10),
        x.timeline(User("1"), token=None, since_id="5", size=10),
    ):
        page = x.decode(request, answer({"meta": {"result_count": 0}}))
        assert (page.ids, page.records, page.next_token, page.billed) == ((), (), None, 0)
        page = x.decode(request, answer({"data": [], "meta": {"result_count": 0, "next_token": "abc"}}))
        assert (page.ids, page.next_token) == ((), "abc")


def test_errors_of_expanded_objects_do_not_matter(x: X, answer: Answer) -> None:
    gone = problem("1", "pinned_tweet_id", section="includes")
    request = x.followers(User("1"), token=None, size=10)
    assert x.decode(request, answer({"data": [user("12")], "errors": [gone]})).ids == ["12"]
    assert x.decode(request, answer({"errors": [gone], "meta": {"result_count": 0}})).ids == ()
    gone = problem("1", "referenced_tweets.id", resource_type="tweet")
    assert x.decode(request, answer({"errors": [gone], "meta": {"result_count": 0}})).ids == ()


def test_errors_beside_data_do_not_close_a_list(x: X, answer: Answer) -> None:
    body = {"data": [user("12")], "errors": [problem("1", "id")], "meta": {"result_count": 1}}
    assert x.decode(x.followers(User("1"), token=None, size=10), answer(body)).ids == ["12"]


def test_users_who_are_missing_are_named_with_the_reason(x: X, answer: Answer) -> None:
    request = x.users_by_id([User("12"), User("13"), User("14"), User("15"), User("16")])
    body = {
        "data": [user("12")],
        "errors": [
            suspended("14"),
            problem("13"),
            problem("999"),
            problem("12"),
            problem("16", section="includes"),
            problem("16", title="Service Unavailable", detail="", type="about:blank"),
        ],
    }
    page = x.decode(request, answer(body))
    assert (page.ids, page.billed) == (["12"], 1)
    assert page.missing == {"13": "deleted", "14": "suspended"}


def test_names_are_missing_in_lower_case(x: X, answer: Answer) -> None:
    request = x.users_by_name(["Jack", "GONE", "Bad", "silent"])
    body = {
        "data": [user("12", "jacK")],
        "errors": [problem("gone", "usernames"), suspended("Bad", "usernames"), problem("JACK", "usernames")],
    }
    page = x.decode(request, answer(body))
    assert page.missing == {"gone": "deleted", "bad": "suspended"}
    assert page.records == [json.dumps(user("12", "jacK")).encode()]


@pytest.mark.parametrize("status", [200, 404])
def test_a_page_of_missing_users(x: X, answer: Answer, status: int) -> None:
    body = {"errors": [problem("12"), suspended("13")], "title": "Not Found Error"}
    page = x.decode(x.users_by_id([User("12"), User("13"), User("14")]), answer(body, status))
    assert (page.ids, page.billed, page.next_token) == ((), 0, None)
    assert page.missing == {"12": "deleted", "13": "suspended"}


def test_a_value_that_is_a_number_is_an_id_too(x: X, answer: Answer) -> None:
    body = {"errors": [{**problem("12"), "value": 12, "resource_id": None}]}
    assert x.decode(x.users_by_id([User("12")]), answer(body)).missing == {"12": "deleted"}


def test_a_record_is_one_line(x: X, answer: Answer) -> None:
    body = json.dumps({"data": [{**user("12"), "t": "a\nb"}, user("13")]}, indent=2).replace("\n", "\r\n")
    page = x.decode(x.followers(User("1"), token=None, size=10), answer(body.encode()))
    assert [json.loads(record)["id"] for record in page.records] == page.ids == ["12", "13"]
    assert json.loads(page.records[0])["t"] == "a\nb"
    assert not any(b"\n" in record or b"\r" in record for record in page.records)
    member(page.records)


def test_a_record_of_one_line_stays_as_it_was_beside_another(x: X, answer: Answer) -> None:
    body = b'{"data":[{"id": "12"},\n{\n"id": "13"\n}]}'
    assert x.decode(x.followers(User("1"), token=None, size=10), answer(body)).records == [
        b'{"id": "12"}',
        b'{"id":"13"}',
    ]


@pytest.mark.parametrize("length", [*range(32_700, 32_780), *range(65_460, 65_540)])
def test_a_text_is_checked_wherever_it_is_cut(x: X, answer: Answer, length: int) -> None:
    request = x.followers(User("1"), token=None, size=10)
    body = b'{"data":[{"id":"12","n":"%b%b"}]}'
    long = b"x" * (length - len(body))
    whole = "😀é".encode()
    assert x.decode(request, answer(body % (long, whole))).ids == ["12"]
    for broken in (whole[:-1], whole[:3], whole[1:], b"\xed\xa0\xbd"):
        page = x.decode(request, answer(body % (long, broken)))
        assert json.loads(page.records[0])["n"] == (long + broken).decode(errors="replace")


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        (rb"cut \ud83d", rb"cut \ufffd"),
        (rb"\udE00", rb"\ufffd"),
        (rb"\ud83d\ud83d\ude00", rb"\ufffd\ud83d\ude00"),
        (rb"\ud83d\u0041\\ud83d\"", rb"\ufffd\u0041\\ud83d\""),
    ],
)
def test_half_an_emoji_does_not_cost_a_page(x: X, answer: Answer, sent: bytes, kept: bytes) -> None:
    body = b'{"data":[{"id":"12","name":"%b"},{"id":"13"}]}'
    page = x.decode(x.followers(User("1"), token=None, size=10), answer(body % sent))
    assert page.records == [b'{"id":"12","name":"%b"}' % kept, b'{"id":"13"}']


@pytest.mark.parametrize(
    ("dialect", "includes", "billed"),
    [
        ("tweets", {"tweets": [{"id": "8"}, {"id": "9"}]}, 3),
        ("posts", {"posts": [{"id": "8"}]}, 2),
        ("tweets", {"tweets": [{"id": "8"}], "users": [user("7")], "media": [{"media_key": "m"}]}, 4),
    ],
)
def test_expanded_objects_are_billed_at_their_price(
    x: X, answer: Answer, dialect: str, includes: dict[str, object], billed: int
) -> None:
    post = {"id": "10", "text": "t", f"referenced_{dialect}": [{"type": "quoted", "id": "8"}]}
    request = x.timeline(User("1"), token=None, since_id=None, size=10)
    page = x.decode(request, answer({"data": [post], "includes": includes}))
    assert page.billed == billed
    assert json.loads(page.records[0])[f"referenced_{dialect}"] == [{"type": "quoted", "id": "8"}]


def test_a_full_page_is_decoded_in_little_more_than_its_parsing(x: X) -> None:
    users = [{**user(str(i)), "description": "d" * 160, "entities": {"url": {}}} for i in range(1000)]
    body = json.dumps({"data": users, "meta": {"result_count": 1000}}).encode()
    request = x.followers(User("1"), token=None, size=1000)
    response = Response(status=200, headers={}, body=body)

    def seconds(work: Callable[[], object]) -> float:
        best = 9.0
        for _ in range(10):
            began = time.perf_counter()
            work()
            best = min(best, time.perf_counter() - began)
        return best

    assert seconds(lambda: x.decode(request, response)) < 2 * seconds(lambda: json.loads(body))
