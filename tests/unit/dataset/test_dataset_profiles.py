from __future__ import annotations

import os
from pathlib import Path

import msgspec
import numpy as np
import pytest

from twittomatic.dataset import NodeProfile, open
from twittomatic.dataset.graph import profiles
from twittomatic.errors import CorruptFile, StorageError
from twittomatic.storage.formats import member
from twittomatic.storage.paths import Layout


def put(layout: Layout, user_id: int, pages: dict[int, list[dict[str, object]]], written_at: int) -> Path:
    """Write the profiles of a user's followers: some that came at each time."""
    path = layout.file(str(user_id), "usr")
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(
        b"".join(member([msgspec.json.encode(one) for one in page], at=at) for at, page in pages.items())
    )
    os.utime(path, (written_at, written_at))
    follower_ids = [str(one["id"]).encode() for page in pages.values() for one in page]
    layout.file(str(user_id), "fws").write_bytes(member(follower_ids))
    return path


def names(found: list[NodeProfile]) -> dict[int, str | None]:
    return {profile.user_id: profile.username for profile in found}


def test_the_newest_profile_of_each_node_is_found(layout: Layout) -> None:
    put(layout, 50, {100: [{"id": "3", "username": "old"}], 300: [{"id": "4", "username": "new"}]}, 300)
    put(layout, 51, {200: [{"id": "3", "username": "new"}, {"id": "4", "username": "old"}]}, 400)
    put(layout, 52, {0: [{"id": "3", "username": "older"}, {"id": "5", "username": "dated"}]}, 150)
    os.utime(layout.file("22", "usr"), (50, 50))
    os.utime(layout.bought("default"), (50, 50))
    ds = open(layout.output)
    graph = ds.graph()

    found = list(ds.node_profiles(graph))

    assert names(found) == {3: "new", 4: "new", 5: "dated", 22: "Ada"}
    assert [profile.node for profile in found] == sorted(profile.node for profile in found)
    assert all(graph.ids[profile.node] == profile.user_id for profile in found)
    assert {profile.user_id: profile.came_at for profile in found} == {3: 200, 4: 300, 5: 150, 22: 50}
    some = np.flatnonzero(np.isin(graph.ids, [4, 22]))[::-1].astype(np.int32)
    assert names(list(ds.node_profiles(graph, some))) == {4: "new", 22: "Ada"}
    assert names(list(ds.node_profiles(graph, np.isin(graph.ids, [4, 22])))) == {4: "new", 22: "Ada"}
    assert list(ds.node_profiles(graph, some[:0])) == []


def test_a_profile_has_what_the_network_wrote_and_none_for_what_is_malformed(layout: Layout) -> None:
    counts = {"followers_count": 7, "following_count": 8, "tweet_count": 9, "listed_count": 1}
    whole = {
        "id": "3",
        "username": "a",
        "name": "A",
        "description": "d",
        "location": "l",
        "created_at": "2020-01-01T00:00:00.000Z",
        "protected": False,
        "verified": True,
        "public_metrics": counts,
    }
    broken = {
        "id": "4",
        "username": ["x"],
        "name": None,
        "description": 3,
        "protected": 1,
        "public_metrics": {"followers_count": "7", "listed_count": True, "following_count": 8},
    }
    strange = {"id": "5", "username": "c", "public_metrics": [1]}
    put(layout, 50, {2_000_000_000: [whole, broken, strange]}, 2_000_000_000)
    ds = open(layout.output)

    found = {profile.user_id: profile[2:] for profile in ds.node_profiles(ds.graph())}

    assert found[3] == (
        "a",
        "A",
        "d",
        "l",
        "2020-01-01T00:00:00.000Z",
        False,
        True,
        7,
        8,
        9,
        1,
        2_000_000_000,
    )
    assert found[4] == (None,) * 8 + (8, None, None, 2_000_000_000)
    assert found[5] == ("c",) + (None,) * 10 + (2_000_000_000,)


@pytest.mark.parametrize("line", [b"[]", b"{}", b'{"id":"x"}', b'{"id":"9223372036854775808"}', b"\xff"])
def test_a_broken_file_is_named_and_the_others_are_read(layout: Layout, line: bytes) -> None:
    path = put(layout, 50, {100: [{"id": "4", "username": "a"}]}, 100)
    path.write_bytes(path.read_bytes() + member([line]))
    put(layout, 51, {100: [{"id": "5", "username": "b"}]}, 100)
    ds = open(layout.output)
    graph = ds.graph()
    defects: list[StorageError] = []

    found = names(list(ds.node_profiles(graph, on_defect=defects.append)))

    assert found[5] == "b"
    assert ["50.usr" in str(defect) for defect in defects] == [True]
    with pytest.raises(CorruptFile, match=r"50\.usr"):
        list(ds.node_profiles(graph))


def test_many_profiles_spill_to_a_file(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    for user_id in range(50, 60):
        ids = range(user_id * 40, user_id * 40 + 100)
        page: list[dict[str, object]] = [{"id": str(one), "username": f"{one} {user_id}"} for one in ids]
        put(layout, user_id, {1000 - user_id: page}, 1000)
    ds = open(layout.output)
    graph = ds.graph()
    expected = list(ds.node_profiles(graph))

    monkeypatch.setattr(profiles, "_PART", 16)
    monkeypatch.setattr(profiles, "_BUFFERED", 1_000)

    assert list(ds.node_profiles(graph)) == expected
    assert len(expected) > 400
