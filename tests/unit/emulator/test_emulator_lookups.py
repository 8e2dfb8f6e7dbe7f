import json
from collections.abc import Callable
from typing import Any

from twittomatic.emulator.world.base import Post, User
from twittomatic.emulator.world.recorded import RecordedWorld
from twittomatic.emulator.x import lookups
from twittomatic.emulator.x.endpoints import ENDPOINTS
from twittomatic.emulator.x.parameters import read
from twittomatic.emulator.x.rendering import Answer, Renderer

BY_NAME = {endpoint.name: endpoint for endpoint in ENDPOINTS}
ProfileBuyer = Callable[..., Answer]


def look(world: RecordedWorld, name: str, lookup: ProfileBuyer, path: dict[str, str], **query: str) -> Answer:
    parsed = read(BY_NAME[name], path, {k.replace("__", "."): v for k, v in query.items()})  # type: ignore[index]
    return lookup(Renderer(world), parsed)


def body(answer: Answer) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(answer.body)
    return found


def test_unknown_and_hidden_users_are_errors_beside_the_others(village: RecordedWorld) -> None:
    reply = look(village, "users", lookups.users_by_id, {}, ids="10,12,13,15,99")
    assert [user["id"] for user in body(reply)["data"]] == ["10", "15"]
    assert [(e["resource_id"], e["title"]) for e in body(reply)["errors"]] == [
        ("12", "Forbidden"),
        ("13", "Not Found Error"),
        ("99", "Not Found Error"),
    ]
    assert list(reply.charges[0].ids) == [10, 15]


def test_names_are_compared_without_regard_to_case(village: RecordedWorld) -> None:
    reply = look(village, "users_by", lookups.users_by_name, {}, usernames="USER10,User10,user12,nobody")
    assert [user["id"] for user in body(reply)["data"]] == ["10"]
    assert [e["detail"] for e in body(reply)["errors"]] == [
        "User has been suspended: [user12].",
        "Could not find user with usernames: [nobody].",
    ]


def test_no_data_when_no_user_was_found(village: RecordedWorld) -> None:
    assert body(look(village, "users", lookups.users_by_id, {}, ids="99")).keys() == {"errors"}
    assert body(look(village, "user", lookups.user_by_id, {"id": "99"})).keys() == {"errors"}
    assert body(look(village, "posts", lookups.posts_by_id, {}, ids="99")).keys() == {"errors"}


def test_single_users(village: RecordedWorld) -> None:
    assert body(look(village, "user", lookups.user_by_id, {"id": "10"})) == {
        "data": {"id": "10", "name": "User10", "username": "user10"}
    }
    by_name = look(village, "user_by_username", lookups.user_by_name, {"username": "uSeR10"})
    assert body(by_name)["data"]["id"] == "10"
    assert [list(charge.ids) for charge in by_name.charges] == [[10], [], []]


def test_posts_of_the_hidden_are_errors(village: RecordedWorld) -> None:
    reply = look(village, "posts", lookups.posts_by_id, {}, ids="1000,500,501,404")
    assert [post["id"] for post in body(reply)["data"]] == ["1000"]
    errors = {error["value"]: error["title"] for error in body(reply)["errors"]}
    assert errors == {"500": "Authorization Error", "501": "Not Found Error", "404": "Not Found Error"}
    assert list(reply.charges[0].ids) == [1000]


def test_expansions_follow_every_link_once_and_charge_for_it(
    user_maker: Callable[..., User], post_maker: Callable[..., Post]
) -> None:
    mentions = {
        "mentions": [{"start": 0, "end": 2, "username": "user4"}, {"start": 3, "end": 5, "username": "x"}]
    }
    post = post_maker(
        9,
        1,
        referenced_tweets=[{"type": "quoted", "id": "8"}, {"type": "replied_to", "id": "404"}],
        in_reply_to_user_id="3",
        entities=mentions,
        note_tweet={"text": "", "entities": {"mentions": [{"start": 0, "end": 2, "username": "user3"}]}},
        edit_history_tweet_ids=["9"],
        attachments={"media_keys": ["3_1", "3_2"], "poll_ids": ["5"]},
        geo={"place_id": "p"},
    )
    world = RecordedWorld(
        users=[*map(user_maker, (1, 2, 3)), user_maker(4, "suspended")],
        posts=[post, post_maker(8, 2)],
        attachments={
            "media": {"3_1": {"media_key": "3_1"}},
            "polls": {"5": {"id": "5"}},
            "places": {"p": {"id": "p"}},
        },
    )
    everything = (
        "author_id,in_reply_to_user_id,referenced_tweets.id,referenced_tweets.id.author_id,"
        "entities.mentions.username,entities.note.mentions.username,edit_history_tweet_ids,"
        "attachments.media_keys,attachments.poll_ids,geo.place_id"
    )
    reply = look(world, "posts", lookups.posts_by_id, {}, ids="9", expansions=everything, user__fields="id")
    includes = body(reply)["includes"]
    assert sorted(user["id"] for user in includes["users"]) == ["1", "2", "3"]
    assert sorted(post["id"] for post in includes["tweets"]) == ["8", "9"]
    assert includes["media"] == [{"media_key": "3_1"}]
    assert includes["polls"] == [{"id": "5"}]
    assert includes["places"] == [{"id": "p"}]
    assert {(e["parameter"], e["value"], e["title"]) for e in body(reply)["errors"]} == {
        ("entities.mentions.username", "user4", "Forbidden"),
        ("entities.mentions.username", "x", "Not Found Error"),
        ("referenced_tweets.id", "404", "Not Found Error"),
    }
    charged = [(charge.resource, sorted(charge.ids)) for charge in reply.charges]
    assert charged == [("post", [9]), ("user", [1, 2, 3]), ("post", [8, 9])]


def test_the_newer_dialect_calls_them_posts(
    user_maker: Callable[..., User], post_maker: Callable[..., Post]
) -> None:
    quote = post_maker(9, 1, referenced_tweets=[{"type": "quoted", "id": "8"}])
    world = RecordedWorld(users=[user_maker(1), user_maker(2)], posts=[quote, post_maker(8, 2)])
    reply = look(world, "posts", lookups.posts_by_id, {}, ids="9", expansions="referenced_posts")
    assert body(reply)["includes"] == {"posts": [{"id": "8", "text": "post 8"}]}
    assert body(reply)["data"][0]["referenced_posts"] == [{"type": "quoted", "id": "8"}]
