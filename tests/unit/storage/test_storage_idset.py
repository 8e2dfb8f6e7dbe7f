from __future__ import annotations

import numpy as np

from twittomatic.storage.idset import IdSet


def ids(*values: int) -> np.ndarray[tuple[int], np.dtype[np.uint64]]:
    return np.array(values, np.uint64)


def test_only_first_occurrences_are_new() -> None:
    seen = IdSet()

    assert seen.add(ids(5, 3, 5, 2**64 - 1, 0)).tolist() == [True, True, False, True, True]
    assert seen.add(ids(0, 1, 1, 3)).tolist() == [False, True, False, False]
    assert len(seen) == 5


def test_an_empty_batch_is_no_batch() -> None:
    seen = IdSet()

    assert seen.add(ids()).tolist() == []
    assert seen.contains(ids()).tolist() == []
    assert seen.contains(ids(1)).tolist() == [False]
    assert len(seen) == 0


def test_contains_adds_nothing() -> None:
    seen = IdSet()
    seen.add(ids(1, 2))

    assert seen.contains(ids(3, 2, 2, 1, 0)).tolist() == [False, True, True, True, False]
    assert len(seen) == 2


def test_millions_of_ids_in_any_order_stay_exact() -> None:
    random = np.random.default_rng(7)
    for everything in (
        random.permutation(3_000_000).astype(np.uint64),
        np.arange(3_000_000, dtype=np.uint64)[::-1],
        random.integers(0, 2**64, 3_000_000, np.uint64),
    ):
        seen = IdSet()
        for batch in np.array_split(everything, 300):
            assert seen.add(batch).all()
        assert len(seen) == 3_000_000
        assert seen.contains(everything).all()
        assert not seen.add(everything[::7]).any()
        absent = random.integers(2**63, 2**64, 1000, np.uint64)
        assert seen.contains(absent).tolist() == np.isin(absent, everything).tolist()


def test_memory_is_little_more_than_eight_bytes_an_id() -> None:
    random = np.random.default_rng(7)
    seen = IdSet()
    for _ in range(2000):
        seen.add(random.integers(0, 2**64, 1000, np.uint64))
        held = [*seen._recent, *seen._shelves]
        assert sum(run.nbytes for run in held) == 8 * len(seen)
        assert all(run.base is None for run in held), "a view keeps a larger array alive"
