"""What sinks keep depends on what happened alone, not on when they heard of it, nor how often."""

import tempfile
from datetime import date, timedelta
from itertools import accumulate, pairwise
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from twittomatic.sinks.lookup.compress import pack, unpack
from twittomatic.sinks.lookup.history import Name, add_sighting, intervals
from twittomatic.sinks.lookup.store import ProfileStore, Sighting

DAY = 86_400
moments = st.integers(0, 12 * DAY)
names = st.sampled_from(["a", "A", "b", "c"])
sightings = st.lists(st.tuples(names, moments), max_size=12)


def added(some: list[tuple[str, int]]) -> list[Name]:
    found: list[Name] = []
    for name, at in some:
        found = add_sighting(found, name, at) or found
    return found


@given(sightings, st.randoms())
def test_the_order_of_sightings_does_not_matter(some: list[tuple[str, int]], random: object) -> None:
    others = some + some[: len(some) // 2]
    random.shuffle(others)  # type: ignore[attr-defined]
    assert added(others) == added(some)


@given(sightings)
def test_every_sighting_lies_in_an_interval_of_its_name(some: list[tuple[str, int]]) -> None:
    found = intervals(added(some))
    for name, at in some:
        day = date(1970, 1, 1) + timedelta(days=at // DAY)
        assert any(
            one.username.lower() == name.lower() and one.first_seen <= day <= one.last_seen for one in found
        )
    assert [one.first_seen for one in found] == sorted(one.first_seen for one in found)
    assert all(one.last_seen <= next_one.first_seen for one, next_one in pairwise(found))


@given(sightings)
def test_the_days_are_kept_exactly(some: list[tuple[str, int]]) -> None:
    for one in added(some):
        days = {at // DAY for name, at in some if name.lower() == one.name.lower()}
        assert list(accumulate(one.days)) == sorted(days)


@given(st.binary(max_size=3_000))
def test_what_was_packed_is_unpacked(record: bytes) -> None:
    assert unpack(pack(record)) == record


profiles = st.builds(
    Sighting,
    st.integers(0, 3),
    st.sampled_from(["", "x", "X", "y", "ü"]),
    st.integers(1, 4).map(lambda day: day * DAY),
    st.sampled_from([b'{"id":"1"}', b'{"id":"1","a":1}', b'{"id":"1","b":2}']),
)


@given(st.lists(profiles, max_size=10), st.randoms())
@settings(deadline=None, max_examples=25)
def test_a_store_holds_the_same_in_any_order(some: list[Sighting], random: object) -> None:
    with tempfile.TemporaryDirectory() as directory:
        stores = [ProfileStore(Path(directory) / name) for name in ("one", "other")]
        stores[0].add(some)
        others = some + some
        random.shuffle(others)  # type: ignore[attr-defined]
        for one in others:
            stores[1].add([one])
        one, other = (
            [store.users(range(4)), store.holders_of(["x", "Y", "ü", "nobody"])] for store in stores
        )
        assert stores[1].add(some) == 0
        for store in stores:
            store.close()
    assert one == other
    for known in one[0]:
        if known:
            mine = [(seen.at, seen.record) for seen in some if seen.user_id == known.user_id]
            assert (known.at, known.record) == max(mine)
