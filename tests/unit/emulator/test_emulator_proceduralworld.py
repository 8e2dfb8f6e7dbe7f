import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twittomatic.emulator.world.procedural import ProceduralWorld


@settings(deadline=None, max_examples=30)
@given(st.integers(), st.integers(1, 10**9), st.data())
def test_what_is_known_of_many_is_known_of_each(seed: int, users: int, data: st.DataObject) -> None:
    world = ProceduralWorld(users, seed=seed)
    ordinals = data.draw(st.lists(st.integers(0, users - 1), min_size=1, max_size=5))
    ids = [world.id_at(ordinal) for ordinal in ordinals]
    people = world.users([*ids, 0])
    assert people == [*map(world.user, ids), None]
    for person in people[:-1]:
        assert person is not None
        found = world.user_by_name(person.username.swapcase())
        assert found == person
        metrics = person.fields["public_metrics"]
        assert metrics["followers_count"] == world.follower_count(person.id)
        assert metrics["following_count"] == world.following_count(person.id)
        assert metrics["tweet_count"] == world.post_count(person.id)


def test_the_same_seed_gives_the_same_world_and_another_seed_another() -> None:
    one, same, other = (ProceduralWorld(5000, seed=seed) for seed in (1, 1, 2))
    ids = [one.id_at(ordinal) for ordinal in range(50)]
    assert one.users(ids) == same.users(ids)
    assert ids != [other.id_at(ordinal) for ordinal in range(50)]


def test_some_are_protected_suspended_or_deleted() -> None:
    world = ProceduralWorld(20_000, seed=4)
    fates = [world.status_at(ordinal) for ordinal in range(20_000)]
    shares = {fate: fates.count(fate) / 20_000 for fate in set(fates)}
    assert shares["protected"] == pytest.approx(0.05, abs=0.01)
    assert shares["suspended"] == pytest.approx(0.03, abs=0.01)
    assert shares["deleted"] == pytest.approx(0.02, abs=0.01)


def test_a_perfect_crawl_gets_everyone_but_the_gone() -> None:
    world = ProceduralWorld(3000, seed=9)
    target = next(
        world.id_at(o)
        for o in range(3000)
        if world.status_at(o) == "active" and world.follower_count(world.id_at(o)) > 300
    )
    everyone = world.followers(target, 0, 10**9)
    shown = world.all_followers(target)
    gone = [u for u in everyone if world.users([u])[0].status in ("suspended", "deleted")]  # type: ignore[union-attr]
    assert gone
    assert [u for u in everyone if u not in set(gone)] == shown


def test_unknown_people_have_nothing() -> None:
    world = ProceduralWorld(10)
    assert world.user(77) is None
    assert world.user_by_name("nobody") is None
    assert list(world.followers(77, 0, 10)) == list(world.following(77, 0, 10)) == []
    assert world.follower_count(77) == world.following_count(77) == world.post_count(77) == 0
    assert world.all_posts(77) == world.all_followers(77) == []


@pytest.mark.parametrize("users", [0, -1, 10**9 + 1])
def test_impossible_sizes_are_refused(users: int) -> None:
    with pytest.raises(ValueError, match="1 to 1000000000 users"):
        ProceduralWorld(users)
