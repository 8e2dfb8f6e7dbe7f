import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from twittomatic.emulator.madeup.permutation import Permutation, forward_many, round_seeds
from twittomatic.emulator.madeup.prng import mix, mix_array

SEEDS = st.integers(0, 2**64 - 1)


@given(SEEDS, st.integers(1, 400))
def test_every_small_permutation_hits_each_number_once(seed: int, size: int) -> None:
    permutation = Permutation(seed, size)
    images = [permutation.forward(number) for number in range(size)]
    assert sorted(images) == list(range(size))
    assert [permutation.back(image) for image in images] == list(range(size))


@given(SEEDS, st.integers(1, 2**62), st.data())
def test_the_inverse_permutation_holds_at_any_size(seed: int, size: int, data: st.DataObject) -> None:
    permutation = Permutation(seed, size)
    number = data.draw(st.integers(0, size - 1))
    image = permutation.forward(number)
    assert 0 <= image < size
    assert permutation.back(image) == number


@given(SEEDS, st.integers(1, 2**62), st.data())
def test_arrays_agree_with_single_numbers(seed: int, size: int, data: st.DataObject) -> None:
    numbers = data.draw(st.lists(st.integers(0, size - 1), max_size=20))
    permutation = Permutation(seed, size)
    array = np.array(numbers, np.uint64)
    images = permutation.forward_array(array)
    assert images.tolist() == [permutation.forward(number) for number in numbers]
    assert permutation.back_array(images).tolist() == numbers


@given(st.lists(st.tuples(SEEDS, st.integers(1, 2**40)), min_size=1, max_size=20))
def test_each_number_may_have_its_own_permutation(cases: list[tuple[int, int]]) -> None:
    numbers = [size // 2 for _, size in cases]
    seeds = tuple(np.array([round_seeds(seed) for seed, _ in cases], np.uint64).T)
    images = forward_many(
        seeds, np.array([size for _, size in cases], np.uint64), np.array(numbers, np.uint64)
    )
    expected = [Permutation(s, size).forward(n) for (s, size), n in zip(cases, numbers, strict=True)]
    assert images.tolist() == expected


@given(SEEDS, st.lists(st.integers(0, 2**64 - 1), max_size=20))
def test_mixing_is_the_same_for_arrays(seed: int, values: list[int]) -> None:
    assert mix_array(seed, np.array(values, np.uint64)).tolist() == [mix(seed, value) for value in values]


def test_different_seeds_shuffle_differently() -> None:
    one, other = Permutation(1, 10_000), Permutation(2, 10_000)
    assert sum(one.forward(n) == other.forward(n) for n in range(10_000)) < 20
