from __future__ import annotations

import numpy as np
import pytest

from twittomatic.dataset import open
from twittomatic.errors import CorruptFile
from twittomatic.storage.formats import member
from twittomatic.storage.paths import Layout


def write(layout: Layout, user_id: int, followers: range) -> None:
    path = layout.file(str(user_id), "fws")
    path.parent.mkdir(exist_ok=True)
    pages = [followers[start : start + 1_000] for start in range(0, len(followers), 1_000)]
    path.write_bytes(b"".join(member([b"%d" % user for user in page]) for page in pages) or member([]))


def test_edges_are_pairs_of_int64(layout: Layout) -> None:
    [batch] = open(layout.output).edges()

    assert batch.follower.dtype == batch.followed.dtype == np.int64
    assert batch.follower.tolist() == [3, 2**63 - 1]
    assert batch.followed.tolist() == [22, 22]
    assert len(batch) == 2


def test_lists_share_batches_and_long_lists_are_divided(layout: Layout) -> None:
    lists = {user_id: range(user_id, user_id * 3) for user_id in (5, 600, 70_000, 1_000)}
    for user_id, followers in lists.items():
        write(layout, user_id, followers)
    edges = open(layout.output).edges(batch=10_000)

    batches = list(edges)

    assert all(len(batch.follower) == len(batch.followed) == len(batch) for batch in batches)
    assert all(10_000 <= len(batch) <= 10_000 + 131_072 for batch in batches[:-1])
    assert len(batches) > 3
    expected = [(follower, user_id) for user_id in (1_000, 5, 600, 70_000) for follower in lists[user_id]]
    expected += [(3, 22), (2**63 - 1, 22)]
    found = [
        pair
        for batch in batches
        for pair in zip(batch.follower.tolist(), batch.followed.tolist(), strict=True)
    ]
    assert sorted(found) == sorted(expected)
    first = [follower for follower, followed in found if followed == 70_000]
    assert first == list(lists[70_000]), "the network's order"
    assert sum(len(batch) for batch in edges) == len(expected), "a second iteration reads the files again"


def test_a_broken_file_is_named(layout: Layout) -> None:
    path = layout.file("22", "fws")
    path.write_bytes(path.read_bytes()[:-3])

    with pytest.raises(CorruptFile, match=r"22\.fws: the gzip data is cut off"):
        list(open(layout.output).edges())


def test_a_batch_has_edges(layout: Layout) -> None:
    with pytest.raises(ValueError, match="batch=0: give at least 1"):
        open(layout.output).edges(batch=0)


def test_edges_do_not_become_an_array_of_batches(layout: Layout) -> None:
    with pytest.raises(TypeError, match=r"use edges\.to_pandas\(\)"):
        np.asarray(open(layout.output).edges())
