from __future__ import annotations

import numpy as np
import pytest

from twittomatic.dataset import Edges, lists, open
from twittomatic.dataset.ids import read_user_ids
from twittomatic.errors import CorruptFile, StorageError
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


def pairs(edges: Edges) -> list[tuple[int, int]]:
    return [
        pair for batch in edges for pair in zip(batch.followed.tolist(), batch.follower.tolist(), strict=True)
    ]


def test_shards_are_disjoint_and_have_every_list(layout: Layout) -> None:
    for user_id in range(100, 160):
        write(layout, user_id, range(user_id % 7))
    ds = open(layout.output)

    shards = [pairs(ds.edges(shard=(i, 3))) for i in range(3)]

    assert all(shards)
    assert sorted(shards[0] + shards[1] + shards[2]) == sorted(pairs(ds.edges()))
    owners = [{followed for followed, _ in shard} for shard in shards]
    assert not (owners[0] & owners[1] or owners[0] & owners[2] or owners[1] & owners[2])
    with pytest.raises(ValueError, match=r"shard=\(3, 3\): give \(i, n\)"):
        ds.edges(shard=(3, 3))


@pytest.mark.parametrize("held", [1, 10**9])
@pytest.mark.parametrize("followers", [3, 60_000])
@pytest.mark.parametrize("damage", ["cut", "word", "large"])
def test_a_list_that_is_broken_anywhere_is_named_and_left_out(
    layout: Layout, monkeypatch: pytest.MonkeyPatch, damage: str, followers: int, held: int
) -> None:
    monkeypatch.setattr(lists, "_HELD", held)
    write(layout, 21, range(10**18, 10**18 + followers))
    write(layout, 23, range(10**18, 10**18 + followers))
    path = layout.file("23", "fws")
    whole = path.read_bytes()
    path.write_bytes(
        {"cut": whole[:-3], "word": whole + member([b"x"]), "large": whole + member([b"%d" % 2**63])}[damage]
    )
    found: list[StorageError] = []

    edges = pairs(open(layout.output).edges(on_defect=found.append))

    assert len(edges) == followers + 2
    assert {followed for followed, _ in edges} == {21, 22}
    [error] = found
    assert "23.fws" in str(error)


@pytest.mark.parametrize("followers", [3, 200_000])
@pytest.mark.parametrize("on_defect", [None, [].append])
@pytest.mark.parametrize("held", [1, 10**9])
def test_a_list_that_is_replaced_meanwhile_is_the_old_or_the_new_one(
    layout: Layout, monkeypatch: pytest.MonkeyPatch, followers: int, on_defect: lists.OnDefect, held: int
) -> None:
    monkeypatch.setattr(lists, "_HELD", held)
    old, new = range(10**6, 10**6 + followers), range(10**7, 10**7 + followers)
    write(layout, 22, old)
    path = layout.file("22", "fws")
    batches = iter(open(layout.output).edges(batch=1, on_defect=on_defect))
    first = next(batches).follower
    write(layout, 23, new)
    layout.file("23", "fws").rename(path)
    found = np.concatenate([first, *(batch.follower for batch in batches)])

    assert found.tolist() in (list(old), list(new))


def test_a_list_that_is_replaced_after_it_was_checked_is_checked_again(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lists, "_HELD", 1)
    write(layout, 22, range(10**6, 10**6 + 200_000))
    write(layout, 23, range(10**7, 10**7 + 200_000))
    path, other = layout.file("22", "fws"), layout.file("23", "fws")
    reads = 0

    def after_check(*args: object, **named: object) -> object:
        nonlocal reads
        reads += 1
        if reads == 2:
            other.rename(path)
        return read_user_ids(*args, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(lists, "read_user_ids", after_check)

    edges = pairs(open(layout.output).edges(on_defect=[].append))

    assert reads == 4, "the new list was checked before it was read"
    assert [follower for _, follower in edges] == list(range(10**7, 10**7 + 200_000))


def test_a_list_that_is_gone_by_then_is_left_out(layout: Layout) -> None:
    write(layout, 21, range(200_000))
    write(layout, 23, range(5))
    batches = iter(open(layout.output).edges(batch=1))
    next(batches)
    layout.file("23", "fws").unlink()

    assert sum(map(len, batches)) < 200_002


def test_arrow_libraries_read_edges(layout: Layout) -> None:
    pa = pytest.importorskip("pyarrow")
    table = pa.table(open(layout.output).edges())
    assert table.column_names == ["follower", "followed"]
    assert table["follower"].to_pylist() == [3, 2**63 - 1]
