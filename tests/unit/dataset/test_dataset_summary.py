"""One page about a dataset: what was found, and what to distrust."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from support.dataset import DatasetWriter
from twittomatic.dataset import open
from twittomatic.dataset.summary import Summary
from twittomatic.dataset.summary.degrees import Bin, distribution
from twittomatic.model import Ending, Module
from twittomatic.storage.commit import measured
from twittomatic.storage.paths import Layout


def profile(user_id: int, **fields: Any) -> bytes:
    claimed = {"followers_count": 1_000 - user_id}
    values = {"id": str(user_id), "username": f"u{user_id}", "public_metrics": claimed, **fields}
    return json.dumps(values).encode()


@pytest.fixture
def writer(tmp_path: Path) -> DatasetWriter:
    """Users 1 to 5 and 11 to 15 are crawled and follow each other; 21's list is cut, 22 is protected."""
    layout = Layout(tmp_path, tmp_path / ".tmp")
    layout.prepare()
    writer = DatasetWriter(layout)
    for base in (0, 10):
        for user in range(1, 6):
            others = [base + other for other in range(1, 6) if other != user]
            if user == 1:
                others += [100 + base + number for number in range(9)] + [11 - base]
            store(writer, base + user, others, claimed=len(others))
    store(writer, 21, [1, 2], ending=Ending.CUT, claimed=50)
    closed = writer.entry(layout.file("2979", "fws"), measured(layout.file("1", "fws")))
    changes = {"file": None, "lines": 0, "ending": Ending.UNAVAILABLE, "reason": "protected"}
    writer.journal.append(msgspec.structs.replace(closed, module=Module.FOLLOWER, user_id="22", **changes))
    return writer


def store(writer: DatasetWriter, user: int, followers: list[int], **changes: Any) -> None:
    writer.store(str(user), "usr", [profile(follower) for follower in followers])
    path = writer.store(str(user), "fws", [b"%d" % follower for follower in followers], line=False)
    writer.journal.append(writer.entry(path, measured(path), **changes))


@pytest.fixture
def found(writer: DatasetWriter) -> Summary:
    return open(writer.layout.output).summary()


def test_size_and_coverage(found: Summary) -> None:
    assert (found.size.users, found.size.crawled, found.size.edges) == (29, 11, 62)
    assert found.followers.endings == {"complete": 10, "cut": 1, "unavailable": 1}
    assert found.followers.reasons == {"protected": 1}
    assert found.followers.share == 62 / 110
    assert found.never_crawled == 18
    assert found.broken == ()


def test_structure_is_measured_among_crawled_users(found: Summary) -> None:
    structure = found.structure
    assert (structure.users, structure.edges) == (11, 44)
    assert structure.reciprocity == 42 / 44  # all but the two who follow 21
    assert (structure.weak_components, structure.largest_weak, structure.isolated) == (1, 29, 0)
    assert found.in_degrees.users == 11
    assert found.out_degrees.users == 29


def test_communities_have_their_users(found: Summary) -> None:
    assert found.communities is not None
    groups = [{user.id for user in community.top} for community in found.communities.largest]
    assert {frozenset(group - {21}) for group in groups} == {
        frozenset({1, 2, 3, 4, 5}),
        frozenset({11, 12, 13, 14, 15}),
    }
    assert found.communities.largest[0].top[0].name in {"u1", "u11"}
    assert found.communities.modularity > 0.3


def test_rankings_name_their_users(found: Summary) -> None:
    rankings = {ranking.measure: ranking.users for ranking in found.top}
    assert [(user.id, user.name, user.value) for user in rankings["followers"][:3]] == [
        (1, "u1", 14),
        (11, "u11", 14),
        (2, "u2", 4),
    ]
    assert rankings["followers"][-1].value > 0  # users without followers are in no ranking
    assert {user.id for user in rankings["pagerank"][:2]} == {1, 11}
    assert [(user.id, user.value) for user in rankings["claimed"][:2]] == [(1, 999), (2, 998)]


def test_each_caution_has_its_number(found: Summary) -> None:
    distrust = {caution.kind: caution for caution in found.distrust}
    assert list(distrust) == ["border", "snowball", "cut", "unavailable", "claimed", "interval"]
    assert "18 of 29 users (62 %) were found and never crawled" in distrust["border"].sentence
    assert "1 of 12 lists (8 %)" in distrust["cut"].sentence
    assert "1 protected" in distrust["unavailable"].sentence
    assert "56 %" in distrust["claimed"].sentence


def test_broken_files_are_named_and_left_out(writer: DatasetWriter) -> None:
    paths = [writer.layout.file("1", "usr"), writer.layout.file("21", "fws")]
    for path in paths:
        path.write_bytes(path.read_bytes()[:-9])

    found = open(writer.layout.output).summary()

    assert sorted(sentence.partition(":")[0] for sentence in found.broken) == sorted(map(str, paths))
    assert found.size.edges == 60


def test_an_empty_dataset_has_a_summary(tmp_path: Path) -> None:
    found = open(tmp_path).summary()

    assert (found.size.users, found.communities, found.structure.reciprocity) == (0, None, None)
    assert [caution.kind for caution in found.distrust] == ["empty"]
    assert msgspec.json.decode(msgspec.json.encode(found))["posts"]["count"] == 0


def test_a_single_self_follow(tmp_path: Path) -> None:
    layout = Layout(tmp_path, tmp_path / ".tmp")
    layout.prepare()
    store(DatasetWriter(layout), 7, [7])

    found = open(tmp_path).summary()

    assert (found.size.users, found.size.edges, found.size.self_follows) == (1, 1, 1)
    assert (found.structure.reciprocity, found.communities) == (None, None)


def test_bins_of_degrees_double_in_width() -> None:
    found = distribution(np.array([0, 0, 1, 2, 3, 3, 8], np.int64))

    assert (found.users, found.zeros, found.median, found.largest) == (7, 2, 2.0, 8)
    assert found.bins == (
        Bin(low=1, high=1, users=1),
        Bin(low=2, high=3, users=3),
        Bin(low=4, high=7, users=0),
        Bin(low=8, high=15, users=1),
    )
    assert found.top_share == 8 / 17
