"""Profiles that a crawl bought for its targets: whole and proved, whenever a process dies."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from twittomatic import faultpoint
from twittomatic.errors import SettingsError
from twittomatic.storage.formats import read_lines, read_pages
from twittomatic.storage.identity import claim
from twittomatic.storage.journal import newest_purchase
from twittomatic.storage.paths import Layout
from twittomatic.storage.purchases import BoughtProfiles, Committed
from twittomatic.storage.repair import Repair
from twittomatic.storage.verify import verify

NOW = "2026-01-01T00:00:00Z"
POINTS = ["part.written", "commit.renamed", "purchases.placed", "journal.written", "purchases.proved"]


class DiedError(BaseException):
    """The process is gone; nothing of it runs any more."""


def profile(user_id: int) -> bytes:
    return json.dumps({"id": str(user_id), "username": f"u{user_id}"}).encode()


def profiles(*user_ids: int) -> list[bytes]:
    return [profile(user_id) for user_id in user_ids]


def kept(layout: Layout, crawl: str = "one") -> list[int]:
    return [int(json.loads(line)["id"]) for line in read_lines(layout.bought(crawl))]


def finished(bought: BoughtProfiles) -> list[Committed]:
    committed = bought.commit(NOW)
    bought.settle(committed)
    bought.close()
    return committed


def test_profiles_become_visible_once_and_whole(layout: Layout) -> None:
    bought = BoughtProfiles(layout, "one", "a@host", network="x")
    bought.add(profiles(1, 2), at=1000, cost_usd=0.02)
    assert not layout.bought("one").exists()
    bought.add(profiles(3), at=2000, cost_usd=0.01)
    [committed] = finished(bought)
    assert gzip.decompress(layout.bought("one").read_bytes()).splitlines() == profiles(1, 2, 3)
    assert [at for at, _ in read_pages(layout.bought("one"))] == [1000, 2000]
    line = newest_purchase(layout, "one")
    assert line is not None
    assert (line.profiles, line.lines, line.bought, line.cost_usd) == ("targets/one.jsonl.gz", 3, 3, 0.03)
    assert (committed.file, committed.records, committed.end) == (line.profiles, 3, 0)
    assert (committed.begin, committed.first_id, committed.last_id) == (line.bytes, "1", "3")
    assert list(verify(layout)) == []
    assert [path.name for path in layout.pending_directory.iterdir()] == [".one.lock"]


def test_new_profiles_are_put_before_older_ones(layout: Layout) -> None:
    for number in range(1, 4):
        bought = BoughtProfiles(layout, "one", f"p{number}", network="x")
        bought.add(profiles(number, 10 + number), at=number, cost_usd=0.02)
        [committed] = finished(bought)
    assert kept(layout) == [3, 13, 2, 12, 1, 11]
    size = layout.bought("one").stat().st_size
    new = read_lines(
        layout.bought("one"), size=committed.begin - committed.end, offset=size - committed.begin
    )
    assert list(new) == profiles(3, 13)
    assert list(verify(layout)) == []


def test_nothing_bought_is_nothing_kept(layout: Layout) -> None:
    bought = BoughtProfiles(layout, "one", "a", network="x")
    assert finished(bought) == []
    bought.prepare()
    bought.add([], at=1, cost_usd=0)
    assert finished(bought) == []
    assert not layout.bought("one").exists()
    assert [path.name for path in layout.pending_directory.iterdir()] == [".one.lock"]


@pytest.mark.parametrize("crawl", ["", "..", "a/b", "a.b", "x" * 65, "a\n", "ü"])
def test_a_hostile_name_names_no_file(layout: Layout, crawl: str) -> None:
    for name in (layout.bought, layout.purchases, layout.pending_lock, layout.pending_draft):
        with pytest.raises(ValueError, match="cannot name a crawl"):
            name(crawl)


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("before", [[], [9]])
def test_a_process_killed_anywhere_loses_and_doubles_nothing(
    layout: Layout, point: str, before: list[int]
) -> None:
    if before:
        older = BoughtProfiles(layout, "one", "older", network="x")
        older.add(profiles(*before), at=1, cost_usd=0.01)
        finished(older)
    dying = BoughtProfiles(layout, "one", "dying", network="x")
    dying.add(profiles(1, 2), at=2, cost_usd=0.02)
    died = False

    def die(name: str) -> None:
        nonlocal died
        if name == point:
            died = True
            raise DiedError

    faultpoint.arm(die)
    try:
        with pytest.raises(DiedError):
            dying.add(profiles(3), at=3, cost_usd=0.01) if point == "part.written" else dying.commit(NOW)
    finally:
        faultpoint.arm(None)
    assert died
    dying._forget()  # as the kernel does
    [committed] = finished(BoughtProfiles(layout, "one", "next", network="x"))
    assert kept(layout) in ([1, 2, *before], [1, 2, 3, *before])
    assert (committed.first_id, committed.records) == ("1", len(kept(layout)) - len(before))
    assert list(verify(layout)) == []
    assert finished(BoughtProfiles(layout, "one", "after", network="x")) == []
    assert list(layout.pending_directory.glob("*.part")) == []


def test_a_torn_end_is_left_out(layout: Layout) -> None:
    dying = BoughtProfiles(layout, "one", "dying", network="x")
    dying.add(profiles(1, 2), at=2, cost_usd=0.02)
    dying.add(profiles(3), at=2, cost_usd=0.01)
    dying._forget()
    [pending] = layout.pending_files("one")
    with pending.open("rb+") as file:
        file.truncate(pending.stat().st_size - 3)
    finished(BoughtProfiles(layout, "one", "next", network="x"))
    assert kept(layout) == [1, 2]


def test_what_a_living_process_bought_is_left_to_it(layout: Layout) -> None:
    living = BoughtProfiles(layout, "one", "living", network="x")
    living.add(profiles(1), at=2, cost_usd=0.01)
    other = BoughtProfiles(layout, "one", "other", network="x")
    other.add(profiles(2), at=2, cost_usd=0.01)
    finished(other)
    assert kept(layout) == [2]
    finished(living)
    assert kept(layout) == [1, 2]
    elsewhere = BoughtProfiles(layout, "two", "two", network="x")
    elsewhere.add(profiles(3), at=2, cost_usd=0.01)
    finished(elsewhere)
    assert (kept(layout), kept(layout, "two")) == ([1, 2], [3])


def append(path: Path) -> None:
    path.write_bytes(path.read_bytes() + gzip.compress(b'{"id":"7"}\n'))


def shorten(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-3])


def spoil(path: Path) -> None:
    path.write_bytes(gzip.compress(b"no profile\n"))


def replace(path: Path) -> None:
    path.write_bytes(gzip.compress(b'{"id":"8"}\n'))


@pytest.mark.parametrize(
    ("damage", "said", "left"),
    [
        (append, "bytes, the journal says", [1, 2]),
        (shorten, "gzip data is cut off", None),
        (spoil, "line 1 is not a JSON object with an id", None),
        (replace, "bytes, the journal says", [8]),
        (Path.unlink, "missing", None),
    ],
)
def test_damage_is_found_and_repaired(
    layout: Layout, damage: Callable[[Path], None], said: str, left: list[int] | None
) -> None:
    bought = BoughtProfiles(layout, "one", "a", network="x")
    bought.add(profiles(1, 2), at=2, cost_usd=0.02)
    finished(bought)
    damage(layout.bought("one"))
    found = list(verify(layout))
    assert {problem.file for problem in found} == {"targets/one.jsonl.gz"}
    assert said in found[0].sentence
    steps = list(Repair(layout, now=NOW, worker="repair").run())
    assert [step.file for step in steps] == ["targets/one.jsonl.gz"]
    assert list(verify(layout)) == []
    if left is None:
        assert not layout.bought("one").exists()
    else:
        assert kept(layout) == left
    assert list(Repair(layout, now=NOW, worker="repair").run()) == []
    more = BoughtProfiles(layout, "one", "b", network="x")
    more.add(profiles(5), at=3, cost_usd=0.01)
    finished(more)
    assert kept(layout) == [5, *(left or [])]
    assert list(verify(layout)) == []


def test_a_damaged_journal_keeps_the_lines_about_bought_profiles(layout: Layout) -> None:
    bought = BoughtProfiles(layout, "one", "a", network="x")
    bought.add(profiles(1), at=2, cost_usd=0.01)
    finished(bought)
    with layout.purchases("one").open("ab") as journal:
        journal.write(b"garbage\n")
    assert any("not a journal entry" in problem.sentence for problem in verify(layout))
    assert len(list(Repair(layout, now=NOW, worker="repair").run())) == 1
    assert list(verify(layout)) == []
    assert kept(layout) == [1]


def test_a_dataset_that_begins_with_a_purchase_names_its_network(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "data", tmp_path / "data" / ".tmp")
    bought = BoughtProfiles(layout, "one", "a", network="toy")
    bought.add(profiles(1), at=1000, cost_usd=0)
    finished(bought)
    claim(layout, "toy")
    with pytest.raises(SettingsError, match="holds a dataset of the network toy"):
        claim(layout, "x")
