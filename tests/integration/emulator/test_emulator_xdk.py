"""X's own SDK, unmodified, sees the world as it is; it speaks the newer dialect."""

from collections.abc import Callable
from typing import Any

import pytest
from xdk import Client

from twittomatic.emulator import GraphWorld


@pytest.fixture
def client(url: str) -> Any:
    client = Client(base_url=url, bearer_token="t")
    client.session.trust_env = False
    yield client
    client.session.close()


def plain(item: Any) -> dict[str, Any]:
    return item if isinstance(item, dict) else item.model_dump(exclude_none=True)


def ids(pages: Any) -> list[int]:
    return [int(plain(item)["id"]) for page in pages for item in page.data or []]


def test_users_by_id_and_by_name(client: Any, graph_world: GraphWorld) -> None:
    wanted = list(range(1, 101))
    found = client.users.get_by_ids(ids=[str(i) for i in wanted])
    assert ids([found]) == wanted
    names = [plain(user)["username"] for user in found.data]
    assert ids([client.users.get_by_usernames(usernames=names)]) == wanted
    one = client.users.get_by_id(id="5", user_fields=["public_metrics"], post_fields=["id"])
    assert plain(one.data)["public_metrics"]["post_count"] == graph_world.post_count(5)


def test_lists(client: Any, graph_world: GraphWorld) -> None:
    assert ids(client.users.get_followers(id="1", max_results=1000)) == graph_world.all_followers(1)
    assert ids(client.users.get_following(id="2", max_results=1000)) == graph_world.all_following(2)


def test_timelines_in_the_newer_dialect(client: Any, graph_world: GraphWorld) -> None:
    pages = list(
        client.users.get_posts(
            id="1",
            max_results=100,
            post_fields=["created_at", "note_post", "public_metrics"],
            expansions=["author_id", "referenced_posts"],
        )
    )
    assert ids(pages) == graph_world.all_posts(1)
    for post in (plain(post) for page in pages for post in page.data):
        truth = graph_world.post(int(post["id"]))
        assert truth is not None
        assert post["author_id"] == "1"
        assert post["public_metrics"]["repost_count"] == truth.fields["public_metrics"]["retweet_count"]
        assert post.get("note_post") == truth.fields.get("note_tweet")
        assert post.get("referenced_posts") == truth.fields.get("referenced_tweets")
    included = [plain(post)["id"] for page in pages for post in plain(page.includes).get("posts", [])]
    assert included


def test_posts_by_id(client: Any, graph_world: GraphWorld) -> None:
    wanted = graph_world.all_posts(1)[:100]
    assert ids([client.posts.get_by_ids(ids=[str(i) for i in wanted])]) == wanted


def test_the_free_usage_endpoint(client: Any, redirect: Callable[..., None]) -> None:
    usage = plain(client.usage.get())["data"]
    assert str(plain(usage)["project_cap"]) == "3000000"
