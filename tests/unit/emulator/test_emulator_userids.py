import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twittomatic.emulator.madeup.userids import UserIds

POPULATIONS = st.integers(1, 10**9)


@given(st.integers(0, 2**32), POPULATIONS, st.data())
def test_ids_lead_back_to_their_ordinals(seed: int, population: int, data: st.DataObject) -> None:
    ids = UserIds(seed, population)
    ordinals = data.draw(st.lists(st.integers(0, population - 1), max_size=10))
    user_ids = [ids.id_at(ordinal) for ordinal in ordinals]
    assert [ids.ordinal_of(user_id) for user_id in user_ids] == ordinals
    assert all(1 <= len(str(user_id)) <= 19 for user_id in user_ids)
    array = np.array(ordinals, np.uint64)
    assert ids.ids_at(array).tolist() == user_ids
    assert ids.ordinals_of(ids.ids_at(array)).tolist() == ordinals


@given(st.integers(0, 2**32), POPULATIONS, st.integers(0, 10**19 - 1))
def test_an_id_is_known_only_if_a_user_has_it(seed: int, population: int, user_id: int) -> None:
    ids = UserIds(seed, population)
    ordinal = ids.ordinal_of(user_id)
    assert ordinal is None or (ordinal < population and ids.id_at(ordinal) == user_id)
    many = ids.ordinals_of(np.array([user_id], np.uint64)).tolist()
    assert many == [2**64 - 1 if ordinal is None else ordinal]


@pytest.mark.parametrize("population", [1, 2, 17, 5000])
def test_no_two_people_share_an_id(population: int) -> None:
    ids = UserIds(3, population)
    assert len({ids.id_at(ordinal) for ordinal in range(population)}) == population


def test_a_large_world_has_ids_of_every_age() -> None:
    ids = UserIds(3, 100_000)
    lengths = {len(str(ids.id_at(ordinal))) for ordinal in range(100_000)}
    assert lengths == {*range(1, 11), 19}
