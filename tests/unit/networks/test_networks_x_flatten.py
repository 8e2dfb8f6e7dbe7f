"""What was bought with posts is put where twarc puts it."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest
from twarc.expansions import flatten as twarc_flatten

from recorded import pages
from twittomatic.model import User
from twittomatic.networks.base import Response
from twittomatic.networks.x import X

Answer = Callable[..., Response]
Body = dict[str, Any]

# Made up, in the shape of X's own examples (docs.x.com, x-api/fundamentals/data-dictionary).
PAGE: Body = {
    "data": [
        {
            "id": "104",
            "text": "RT @b: long",
            "author_id": "1",
            "in_reply_to_user_id": "2",
            "entities": {"mentions": [{"start": 3, "end": 5, "username": "b"}, {"username": "gone"}]},
            "referenced_tweets": [{"type": "retweeted", "id": "103"}, {"type": "quoted", "id": "99"}],
        },
        {
            "id": "105",
            "text": "a picture, a poll and a place; 😀 \u2028 é",
            "author_id": "1",
            "attachments": {"media_keys": ["3_1", "3_gone"], "poll_ids": ["7"]},
            "geo": {"place_id": "p1", "coordinates": {"type": "Point", "coordinates": [43.7159, 10.4018]}},
            "note_tweet": {"text": "all of it", "entities": {"mentions": [{"username": "a", "id": "1"}]}},
        },
        {"id": "106", "text": "nothing"},
    ],
    "includes": {
        "users": [
            {"id": "1", "name": "A", "username": "a", "pinned_tweet_id": "103"},
            {"id": "2", "name": "B", "username": "b", "public_metrics": {"followers_count": 2}},
        ],
        "tweets": [
            {"id": "102", "text": "oldest", "author_id": "2", "attachments": {"media_keys": ["3_1"]}},
            {
                "id": "103",
                "text": "long " * 40,
                "author_id": "2",
                "referenced_tweets": [{"type": "quoted", "id": "102"}],
            },
        ],
        "media": [{"media_key": "3_1", "type": "photo", "url": "https://pbs.twimg.com/1.jpg"}],
        "polls": [{"id": "7", "options": [{"position": 1, "label": "yes", "votes": 3}]}],
        "places": [{"id": "p1", "full_name": "Pisa, Tuscany", "geo": {"type": "Feature"}}],
    },
    "meta": {"result_count": 3},
}


def by_twarc(body: Body) -> list[Body]:
    """Let twarc flatten a page whose included posts come oldest first: its result depends on their order."""
    body = copy.deepcopy(body)
    body.pop("__twarc", None)
    body["includes"].get("tweets", []).sort(key=lambda post: int(post["id"]))
    return list(twarc_flatten(body))


def ours(x: X, answer: Answer, body: Body) -> list[Body]:
    page = x.decode(x.timeline(User("1"), token=None, since_id=None, size=100), answer(body))
    posts = [json.loads(record) for record in page.records]
    assert [post["id"] for post in posts] == page.ids
    return posts


def newer(value: Any) -> Any:
    """Spell a page in X's newer dialect."""
    if isinstance(value, dict):
        names = {"tweets": "posts", "referenced_tweets": "referenced_posts", "note_tweet": "note_post"}
        return {names.get(name, name): newer(item) for name, item in value.items()}
    return [newer(item) for item in value] if isinstance(value, list) else value


def test_it_is_what_twarc_writes(x: X, answer: Answer) -> None:
    posts = ours(x, answer, PAGE)
    assert posts == by_twarc(PAGE)
    assert posts[0]["author"]["username"] == "a"
    assert (
        posts[0]["referenced_tweets"][0]["referenced_tweets"][0]["attachments"]["media"][0]["type"] == "photo"
    )
    assert posts[1]["geo"]["full_name"] == "Pisa, Tuscany"


