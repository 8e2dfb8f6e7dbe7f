"""The view of the graph: its users, its edges, and that it is stable."""

import os
import tracemalloc
from pathlib import Path
from typing import Any

import msgspec
import pytest

from twittomatic.model import Ending, Module
from twittomatic.storage.formats import member
from twittomatic.storage.journal import Entry
from twittomatic.storage.paths import Layout
from twittomatic.web.monitor.crawled import CrawledUsers
from twittomatic.web.monitor.graph import GraphView


class Made:
    """A dataset as a crawl leaves it."""

    def __init__(self, directory: Path) -> None:
        self.layout = Layout(directory, directory / ".tmp")
        self.layout.journals.mkdir()

    def add(
        self,
        user_id: int,
        followers: list[int],
        depth: int = 1,
        ending: Ending = Ending.COMPLETE,
        ended_at: str = "2026-01-01T00:00:01Z",
        journal: str = "one",
    ) -> None:
        path = self.layout.file(str(user_id), "fws")
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(member([str(one).encode() for one in followers]))
        profiles = [{"id": str(one), "username": f"u{one}", "name": f"<b>{one}</b>"} for one in followers]
        path.with_suffix(".usr").write_bytes(member([msgspec.json.encode(one) for one in profiles]))
        entry = Entry(
            file=self.layout.relative(path),
            module=Module.FOLLOWER,
            user_id=str(user_id),
            lines=len(followers),
            began_at="2026-01-01T00:00:00Z",
            ended_at=ended_at,
            ending=ending,
            depth=depth,
            worker="w",
        )
        with self.layout.journal(journal).open("ab") as file:
            file.write(msgspec.json.encode(entry) + b"\n")


@pytest.fixture
def made(tmp_path: Path) -> Made:
    return Made(tmp_path)


def drawn(view: GraphView) -> tuple[dict[str, Any], set[tuple[str, str]]]:
    found = view.draw()
    ids = [node["id"] for node in found["nodes"]]
    return found, {(ids[one], ids[other]) for one, other in found["links"]}


def test_it_has_the_crawled_users_and_the_links_among_them(made: Made) -> None:
    made.add(1, [2, 3, 99], depth=0)
    made.add(2, [1, 98])
    made.add(3, [])
    found, links = drawn(GraphView(made.layout, CrawledUsers(made.layout)))
    assert links == {("2", "1"), ("3", "1"), ("1", "2")}
    assert found["crawled"] == 3
    one, two, three = sorted(found["nodes"], key=lambda node: node["id"])
    assert (one["depth"], one["followers"], one["name"]) == (0, 3, "<b>1</b>")
    assert (two["username"], three["followers"]) == ("u2", 0)
    assert all(0 <= node[axis] <= 1 for node in found["nodes"] for axis in "xy")


def test_it_holds_still_and_takes_in_what_is_new(made: Made) -> None:
    made.add(1, [2], depth=0)
    view = GraphView(made.layout, CrawledUsers(made.layout))
    assert len(drawn(view)[0]["nodes"]) == 1
    with made.layout.journal("one").open("ab") as journal:
        journal.write(b'{"half a line')
    assert len(drawn(view)[0]["nodes"]) == 1
    with made.layout.journal("one").open("ab") as journal:
        journal.write(b'"}\n')
    made.add(2, [1])
    found, links = drawn(view)
    assert links == {("2", "1"), ("1", "2")}
    assert found["crawled"] == 2


def test_a_large_graph_is_sampled_with_its_seeds_and_its_largest(made: Made) -> None:
    made.add(1, [], depth=0)
    for user_id in range(10, 410):
        made.add(user_id, list(range(5_000, 5_000 + user_id % 50)))
    found, _ = drawn(GraphView(made.layout, CrawledUsers(made.layout)))
    ids = {node["id"] for node in found["nodes"]}
    assert len(ids) == 240
    assert found["crawled"] == 401
    assert {"1", "49", "99", "399"} <= ids
    assert {
        node["id"] for node in drawn(GraphView(made.layout, CrawledUsers(made.layout)))[0]["nodes"]
    } == ids


