import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twittomatic.emulator.madeup.followgraph import FollowGraph

EVERYTHING = 10**9


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32), st.integers(1, 400))
def test_followers_and_following_give_the_same_edges(seed: int, population: int) -> None:
    graph = FollowGraph(seed, population)
    seen_from_above, seen_from_below = set(), set()
    for ordinal in range(population):
        followers = graph.followers(ordinal, 0, EVERYTHING).tolist()
        following = graph.following(ordinal, 0, EVERYTHING)
        assert len(followers) == len(set(followers)) == graph.follower_count(ordinal)
        assert len(following) == len(set(following)) == graph.following_count(ordinal)
        assert ordinal not in followers
        assert ordinal not in following
        seen_from_above |= {(ordinal, follower) for follower in followers}
        seen_from_below |= {(followed, ordinal) for followed in following}
    assert seen_from_above == seen_from_below


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32), st.integers(1, 10**9), st.data())
def test_a_billion_people_agree_with_their_followers(seed: int, population: int, data: st.DataObject) -> None:
    graph = FollowGraph(seed, population)
    ordinal = data.draw(st.integers(0, population - 1))
    for follower in graph.followers(ordinal, 0, 20).tolist():
        assert ordinal in graph.following(follower, 0, EVERYTHING)
    for followed in graph.following(ordinal, 0, 3):
        count = graph.follower_count(followed)
        pages = (
            graph.followers(followed, start, start + 10_000) for start in range(0, min(count, 50_000), 10_000)
        )
        assert count > 50_000 or any(ordinal in page for page in pages)


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32), st.integers(1, 2000), st.data())
def test_counts_of_many_are_the_counts_of_each(seed: int, population: int, data: st.DataObject) -> None:
    graph = FollowGraph(seed, population)
    ordinals = data.draw(st.lists(st.integers(0, population - 1), max_size=30))
    followers, following = graph.counts(np.array(ordinals, np.uint64))
    assert followers.tolist() == [graph.follower_count(o) for o in ordinals]
    assert following.tolist() == [graph.following_count(o) for o in ordinals]


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32), st.integers(1, 400), st.integers(0, 50), st.integers(0, 50), st.data())
def test_slices_are_parts_of_the_whole(
    seed: int, population: int, start: int, length: int, data: st.DataObject
) -> None:
    graph = FollowGraph(seed, population)
    ordinal = data.draw(st.integers(0, population - 1))
    part = slice(start, start + length)
    assert (
        graph.followers(ordinal, part.start, part.stop).tolist()
        == graph.followers(ordinal, 0, EVERYTHING).tolist()[part]
    )
    assert graph.following(ordinal, part.start, part.stop) == graph.following(ordinal, 0, EVERYTHING)[part]


@pytest.mark.parametrize("seed", range(3))
def test_followers_have_a_heavy_tail(seed: int) -> None:
    graph = FollowGraph(seed, 100_000)
    followers, following = graph.counts(np.arange(100_000, dtype=np.uint64))
    assert followers.sum() == following.sum()
    ranked = np.sort(followers)[::-1]
    assert ranked[:1000].sum() > 0.4 * ranked.sum(), "one in a hundred has a large part of all followers"
    assert ranked[0] > 20_000
    assert (followers == 0).mean() > 0.1
    assert following.min() >= 0
    assert 10 < np.median(following) < 60