def test_the_newer_dialect_is_flattened_alike(x: X, answer: Answer) -> None:
    assert ours(x, answer, newer(PAGE)) == newer(by_twarc(PAGE))


def test_recorded_pages_are_flattened_as_twarc_does(x: X, answer: Answer) -> None:
    for body in pages():
        assert ours(x, answer, body) == by_twarc(body)
        assert ours(x, answer, newer(body)) == newer(by_twarc(body))


def test_what_was_not_bought_is_left_as_it_was(x: X, answer: Answer) -> None:
    body = {**PAGE, "includes": {"tweets": PAGE["includes"]["tweets"]}}
    posts = ours(x, answer, body)
    assert "author" not in posts[0]
    assert posts[0]["referenced_tweets"][0]["text"] == "long " * 40
    assert posts[0]["referenced_tweets"][0]["author"] == {}, "twarc-csv asks for it"
    assert posts[1] == PAGE["data"][1]
    assert ours(x, answer, {"data": PAGE["data"]}) == PAGE["data"]


def test_a_thread_does_not_nest_itself_into_every_post(x: X, answer: Answer) -> None:
    def post(number: int) -> Body:
        reference = [{"type": "replied_to", "id": str(number - 1)}]
        return {"id": str(number), "text": "t", "referenced_tweets": reference}

    thread = [post(number) for number in range(200, 100, -1)]
    posts = ours(x, answer, {"data": thread, "includes": {"tweets": thread}})
    depth, found = 0, posts[0]
    while "referenced_tweets" in found:
        depth, found = depth + 1, found["referenced_tweets"][0]
    assert depth == 3
    assert found == {"type": "replied_to", "id": "197"}


def test_a_circle_ends(x: X, answer: Answer) -> None:
    tweets = [
        {"id": "1", "referenced_tweets": [{"type": "quoted", "id": "2"}]},
        {"id": "2", "referenced_tweets": [{"type": "quoted", "id": "1"}, {"type": "quoted", "id": "2"}]},
    ]
    assert len(json.dumps(ours(x, answer, {"data": tweets, "includes": {"tweets": tweets}}))) < 2_000


def test_a_page_made_to_fill_the_memory_is_left_as_it_was(x: X, answer: Answer) -> None:
    big = {"id": "1", "username": "a", "description": "x" * 100_000}
    mentions = {"entities": {"mentions": [{"username": "a"}] * 1_000}}
    body = {"data": [{"id": "5", **mentions}, {"id": "6"}], "includes": {"users": [big]}}
    page = x.decode(x.timeline(User("1"), token=None, since_id=None, size=10), answer(body))
    assert [json.loads(record) for record in page.records] == body["data"]
    assert (page.unreadable, page.billed) == (["5"], 4)


@pytest.mark.parametrize(
    "odd",
    [
        {
            "author_id": ["1"],
            "geo": "here",
            "mentions": {"username": "a"},
            "media_keys": "3_1",
            "poll_ids": 7,
        },
        {"author_id": None, "geo": {"place_id": {}}, "mentions": ["a", None], "media_keys": [1, None, []]},
        {"referenced_tweets": [None, "102", {"id": 102}, {"id": None}, {}], "poll_ids": []},
        {"referenced_tweets": {"id": "102"}, "referenced_posts": "102", "entities": {"mentions": [[]]}},
    ],
)
def test_odd_shapes_do_no_harm(x: X, answer: Answer, odd: Body) -> None:
    body = {**PAGE, "data": [{"id": "9", **odd}]}
    assert ours(x, answer, body)[0]["id"] == "9"


@pytest.mark.parametrize("item", [None, "x", 5, [], {}, {"id": 5}, {"id": None, "media_key": []}])
def test_odd_includes_do_no_harm(x: X, answer: Answer, item: object) -> None:
    body = {**PAGE, "includes": {kind: [item] for kind in PAGE["includes"]}}
    assert len(ours(x, answer, body)) == 3
