"""Tweepy, unmodified, sees the world as it is."""

from collections.abc import Callable

import pytest
import tweepy

from twittomatic.emulator import GraphWorld, ProceduralWorld

POST_FIELDS = ["created_at", "public_metrics", "referenced_tweets", "entities", "note_tweet", "author_id"]


@pytest.fixture
def client(url: str, redirect: Callable[..., None]) -> tweepy.Client:
    client = tweepy.Client(bearer_token="t")
    redirect(client.session, url)
    return client


def test_users_by_id_and_by_name(client: tweepy.Client, graph_world: GraphWorld) -> None:
    fields = ["created_at", "public_metrics", "description", "entities", "url"]
    found = client.get_users(ids=[*range(1, 100), 999_999], user_fields=fields)
    assert [user.id for user in found.data] == list(range(1, 100))
    assert [error["value"] for error in found.errors] == ["999999"]
    for user in found.data:
        truth = graph_world.user(user.id)
        assert truth is not None
        assert user.data == {k: truth.fields[k] for k in user.data}
        assert user.public_metrics["followers_count"] == graph_world.follower_count(user.id)
        assert {"created_at", "public_metrics"} <= user.data.keys()
    names = [user.username for user in found.data]
    assert [user.id for user in client.get_users(usernames=names).data] == list(range(1, 100))
    assert client.get_user(id=5).data.username == names[4]
    assert client.get_user(username=names[4].upper()).data.id == 5
    nobody = client.get_user(username="nobody")
    assert nobody.data is None
    assert nobody.errors[0]["title"] == "Not Found Error"


def test_followers_and_following(client: tweepy.Client, graph_world: GraphWorld) -> None:
    pages = list(tweepy.Paginator(client.get_users_followers, 1, max_results=1000))
    assert [page.meta["result_count"] for page in pages] == [1000, 1000, 345]
    assert [user.id for page in pages for user in page.data] == graph_world.all_followers(1)
    following = tweepy.Paginator(client.get_users_following, 2, max_results=1000).flatten()
    assert [user.id for user in following] == graph_world.all_following(2)
    assert client.get_users_followers(2346).data is None


def test_timelines(client: tweepy.Client, graph_world: GraphWorld) -> None:
    pages = list(
        tweepy.Paginator(
            client.get_users_tweets,
            1,
            max_results=100,
            tweet_fields=POST_FIELDS,
            expansions=["referenced_tweets.id"],
        )
    )
    posts = [post for page in pages for post in page.data]
    assert [post.id for post in posts] == graph_world.all_posts(1)
    for post in posts:
        truth = graph_world.post(post.id)
        assert truth is not None
        assert post.data == {k: truth.fields[k] for k in post.data}
        assert post.author_id == 1
    for page in pages:
        wanted = {r.id for post in page.data for r in post.referenced_tweets or []}
        assert {post.id for post in page.includes["tweets"]} == wanted
    newer = client.get_users_tweets(1, since_id=posts[10].id, max_results=100)
    assert [post.id for post in newer.data] == [post.id for post in posts[:10]]
    same = client.get_tweets([post.id for post in posts[:100]], tweet_fields=["created_at"])
    assert [post.created_at for post in same.data] == [post.created_at for post in posts[:100]]
    assert client.get_users_tweets(3).data is None


def test_trouble_arrives_as_tweepys_own_errors(
    start: Callable[..., str], redirect: Callable[..., None], computed_world: ProceduralWorld
) -> None:
    client, stranger = tweepy.Client(bearer_token="t"), tweepy.Client(bearer_token="u")
    url = start(computed_world, limits={"user": 1}, tokens=["t"])
    redirect(client.session, url)
    redirect(stranger.session, url)
    with pytest.raises(tweepy.Unauthorized):
        stranger.get_user(id=1)
    with pytest.raises(tweepy.BadRequest, match="max_results"):
        client.get_users_followers(1, max_results=1001)
    client.get_user(id=1)
    with pytest.raises(tweepy.TooManyRequests) as caught:
        client.get_user(id=1)
    assert caught.value.reset_time is not None