def test_a_lost_or_broken_list_harms_no_other(made: Made) -> None:
    made.add(1, [2], depth=0)
    made.add(2, [1])
    made.layout.file("2", "fws").write_bytes(b"no gzip at all")
    made.layout.file("1", "usr").write_bytes(member([b"no json", b'{"id": 5}']))
    made.add(3, [1], ending=Ending.LOST)
    _, links = drawn(GraphView(made.layout, CrawledUsers(made.layout)))
    assert links == {("2", "1")}


def test_users_who_are_no_longer_in_memory_count_once(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("twittomatic.web.monitor.crawled._MOST", 10)
    monkeypatch.setattr("twittomatic.web.monitor.crawled._KEPT", 5)
    crawled = CrawledUsers(made.layout)
    for _ in range(3):  # each list is downloaded again
        for user_id in range(1, 41):
            made.add(user_id, list(range(user_id)))
        crawled.read()
        assert crawled.count == 40
    assert 5 <= len(crawled.users) <= 10
    journal = made.layout.journal("one")
    journal.write_bytes(b"".join(journal.read_bytes().splitlines(keepends=True)[:-2]))  # which is read again
    crawled.read()
    assert crawled.count == 40

    made.add(1, [], ending=Ending.LOST, ended_at="2026-01-02T00:00:00Z")  # long out of memory
    made.add(40, [], ending=Ending.LOST, ended_at="2026-01-02T00:00:00Z")
    made.add(99, [], ending=Ending.LOST, ended_at="2026-01-02T00:00:00Z")  # never there
    crawled.read()
    assert (crawled.count, "40" in crawled.users) == (38, False)
    made.add(1, [2], ended_at="2026-01-03T00:00:00Z")
    crawled.read()
    assert crawled.count == 39


def test_the_newest_line_of_all_journals_counts(made: Made) -> None:
    made.add(1, [2, 3], ended_at="2026-01-03T00:00:00Z", journal="a")
    made.add(1, [], ending=Ending.LOST, ended_at="2026-01-02T00:00:00Z", journal="b")
    made.add(2, [], ending=Ending.LOST, ended_at="2026-01-02T00:00:00Z", journal="a")
    made.add(2, [3], ended_at="2026-01-01T00:00:00Z", journal="b")
    crawled = CrawledUsers(made.layout)
    crawled.read()
    assert (crawled.count, crawled.users.keys()) == (1, {"1"})


def test_an_empty_dataset_is_an_empty_picture(tmp_path: Path) -> None:
    layout = Layout(tmp_path, tmp_path / ".tmp")
    assert GraphView(layout, CrawledUsers(layout)).draw()["nodes"] == []


@pytest.mark.timeout(10)
def test_pipes_in_place_of_files_hold_no_drawing_up(made: Made) -> None:
    made.add(1, [2, 3])
    os.mkfifo(made.layout.journal("none"))
    for ext in ("fws", "usr"):
        path = made.layout.file("1", ext)
        path.unlink()
        os.mkfifo(path)
    drawn = GraphView(made.layout, CrawledUsers(made.layout)).draw()
    assert [node["id"] for node in drawn["nodes"]] == ["1"]


def test_a_journal_of_one_endless_line_is_read_in_pieces(made: Made) -> None:
    made.add(1, [2, 3])
    with made.layout.journal("endless").open("wb") as file:
        file.truncate(64 * 1024 * 1024)
    crawled = CrawledUsers(made.layout)
    tracemalloc.start()
    crawled.read()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert list(crawled.users) == ["1"]
    assert peak < 24 * 1024 * 1024


def test_a_profile_that_nests_without_end_costs_its_file_alone(made: Made) -> None:
    made.add(1, [2, 3])
    made.add(2, [1])
    deep = b'{"id":"9","more":' + b"[" * 50_000 + b"]" * 50_000 + b"}"
    made.layout.file("1", "usr").write_bytes(member([deep]))
    nodes = GraphView(made.layout, CrawledUsers(made.layout)).draw()["nodes"]
    assert {node["id"]: node["username"] for node in nodes} == {"1": "u1", "2": ""}
