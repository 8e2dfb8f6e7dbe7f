"""`verify --repair` puts files in order, and loses no record."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from support.dataset import IDS, RECORDS, DatasetWriter, aside, problems, repair
from twittomatic import faultpoint
from twittomatic.storage.commit import commit
from twittomatic.storage.completeness import CompleteLists
from twittomatic.storage.formats import member, read_lines, read_pages
from twittomatic.storage.journal import latest, read_journal
from twittomatic.storage.losses import find_missing
from twittomatic.storage.part import PartFile
from twittomatic.storage.paths import Layout


def post(number: int, text: str = "") -> bytes:
    return b'{"id":"%d","text":"%s"}' % (number, text.encode())


def ids_of(path: Path) -> list[int]:
    return [int(json.loads(line)["id"]) for line in read_lines(path)]


def test_a_timeline_with_posts_twice_and_out_of_order_is_put_in_order(
    layout: Layout, made: DatasetWriter
) -> None:
    """As older versions left one that began with a pinned post, and updated it from there."""
    pinned = 205
    path = made.store("22", "twt", [post(pinned), *[post(number, "old") for number in range(200, 101, -1)]])
    made.update("22", [post(number, "new") for number in range(300, 200, -1)])
    made.update("22", [post(number, "newest") for number in range(310, 190, -1)])
    whole, expected = path.read_bytes(), set(ids_of(path))
    sentence = repair(layout)["22/22.twt"]
    assert " lines repeat an id. " in sentence
    assert " posts are newer than the one before them; " in sentence
    assert sentence.endswith("put in order, each id once; what it was is in set-aside/22.twt.1.")
    assert ids_of(path) == sorted(expected, reverse=True)
    assert json.loads(next(read_lines(path)))["text"] == "newest", "of two copies the newer one stays"
    assert aside(layout) == {"22.twt.1": whole}
    assert problems(layout) == []
    newest = latest(read_journal(layout))["22/22.twt"]
    assert (newest.lines, newest.first_id, newest.last_id) == (len(expected), "310", "102")
    assert (newest.ending, newest.requests, newest.cost_usd) == ("complete", 0, 0.0)
    assert find_missing(layout) == [], "nothing is lost"
    assert CompleteLists(layout).is_whole(path, most=None, since=None)
    assert repair(layout, 2) == {}


@pytest.mark.parametrize("ext", ["fws", "usr"])
def test_lists_with_users_twice_keep_each_once_in_their_order(
    layout: Layout, made: DatasetWriter, ext: str
) -> None:
    records = IDS if ext == "fws" else RECORDS
    made.store("22", "fws", IDS[:30])
    path = made.store("22", ext, records[:10], [*records[5:20], records[0]], records[20:30])
    assert repair(layout)[f"22/22.{ext}"].startswith("6 lines repeat an id; put in order")
    assert list(read_lines(path)) == records[:30]
    assert problems(layout) == []


def test_when_posts_came_is_kept(layout: Layout, made: DatasetWriter) -> None:
    final = layout.file("22", "twt")
    with PartFile.begin(layout.part("c", "p", "twt")) as part:
        part.append(member([post(1), post(4)], at=1000), 2)
        part.append(member([post(3), post(2)], at=2000), 2)
        state = part.state
    commit(part.path, final)
    made.journal.append(made.entry(final, state))
    repair(layout)
    came = {json.loads(line)["id"]: at for at, lines in read_pages(final) for line in lines}
    assert came == {"4": 1000, "3": 2000, "2": 2000, "1": 1000}
    assert ids_of(final) == [4, 3, 2, 1]


@pytest.mark.parametrize(
    "point", ["repair.files_done", "journal.written", "journal.synced", "quarantine.moved", "commit.renamed"]
)
def test_putting_in_order_survives_a_crash_anywhere(layout: Layout, made: DatasetWriter, point: str) -> None:
    path = made.store("22", "twt", [post(1), post(3), post(2), post(3)])
    whole = path.read_bytes()

    def die(name: str) -> None:
        if name == point:
            raise KeyboardInterrupt

    faultpoint.arm(die)
    try:
        with pytest.raises(KeyboardInterrupt):
            repair(layout)
    finally:
        faultpoint.arm(None)
    repair(layout, 2)
    assert ids_of(path) == [3, 2, 1]
    assert aside(layout) == {"22.twt.1": whole}
    assert problems(layout) == []
    assert find_missing(layout) == []
    assert repair(layout, 3) == {}
    assert not layout.drafts.exists()


def test_sinks_are_notified_once_a_file_is_in_order(layout: Layout, made: DatasetWriter) -> None:
    path = made.store("22", "twt", [post(1), post(2)])
    seen: list[list[int]] = []
    repair(layout, announce=lambda entries: seen.append(ids_of(path)))
    assert seen[-1] == [2, 1]


def test_a_copy_of_the_newest_file_that_is_put_back_is_not_outdated(
    layout: Layout, made: DatasetWriter
) -> None:
    path = made.store("22", "twt", [post(2), post(1)])
    copy = path.read_bytes()
    path.unlink()
    repair(layout)
    path.write_bytes(copy)
    repair(layout, 2)
    assert problems(layout) == []
    assert find_missing(layout) == []
