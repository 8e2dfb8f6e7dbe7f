from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from support.dataset import DatasetWriter, problems
from twittomatic import faultpoint
from twittomatic.dataset import Dataset, Graph, open
from twittomatic.dataset.graph import build
from twittomatic.dataset.graph.arrayfile import ArrayFile
from twittomatic.dataset.graph.cache import DIRECTORY
from twittomatic.dataset.lists import Piece
from twittomatic.errors import CorruptFile, StorageError
from twittomatic.model import Ending
from twittomatic.storage.commit import measured
from twittomatic.storage.formats import member
from twittomatic.storage.paths import Layout


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The users whose lists are read."""
    users: list[int] = []
    original = build.read_lists

    def noting(*args: object, **named: object) -> Iterator[Piece]:
        for piece in original(*args, **named):  # type: ignore[arg-type]
            users.extend(piece.owners)
            yield piece

    monkeypatch.setattr(build, "read_lists", noting)
    return users


def put(layout: Layout, user_id: int, *followers: int) -> Path:
    path = layout.file(str(user_id), "fws")
    path.parent.mkdir(exist_ok=True)
    part = layout.temporary / "part"
    part.write_bytes(member([b"%d" % one for one in followers]))
    return part.rename(path)


def edges(graph: Graph) -> set[tuple[int, int]]:
    followed = np.repeat(graph.ids, graph.in_degrees())
    return set(zip(graph.ids[graph.followers].tolist(), followed.tolist(), strict=True))


def cached(layout: Layout) -> list[str]:
    return sorted(path.name for path in (layout.output / DIRECTORY).iterdir())


def test_only_lists_that_changed_are_read(layout: Layout, read: list[int]) -> None:
    ds = open(layout.output)
    ds.graph()
    assert sorted(read) == [7, 22]
    read.clear()

    assert edges(ds.graph()) == edges(open(layout.output).graph()) == {(3, 22), (2**63 - 1, 22)}
    assert read == []

    put(layout, 7, 3)
    put(layout, 300, 22)
    assert edges(ds.graph()) == {(3, 22), (2**63 - 1, 22), (3, 7), (22, 300)}
    assert sorted(read) == [7, 300]
    read.clear()

    layout.file("22", "fws").unlink()
    graph = ds.graph()
    assert edges(graph) == {(3, 7), (22, 300)}
    assert graph.ids.tolist() == [3, 7, 22, 300]
    assert read == []


def test_a_broken_list_is_reported_each_time_until_it_is_whole(layout: Layout, read: list[int]) -> None:
    ds = open(layout.output)
    path = put(layout, 300, 22)
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    with pytest.raises(CorruptFile, match=r"300\.fws"):
        ds.graph()
    for _ in range(2):
        defects: list[StorageError] = []
        graph = ds.graph(on_defect=defects.append)
        assert ["300.fws" in str(one) for one in defects] == [True]
        assert edges(graph) == {(3, 22), (2**63 - 1, 22)}
        assert graph.crawled.tolist() == [False, True, True, False], "not the owner of the broken list"
    path.write_bytes(whole)

    assert edges(ds.graph()) == {(3, 22), (2**63 - 1, 22), (22, 300)}
    assert read.count(22) == 1


def test_a_file_whose_name_begins_with_a_zero_is_a_defect(layout: Layout) -> None:
    put(layout, 7, 3)
    path = layout.output / "00" / "007.fws"
    path.parent.mkdir()
    path.write_bytes(member([b"5"]))
    defects: list[StorageError] = []

    assert edges(open(layout.output).graph(on_defect=defects.append)) == {(3, 22), (2**63 - 1, 22), (3, 7)}
    assert ["007.fws" in str(one) for one in defects] == [True]


def test_a_graph_stays_as_it_was_when_the_dataset_changes(layout: Layout) -> None:
    ds = open(layout.output)
    before = ds.graph()
    ids, found = before.ids.copy(), edges(before)
    put(layout, 22, *range(1_000, 2_000))

    after = ds.graph()

    assert edges(before) == found
    assert before.ids.tolist() == ids.tolist()
    assert after.edge_count == 1_000


def test_the_cache_is_no_part_of_the_dataset_and_may_be_deleted(layout: Layout) -> None:
    ds = open(layout.output)
    before = problems(layout)
    graph = ds.graph()

    assert problems(layout) == before
    assert ds.users().tolist() == [7, 22, 100]
    for path in (layout.output / DIRECTORY).iterdir():
        path.unlink()
    assert edges(ds.graph()) == edges(graph)


@pytest.mark.parametrize("name", ["follow.arrays", "lists.arrays"])
@pytest.mark.parametrize("damage", ["empty", "cut", "head", "footer", "foreign"])
def test_a_damaged_cache_is_built_anew(layout: Layout, name: str, damage: str) -> None:
    ds = open(layout.output)
    expected = edges(ds.graph())
    path = layout.output / DIRECTORY / name
    whole = path.read_bytes()
    path.unlink()  # the file is mapped
    path.write_bytes(
        {
            "empty": b"",
            "cut": whole[:-5],
            "head": whole[len(whole) // 2 :],
            "footer": whole[:-20] + bytes(1) + whole[-19:],
            "foreign": b"nothing of ours " * 100,
        }[damage]
    )

    assert edges(ds.graph()) == expected
    assert ArrayFile(path).about["format"] == 1


def test_a_dataset_that_cannot_be_written_has_a_graph(layout: Layout) -> None:
    (layout.output / DIRECTORY).write_bytes(b"in the way, as a read-only file system would be")

    assert edges(open(layout.output).graph()) == {(3, 22), (2**63 - 1, 22)}
    assert (layout.output / DIRECTORY).is_file()


def test_a_directory_without_lists_stays_as_it_is(tmp_path: Path) -> None:
    assert open(tmp_path).graph().node_count == 0
    assert list(tmp_path.iterdir()) == []


def die_at(point: str, directory: Path) -> None:
    def die(name: str) -> None:
        if name == point:
            os._exit(7)

    faultpoint.arm(die)
    open(directory).graph()


@pytest.mark.parametrize("point", ["graph_cache.written", "graph_cache.renamed"])
def test_a_process_that_dies_leaves_nothing_wrong(layout: Layout, point: str) -> None:
    ds = open(layout.output)
    ds.graph()
    put(layout, 300, 22)
    child = multiprocessing.get_context("fork").Process(target=die_at, args=(point, layout.output))
    child.start()
    child.join()
    assert child.exitcode == 7, "the point was reached"
    put(layout, 301, 22)

    assert edges(ds.graph()) == {(3, 22), (2**63 - 1, 22), (22, 300), (22, 301)}
    assert cached(layout) == ["follow.arrays", "lists.arrays"]


def test_two_processes_may_build_at_once(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    ds = open(layout.output)
    reached: list[str] = []

    def meanwhile(name: str) -> None:
        if name == "graph_cache.written" and not reached:
            reached.append(name)
            put(layout, 300, 22)
            assert (22, 300) in edges(Dataset(layout.output).graph())

    faultpoint.arm(meanwhile)
    try:
        first = ds.graph()
    finally:
        faultpoint.arm(None)

    assert reached
    assert edges(first) == {(3, 22), (2**63 - 1, 22)}, "as the dataset was"
    assert edges(ds.graph()) == {(3, 22), (2**63 - 1, 22), (22, 300)}
    assert cached(layout) == ["follow.arrays", "lists.arrays"]


def test_a_list_that_is_refreshed_meanwhile_is_the_old_or_the_new_one(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(layout, 300, *range(500, 600))
    original = build.read_lists

    def refreshing(*args: object) -> Iterator[Piece]:
        for piece in original(*args):  # type: ignore[arg-type]
            put(layout, 300, *range(700, 900))
            put(layout, 22, 8)
            yield piece

    ds = open(layout.output)
    with monkeypatch.context() as patch:
        patch.setattr(build, "read_lists", refreshing)
        graph = ds.graph()

    followers = {follower for follower, followed in edges(graph) if followed == 300}
    assert followers in (set(range(500, 600)), set(range(700, 900)))
    assert {follower for follower, followed in edges(ds.graph()) if followed == 300} == set(range(700, 900))


def test_nodes_say_how_complete_their_lists_are(tmp_path: Path) -> None:
    layout = Layout(tmp_path, tmp_path / ".tmp")
    layout.prepare()
    writer = DatasetWriter(layout)
    ds = open(tmp_path)
    for user_id, followers, changes in [
        (5, [1, 2, 3], {"claimed": 4, "ending": Ending.COMPLETE}),
        (6, [], {"claimed": 0, "ending": Ending.COMPLETE}),
        (7, [1], {"claimed": 10, "ending": Ending.CUT}),
        (8, [1, 2], {"ending": Ending.COMPLETE}),
    ]:
        path = writer.store(str(user_id), "fws", [b"%d" % one for one in followers], line=False)
        writer.journal.append(writer.entry(path, measured(path), **changes))
    writer.store("9", "fws", [b"1"], line=False)

    graph = ds.graph()

    assert graph.ids.tolist() == [1, 2, 3, 5, 6, 7, 8, 9]
    assert graph.crawled.tolist() == [False] * 3 + [True] * 5
    assert graph.complete.tolist() == [False] * 3 + [True, True, False, True, False]
    assert graph.claimed.tolist() == [-1] * 3 + [4, 0, 10, -1, -1]
    np.testing.assert_array_equal(graph.coverage, [np.nan, np.nan, np.nan, 0.75, 1.0, 0.1, np.nan, np.nan])
    part = graph.subgraph(graph.crawled)
    assert part.claimed.tolist() == [4, 0, 10, -1, -1]
    assert graph.lists is not None
    assert graph.lists.depth.tolist() == [3, 3, 3, 3, -1]


def test_a_list_without_its_journal_line_is_not_called_complete(tmp_path: Path) -> None:
    layout = Layout(tmp_path, tmp_path / ".tmp")
    layout.prepare()
    writer = DatasetWriter(layout)
    ds = open(tmp_path)
    path = writer.store("5", "fws", [b"1", b"2"], line=False)
    old = writer.entry(path, measured(path))
    writer.journal.append(old)
    assert ds.graph().complete.tolist() == [False, False, True]

    path = writer.store("5", "fws", [b"1", b"2", b"3"], line=False)
    assert not ds.graph().complete.any(), "the line is about the list that was replaced"

    writer.journal.append(writer.entry(path, measured(path)))
    assert ds.graph().complete.tolist() == [False, False, False, True]


def test_a_journal_file_with_broken_lines_is_named_each_time(layout: Layout) -> None:
    writer = DatasetWriter(layout)
    writer.store("22", "fws", [b"3", b"7"])
    writer.journal.close()
    with layout.journal("w").open("ab") as file:
        file.write(b'no entry\n{"n":1}\n{"still being')
    for _ in range(2):
        found: list[StorageError] = []
        build.build_graph(layout, found.append)
        assert [str(error) for error in found] == [f"{layout.journal('w')}: line 2 is not a journal entry."]
    assert build.build_graph(layout).complete.sum() == 1
