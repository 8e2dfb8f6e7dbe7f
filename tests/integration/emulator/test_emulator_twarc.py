"""Twarc, unmodified, sees the world as it is, and flattens it."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from twarc import Twarc2
from twarc.expansions import flatten

from twittomatic.emulator import GraphWorld, ProceduralWorld

Connect = Callable[[str], Twarc2]


@pytest.fixture
def connect(redirect: Callable[..., None]) -> Iterator[Connect]:
    def connect(url: str) -> Twarc2:
        client = Twarc2(bearer_token="t", metadata=False)
        redirect(client.client, url)
        return client

    return connect


def ids(pages: Any) -> list[int]:
    return [int(item["id"]) for page in pages for item in page.get("data", [])]


def test_users_by_id_and_by_name(connect: Connect, url: str, graph_world: GraphWorld) -> None:
    client = connect(url)
    wanted = list(range(1, 251))
    assert ids(client.user_lookup(wanted)) == wanted
    names = [graph_world.username_at(graph_world.ordinal_of(i) or 0) for i in wanted]
    assert ids(client.user_lookup(names, usernames=True)) == wanted


def test_lists_of_a_graph(connect: Connect, url: str, graph_world: GraphWorld) -> None:
    client = connect(url)
    assert ids(client.followers(1)) == graph_world.all_followers(1)
    assert ids(client.following(2)) == graph_world.all_following(2)
    pages = list(client.timeline(1))
    assert ids(pages) == graph_world.all_posts(1)
    assert ids(client.timeline(1, exclude_replies=True, exclude_retweets=True)) == [
        post.id
        for post in graph_world.posts(1, 0, 250)
        if not post.refers("replied_to") and not post.refers("retweeted")
    ]
    for post in (post for page in pages for post in flatten(page)):
        assert post["author"]["id"] == "1"
        for reference in post.get("referenced_tweets", []):
            assert reference["author"]["username"], "twarc found the post and its author in the includes"
    assert ids(client.tweet_lookup(ids(pages))) == graph_world.all_posts(1)


def test_lists_of_a_computed_world(
    connect: Connect, start: Callable[..., str], computed_world: ProceduralWorld
) -> None:
    client = connect(start(computed_world))
    people = [computed_world.id_at(ordinal) for ordinal in range(20_000)]
    readable = [i for i in people if computed_world.user(i).status == "active"]  # type: ignore[union-attr]
    star = max(readable, key=computed_world.follower_count)
    assert computed_world.follower_count(star) > 3000
    seen = ids(client.followers(star))
    assert seen == computed_world.all_followers(star)
    assert len(seen) < computed_world.follower_count(star), "some are gone"
    fan = max(readable[:2000], key=computed_world.following_count)
    assert ids(client.following(fan)) == computed_world.all_following(fan)
    writer = max(readable[:2000], key=computed_world.post_count)
    assert ids(client.timeline(writer)) == computed_world.all_posts(writer)[:3200]
