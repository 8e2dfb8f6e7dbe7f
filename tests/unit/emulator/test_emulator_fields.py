from typing import Any

from twittomatic.emulator.x.endpoints import ENDPOINTS
from twittomatic.emulator.x.fields import FieldSelection, select, show, to_legacy

BY_NAME = {endpoint.name: endpoint for endpoint in ENDPOINTS}
POST = {
    "id": "1",
    "text": "t",
    "edit_history_tweet_ids": ["1"],
    "author_id": "2",
    "note_tweet": {"text": "long"},
    "public_metrics": {"retweet_count": 3, "like_count": 4},
    "referenced_tweets": [{"type": "quoted", "id": "9"}],
    "in_reply_to_user_id": "5",
}
USER = {
    "id": "2",
    "name": "N",
    "username": "n",
    "pinned_tweet_id": "1",
    "public_metrics": {"tweet_count": 3, "followers_count": 4},
}


def of_post(**asked: str) -> tuple[FieldSelection, dict[str, Any]]:
    selection = select(
        BY_NAME["timeline"],
        asked.get("user_fields"),
        asked.get("tweet_fields"),
        asked.get("post_fields"),
        asked.get("expansions"),
    )
    return selection, show(selection, selection.post_fields, POST)


def of_user(**asked: str) -> tuple[FieldSelection, dict[str, Any]]:
    selection = select(
        BY_NAME["user"], asked.get("user_fields"), None, asked.get("post_fields"), asked.get("expansions")
    )
    return selection, show(selection, selection.user_fields, USER)


def test_defaults() -> None:
    assert of_post()[1].keys() == {"id", "text", "edit_history_tweet_ids"}
    assert of_user()[1].keys() == {"id", "name", "username"}


def test_unknown_and_private_fields_are_dropped_without_a_word() -> None:
    assert of_post(tweet_fields="nonsense,organic_metrics")[1] == of_post()[1]
    assert of_user(user_fields="nonsense,confirmed_email,connection_status")[1] == of_user()[1]


def test_an_expansion_brings_the_field_that_carries_it() -> None:
    assert of_post(expansions="author_id")[1]["author_id"] == "2"
    assert "referenced_tweets" in of_post(expansions="referenced_tweets.id.author_id")[1]
    assert of_user(expansions="pinned_tweet_id")[1]["pinned_tweet_id"] == "1"


def test_legacy_spelling() -> None:
    selection, shown = of_post(tweet_fields="note_tweet,public_metrics,author_id,referenced_tweets")
    assert selection.dialect == "tweet"
    assert {"note_tweet", "author_id", "referenced_tweets"} <= shown.keys()
    assert shown["public_metrics"]["retweet_count"] == 3


def test_newer_spelling() -> None:
    selection, shown = of_post(post_fields="note_post,public_metrics")
    assert selection.dialect == "post"
    assert shown.keys() == {"id", "text", "note_post", "public_metrics"}
    assert shown["public_metrics"] == {"repost_count": 3, "like_count": 4}


def test_in_the_newer_dialect_references_are_expansions_only() -> None:
    _, shown = of_post(
        post_fields="author_id,referenced_posts,in_reply_to_user_id,edit_history_post_ids,note_tweet"
    )
    assert shown.keys() == {"id", "text"}
    selection, shown = of_post(expansions="author_id,referenced_posts,edit_history_post_ids")
    assert selection.dialect == "post"
    assert shown.keys() == {"id", "text", "author_id", "referenced_posts", "edit_history_post_ids"}


def test_a_user_follows_the_dialect_too() -> None:
    selection, shown = of_user(post_fields="id", user_fields="public_metrics,pinned_tweet_id")
    assert selection.dialect == "post"
    assert shown["public_metrics"] == {"post_count": 3, "followers_count": 4}
    assert not {"pinned_tweet_id", "pinned_post_id"} & shown.keys()
    assert of_user(expansions="pinned_post_id")[1]["pinned_post_id"] == "1"
    assert of_user(user_fields="public_metrics")[0].dialect == "tweet"


def test_both_dialects_are_read_back() -> None:
    newer = show(of_post(post_fields="note_post,public_metrics")[0], tuple(POST), POST)
    assert to_legacy(newer) == POST
    assert to_legacy(POST) == POST
