"""The world that changes, against a slow oracle that looks at it in every moment."""

import random

import pytest

from twittomatic.emulator.world.base import Status, World
from twittomatic.emulator.world.changing import NOBODY, ChangingWorld
from twittomatic.emulator.world.graph import GraphWorld
from twittomatic.emulator.world.procedural import ProceduralWorld
from twittomatic.emulator.world.recorded import RecordedWorld

STATUSES: tuple[Status, ...] = ("active", "protected", "suspended", "deleted")
PEOPLE = list(range(1, 9))


def small_world() -> ChangingWorld:
    edges = [(1, 2), (1, 3), (1, 4), (2, 1), (2, 5), (3, 6), (6, 7), (7, 8), (8, 1)]
    return ChangingWorld(
        GraphWorld(edges, statuses={4: "protected", 5: "suspended"}, post_counts={1: 3, 2: 0})
    )


def change_anything(world: ChangingWorld, dice: random.Random) -> None:
    """Make one change, whatever is possible."""
    a, b = dice.sample(PEOPLE, 2)
    what = dice.choice(("follow", "follow", "unfollow", "status", "post"))
    if what == "post":
        world.publish(a)
    elif what == "status":
        world.set_status(a, dice.choice(STATUSES))
    elif world.follows(a, b):
        world.unfollow(a, b)
    else:
        world.follow(a, b)


@pytest.mark.parametrize("seed", range(30))
def test_always_and_ever_are_what_was_seen_in_every_moment(seed: int) -> None:
    dice = random.Random(seed)
    world = small_world()
    followers: list[dict[int, list[int]]] = []
    posts: list[dict[int, list[int]]] = []
    statuses: list[dict[int, Status]] = []
    for moment in range(40):
        assert world.revision == moment
        followers.append({user: world.all_followers(user) for user in PEOPLE})
        posts.append({user: world.all_posts(user) for user in PEOPLE})
        statuses.append({user: found.status for user in PEOPLE if (found := world.user(user))})
        change_anything(world, dice)
    for _ in range(20):
        since, until = sorted(dice.choices(range(40), k=2))
        truth = world.truth(since, until)
        for user in PEOPLE:
            seen = [set(moment[user]) for moment in followers[since : until + 1]]
            assert set(truth.always_followers(user)) == set.intersection(*seen)
            assert set(truth.ever_followers(user)) == set.union(*seen)
            read = [set(moment[user]) for moment in posts[since : until + 1]]
            assert set(truth.always_posts(user)) == set.intersection(*read)
            assert set(truth.ever_posts(user)) == set.union(*read)
            was = [moment[user] for moment in statuses[since : until + 1]]
            assert set(truth.statuses(user)) == set(was)
            assert truth.statuses(user)[0] == was[0]
            assert truth.statuses(user)[-1] == was[-1]


@pytest.mark.parametrize("seed", range(10))
def test_a_distance_from_the_end_stays_what_it_was(seed: int) -> None:
    dice = random.Random(seed)
    world = small_world()
    before: dict[int, list[int]] = {user: [] for user in PEOPLE}
    for _ in range(60):
        for user in PEOPLE:
            now = list(world.followers(user, 0, world.follower_count(user)))[::-1]
            kept = zip(before[user], now, strict=False)
            assert all(new in (old, NOBODY) for old, new in kept)
            assert len(now) >= len(before[user])
            before[user] = now
        change_anything(world, dice)


@pytest.mark.parametrize("seed", range(10))
def test_followers_following_and_counts_agree(seed: int) -> None:
    dice = random.Random(seed)
    world = small_world()
    for _ in range(60):
        change_anything(world, dice)
    for a in PEOPLE:
        follower_ids = [i for i in world.followers(a, 0, 99) if i != NOBODY]
        following_ids = [i for i in world.following(a, 0, 99) if i != NOBODY]
        assert follower_ids == [b for b in follower_ids if world.follows(b, a)]
        assert set(following_ids) == {b for b in PEOPLE if world.follows(a, b)}
        assert len(set(follower_ids)) == len(follower_ids)
        user = world.user(a)
        assert user is not None
        assert user.fields["public_metrics"]["followers_count"] == len(follower_ids)
        assert user.fields["public_metrics"]["following_count"] == len(following_ids)
        assert user.fields["protected"] == (user.status == "protected")
        assert world.user_by_name(user.username) == user


def test_a_newcomer_comes_first_and_a_leaver_is_gone() -> None:
    world = small_world()
    world.follow(6, 1)
    world.unfollow(3, 1)
    assert list(world.followers(1, 0, 10)) == [6, 2, NOBODY, 4]
    assert list(world.followers(1, 1, 3)) == [2, NOBODY]
    assert list(world.followers(1, 3, 99)) == [4]
    assert list(world.followers(1, 4, 99)) == []
    assert world.all_followers(1) == [6, 2, 4]
    world.follow(3, 1)
    assert world.all_followers(1) == [3, 6, 2, 4]
    assert world.truth().always_followers(1) == [2, 4]
    assert world.truth().ever_followers(1) == [3, 6, 2, 4], "each once, though 3 was there twice"
    assert world.truth(1, 1).ever_followers(1) == [6, 2, 3, 4]


def test_what_cannot_be_changed_is_refused() -> None:
    world = small_world()
    with pytest.raises(ValueError, match="no user 99"):
        world.follow(99, 1)
    with pytest.raises(ValueError, match="follows user 1 already"):
        world.follow(2, 1)
    with pytest.raises(ValueError, match="does not follow"):
        world.unfollow(1, 7)
    with pytest.raises(ValueError, match="no user 99"):
        world.set_status(99, "deleted")
    with pytest.raises(ValueError, match="no user 99"):
        world.publish(99)
    assert world.revision == 0
    assert world.statuses(99) == []
    assert world.truth().statuses(99) == []


def test_a_record_changes_too_but_writes_no_posts(village: RecordedWorld) -> None:
    world = ChangingWorld(village)
    world.set_status(1, "suspended")
    world.set_status(1, "active")
    assert len(world.all_posts(1)) == 20
    assert world.truth().always_posts(1) == []
    assert len(world.truth().ever_posts(1)) == 20
    assert world.truth().statuses(1) == ["active", "suspended", "active"]
    with pytest.raises(ValueError, match="no new posts"):
        world.publish(1)


@pytest.mark.parametrize("base", [small_world(), ProceduralWorld(500, seed=3)])
def test_what_does_not_change_is_the_world_below(base: World) -> None:
    world = ChangingWorld(base)
    ids = list(base.sample_ids(500))
    assert list(world.sample_ids(500)) == ids
    assert world.users([*ids, NOBODY]) == [*base.users(ids), None]
    for user_id in ids[:40]:
        assert list(world.followers(user_id, 0, 9)) == list(base.followers(user_id, 0, 9))
        assert world.all_followers(user_id) == base.all_followers(user_id)
        assert world.all_following(user_id) == base.all_following(user_id)
        assert world.all_posts(user_id) == base.all_posts(user_id)
