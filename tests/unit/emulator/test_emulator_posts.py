import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twittomatic.emulator.madeup.postids import PostClock
from twittomatic.emulator.madeup.snowflakes import iso, snowflake_ms
from twittomatic.emulator.world.graph import GraphWorld

LONG = 2


@pytest.fixture(scope="module")
def world() -> GraphWorld:
    edges = [(a, b) for a in range(60) for b in range(60, 90)]
    return GraphWorld(edges, seed=7, post_counts={LONG: 3300, 3: 0, 4: 1})


@given(st.integers(0, 2**32), st.integers(0, 2**30 - 1), st.integers(0, 10**19 - 1), st.integers(0, 12_000))
def test_an_id_holds_its_author_and_position(seed: int, ordinal: int, user_id: int, count: int) -> None:
    clock = PostClock(seed)
    timeline = clock.timeline(ordinal, user_id, count)
    before = -1
    for serial in sorted({0, 1, count // 2, max(0, count - 1), count, count + 1, count + 5000}):
        post_id = clock.post_id(timeline, serial)
        assert before < post_id < 2**63
        assert clock.author_ordinal(post_id) == ordinal
        assert clock.serial(timeline, post_id) == serial
        assert clock.serial(timeline, post_id + (1 << 30)) != serial
        before = post_id


def test_timelines_are_newest_first_and_dated_by_their_ids(world: GraphWorld) -> None:
    posts = world.posts(LONG, 0, 3300)
    assert len(posts) == 3300
    assert all(newer.id > older.id for newer, older in itertools.pairwise(posts))
    for post in posts[:200]:
        assert post.fields["created_at"] == iso(snowflake_ms(post.id) // 1000 * 1000)
        assert world.post(post.id) == post


def test_no_two_users_share_a_post_id(world: GraphWorld) -> None:
    ids = [post for user_id in world.user_ids for post in world.all_posts(user_id)]
    assert len(ids) == len(set(ids)) > 3300


def test_references_exist_and_are_older_posts_of_others(world: GraphWorld) -> None:
    kinds = set()
    for post in world.posts(LONG, 0, 3300):
        for reference in post.fields.get("referenced_tweets", ()):
            other = world.post(int(reference["id"]))
            assert other is not None
            assert other.id < post.id
            assert other.author_id != post.author_id
            assert not other.refers("retweeted")
            kinds.add(reference["type"])
            if reference["type"] == "retweeted":
                assert post.fields["text"].startswith("RT @")
                assert len(post.fields["text"]) <= 140
    assert kinds == {"retweeted", "quoted", "replied_to"}


def test_entities_stand_where_they_say(world: GraphWorld) -> None:
    seen = set()
    for post in world.posts(LONG, 0, 3300):
        parts = [(post.fields["text"], post.fields.get("entities", {}))]
        note = post.fields.get("note_tweet")
        if note:
            assert len(note["text"]) > 280
            assert post.fields["text"].endswith("…")
            assert len(post.fields["text"]) == 280
            parts.append((note["text"], note.get("entities", {})))
        for text, entities in parts:
            for kind, found in entities.items():
                seen.add(kind)
                for entity in found:
                    words = text[entity["start"] : entity["end"]]
                    expected = {"mentions": "@{username}", "hashtags": "#{tag}", "urls": "{url}"}[kind]
                    assert words == expected.format(**entity)
    assert seen == {"mentions", "hashtags", "urls"}


def test_posts_are_as_varied_as_people(world: GraphWorld) -> None:
    posts = [post.fields for post in world.posts(LONG, 0, 3300)]
    assert len({post["lang"] for post in posts}) >= 10
    assert any("\n" in post["text"] for post in posts)
    assert any("note_tweet" in post for post in posts)
    assert any("&amp;" in post["text"] for post in posts)


def test_new_posts_stand_before_the_old_ones_which_stay_as_they_were() -> None:
    world = GraphWorld([(1, 2), (2, 3)], seed=7, post_counts={1: 10})
    before, revision = world.posts(1, 0, 10), world.revision
    world.publish(1, 3)
    assert world.post_count(1) == 13
    assert world.posts(1, 3, 13) == before
    assert all(post.id > before[0].id for post in world.posts(1, 0, 3))
    assert world.revision > revision
    assert world.user(1).fields["public_metrics"]["tweet_count"] == 13  # type: ignore[union-attr]
    with pytest.raises(ValueError, match="no user 99"):
        world.publish(99)


def test_an_unknown_post_is_not_found(world: GraphWorld) -> None:
    newest = world.posts(LONG, 0, 1)[0].id
    assert world.post(newest + (1 << 30)) is None
    assert world.post(1) is None
    assert world.post(2**63) is None
    assert world.posts(3, 0, 10) == []
    assert len(world.posts(4, 0, 10)) == 1
