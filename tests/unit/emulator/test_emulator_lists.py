"""Followers, following and timelines, asked without a server in between."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from twittomatic.emulator.world.base import Post, User, World
from twittomatic.emulator.world.graph import GraphWorld
from twittomatic.emulator.world.recorded import RecordedWorld
from twittomatic.emulator.x import follows, timelines
from twittomatic.emulator.x.endpoints import ENDPOINTS
from twittomatic.emulator.x.pagination import TokenMaker
from twittomatic.emulator.x.parameters import read
from twittomatic.emulator.x.problems import InvalidRequestError
from twittomatic.emulator.x.rendering import Answer, Renderer

BY_NAME = {endpoint.name: endpoint for endpoint in ENDPOINTS}
LISTS = {"followers": follows.followers, "following": follows.following, "timeline": timelines.timeline}


def answer(world: World, name: str, user_id: int, **query: object) -> Answer:
    parsed = read(BY_NAME[name], {"id": str(user_id)}, {k: str(v) for k, v in query.items()})  # type: ignore[index]
    return LISTS[name](Renderer(world), TokenMaker(), parsed)


def pages(world: World, name: str, user_id: int, **query: object) -> list[dict[str, Any]]:
    found = [json.loads(answer(world, name, user_id, **query).body)]
    while "next_token" in found[-1]["meta"]:
        token = found[-1]["meta"]["next_token"]
        found.append(json.loads(answer(world, name, user_id, pagination_token=token, **query).body))
    return found


def ids(found: list[dict[str, Any]]) -> list[int]:
    return [int(item["id"]) for page in found for item in page.get("data", [])]


def test_the_gone_leave_short_and_empty_pages_in_the_middle(village: RecordedWorld) -> None:
    found = pages(village, "followers", 1, max_results=3)
    assert [page["meta"]["result_count"] for page in found] == [2, 1, 3, 1]
    assert ids(found) == [10, 11, 15, 16, 17, 18, 19] == village.all_followers(1)
    empty = pages(village, "followers", 1, max_results=1)[2]
    assert "data" not in empty
    assert empty["meta"]["result_count"] == 0
    assert "next_token" in empty["meta"]


@pytest.mark.parametrize("size", [1, 2, 5, 9, 10, 11, 1000])
def test_the_last_page_has_no_next_and_only_the_first_no_previous(village: RecordedWorld, size: int) -> None:
    found = pages(village, "followers", 1, max_results=size)
    assert len(found) == -(-10 // size)
    assert [("previous_token" in page["meta"]) for page in found] == [n > 0 for n in range(len(found))]


def test_previous_leads_back(village: RecordedWorld) -> None:
    found = pages(village, "followers", 1, max_results=3)
    token = found[2]["meta"]["previous_token"]
    assert (
        json.loads(answer(village, "followers", 1, max_results=3, pagination_token=token).body)["data"]
        == (found[1]["data"])
    )


@pytest.mark.parametrize(
    ("user_id", "title", "last_of_type"),
    [
        (15, "Authorization Error", "not-authorized-for-resource"),
        (12, "Forbidden", "resource-not-found"),
        (13, "Not Found Error", "resource-not-found"),
        (99, "Not Found Error", "resource-not-found"),
    ],
)
@pytest.mark.parametrize("name", LISTS)
def test_lists_of_hidden_users_cannot_be_read(
    village: RecordedWorld, name: str, user_id: int, title: str, last_of_type: str
) -> None:
    reply = answer(village, name, user_id)
    body = json.loads(reply.body)
    assert body.keys() == {"errors"}
    assert body["errors"][0]["title"] == title
    assert body["errors"][0]["type"].rsplit("/", 1)[1] == last_of_type
    assert body["errors"][0]["resource_id"] == str(user_id)
    assert not any(charge.ids for charge in reply.charges)


def test_a_token_is_good_for_its_own_list_only(village: RecordedWorld) -> None:
    token = pages(village, "followers", 1, max_results=3)[0]["meta"]["next_token"]
    for name, user_id in (("following", 1), ("followers", 10), ("timeline", 1)):
        with pytest.raises(InvalidRequestError):
            answer(village, name, user_id, pagination_token=token)


def test_only_users_shown_are_charged(village: RecordedWorld) -> None:
    reply = answer(village, "followers", 1, max_results=1000)
    charges = {charge.resource: list(charge.ids) for charge in reply.charges if charge.ids}
    assert charges == {"follower": [10, 11, 15, 16, 17, 18, 19]}


def test_a_timeline_is_served_newest_first(village: RecordedWorld) -> None:
    found = pages(village, "timeline", 1, max_results=8)
    assert ids(found) == list(range(1019, 999, -1))
    assert found[0]["meta"]["newest_id"] == "1019"
    assert found[0]["meta"]["oldest_id"] == "1012"
    assert [page["meta"]["result_count"] for page in found] == [8, 8, 4]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"since_id": 1016}, [1019, 1018, 1017]),
        ({"since_id": 1019}, []),
        ({"since_id": 5000}, []),
        ({"until_id": 1003}, [1002, 1001, 1000]),
        ({"until_id": 1000}, []),
        ({"since_id": 1004, "until_id": 1007}, [1006, 1005]),
        ({"exclude": "replies"}, [n for n in range(1019, 999, -1) if n % 4 != 1]),
        ({"exclude": "retweets"}, [n for n in range(1019, 999, -1) if n % 4 != 2]),
        ({"exclude": "retweets,replies"}, [n for n in range(1019, 999, -1) if n % 4 not in (1, 2)]),
    ],
)
@pytest.mark.parametrize("size", [5, 7, 100])
def test_a_timeline_keeps_its_bounds(
    village: RecordedWorld, query: dict[str, object], expected: list[int], size: int
) -> None:
    assert ids(pages(village, "timeline", 1, max_results=size, **query)) == expected


def test_a_page_of_nothing_but_replies_is_empty_and_not_the_last(post_maker: Callable[..., Post]) -> None:
    reply = {"referenced_tweets": [{"type": "replied_to", "id": "1"}]}
    posts = [post_maker(n, 1, **(reply if 6 <= n <= 10 else {})) for n in range(1, 16)]
    found = pages(RecordedWorld(posts=posts), "timeline", 1, max_results=5, exclude="replies")
    assert [page["meta"]["result_count"] for page in found] == [5, 0, 5]
    assert "data" not in found[1]
    assert ids(found) == [15, 14, 13, 12, 11, 5, 4, 3, 2, 1]


def test_an_empty_timeline_has_no_data() -> None:
    world = GraphWorld([(1, 2)], post_counts={1: 0})
    assert pages(world, "timeline", 1) == [{"meta": {"result_count": 0}}]


@pytest.mark.parametrize(
    ("posts", "page_sizes"), [(3199, [99]), (3200, [100]), (3201, [100, 0]), (5000, [100, 0])]
)
def test_past_the_ceiling_there_is_no_data(posts: int, page_sizes: list[int]) -> None:
    world = GraphWorld([(1, 2)], post_counts={1: posts})
    found = pages(world, "timeline", 1, max_results=100)
    assert ids(found) == world.all_posts(1)[:3200]
    assert [page["meta"]["result_count"] for page in found[31:]] == page_sizes


def test_without_replies_the_ceiling_is_lower() -> None:
    world = GraphWorld([(1, 2)], post_counts={1: 1000})
    found = pages(world, "timeline", 1, max_results=100, exclude="replies")
    shown = [post.id for post in world.posts(1, 0, 800) if not post.refers("replied_to")]
    assert ids(found) == shown


def test_since_id_does_not_reach_below_the_ceiling() -> None:
    world = GraphWorld([(1, 2)], post_counts={1: 3300})
    oldest = world.all_posts(1)[-1]
    assert len(ids(pages(world, "timeline", 1, max_results=100, since_id=oldest))) == 3200


def test_posts_published_between_two_pages_move_nothing() -> None:
    world = GraphWorld([(1, 2)], post_counts={1: 12})
    before = world.all_posts(1)
    first = json.loads(answer(world, "timeline", 1, max_results=5).body)
    world.publish(1, 4)
    token = first["meta"]["next_token"]
    second = json.loads(answer(world, "timeline", 1, max_results=5, pagination_token=token).body)
    assert ids([first, second]) == before[:10]
    newer = pages(world, "timeline", 1, since_id=before[0])
    assert ids(newer) == world.all_posts(1)[:4]


def test_a_profile_is_rewritten_when_the_world_has_changed() -> None:
    world = GraphWorld([(1, 2)], post_counts={2: 5})
    renderer = Renderer(world)
    query = read(BY_NAME["followers"], {"id": "1"}, {"user.fields": "public_metrics"})
    before = json.loads(follows.followers(renderer, TokenMaker(), query).body)
    world.publish(2)
    after = json.loads(follows.followers(renderer, TokenMaker(), query).body)
    assert before["data"][0]["public_metrics"]["tweet_count"] == 5
    assert after["data"][0]["public_metrics"]["tweet_count"] == 6


def test_more_profiles_than_are_remembered_are_still_all_there(
    monkeypatch: pytest.MonkeyPatch, village: RecordedWorld
) -> None:
    monkeypatch.setattr("twittomatic.emulator.x.rendering.MAX_CACHED", 4)
    renderer, query = Renderer(village), read(BY_NAME["followers"], {"id": "1"}, {})
    shown = set(village.all_followers(1))
    for start in range(8):
        part = village.followers(1, start, start + 3)
        written = [json.loads(user)["id"] for user in renderer.users(query.selection, part) if user]
        assert written == [str(user_id) for user_id in part if user_id in shown]


def test_pinned_posts_come_with_followers_and_cost_extra(
    user_maker: Callable[..., User], post_maker: Callable[..., Post]
) -> None:
    world = RecordedWorld(
        users=[user_maker(1), user_maker(2, pinned_tweet_id="77"), user_maker(3, pinned_tweet_id="404")],
        followers={1: [2, 3]},
        posts=[post_maker(77, 2)],
    )
    reply = answer(world, "followers", 1, expansions="pinned_tweet_id")
    body = json.loads(reply.body)
    assert body["includes"] == {"tweets": [{"id": "77", "text": "post 77"}]}
    assert [error["parameter"] for error in body["errors"]] == ["pinned_tweet_id"]
    assert {c.resource: list(c.ids) for c in reply.charges if c.ids} == {"follower": [2, 3], "post": [77]}
