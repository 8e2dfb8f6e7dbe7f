from __future__ import annotations

import json
import os
import shutil
import threading
from pathlib import Path

import msgspec
import pytest

from twittomatic.errors import StorageUnavailable
from twittomatic.model import Ending, Module
from twittomatic.storage.journal import Entry, Journal, latest, read_journal
from twittomatic.storage.paths import Layout

ENTRY = Entry(
    file="22/22.twt",
    module=Module.TIMELINE,
    user_id="22",
    lines=3,
    bytes=120,
    crc32="00c0ffee",
    requests=1,
    cost_usd=0.015,
    began_at="2026-01-31T12:00:00Z",
    ended_at="2026-01-31T12:00:02Z",
    ending=Ending.CEILING,
    claimed=5000,
    received=3,
    first_id="9",
    last_id="7",
    depth=1,
    worker="alice-1",
)


def line(**changes: object) -> bytes:
    return json.dumps({**json.loads(msgspec.json.encode(ENTRY)), **changes}).encode() + b"\n"


def read(layout: Layout) -> tuple[list[Entry], list[tuple[str, int]]]:
    problems: list[tuple[str, int]] = []
    entries = list(read_journal(layout, lambda path, number, _: problems.append((path.name, number))))
    return entries, problems


def test_a_line_per_commit_that_anyone_can_read(layout: Layout, reached: list[str]) -> None:
    closed = msgspec.structs.replace(
        ENTRY, file=None, lines=0, bytes=0, crc32="00000000", ending=Ending.UNAVAILABLE, reason="protected"
    )
    journal = Journal(layout.journal("alice-1"))
    journal.append(ENTRY)
    journal.append(closed)
    journal.close()
    journal.close()

    lines = [json.loads(text) for text in layout.journal("alice-1").read_text().splitlines()]
    assert lines[0] == {
        "file": "22/22.twt",
        "module": "timeline",
        "user_id": "22",
        "lines": 3,
        "bytes": 120,
        "crc32": "00c0ffee",
        "requests": 1,
        "cost_usd": 0.015,
        "began_at": "2026-01-31T12:00:00Z",
        "ended_at": "2026-01-31T12:00:02Z",
        "ending": "ceiling",
        "reason": None,
        "claimed": 5000,
        "received": 3,
        "first_id": "9",
        "last_id": "7",
        "token": None,
        "depth": 1,
        "worker": "alice-1",
        "repaired_at": None,
    }
    assert (lines[1]["file"], lines[1]["reason"]) == (None, "protected")
    assert read(layout) == ([ENTRY, closed], [])
    assert reached == ["journal.written", "journal.synced"] * 2


def test_a_line_is_synced_with_the_name_of_its_file(layout: Layout, synced: list[str]) -> None:
    journal = Journal(layout.journal("a"))
    journal.append(ENTRY)
    journal.close()
    assert synced == ["journal", "journal.written", "a.jsonl", "journal.synced"]


def test_a_torn_line_is_ended_before_the_next(layout: Layout) -> None:
    layout.journal("alice-1").write_bytes(line() + line()[:50])
    journal = Journal(layout.journal("alice-1"))
    journal.append(ENTRY)
    journal.append(ENTRY)
    journal.close()

    assert read(layout) == ([ENTRY] * 3, [("alice-1.jsonl", 2)])


@pytest.mark.parametrize(
    "bad",
    [
        b"\n",
        b"not json\n",
        b"\xff\xfe\n",
        b"[]\n",
        b"{}\n",
        b"[" * 50_000 + b"\n",
        b"x" * 300_000 + b"\n",
        line()[:-1] + line(),
        line(file="../../etc/passwd"),
        line(file="22/22.twt\n"),
        line(file="2/22.twt"),
        line(file="22/23.twt/../x.twt"),
        line(file="journal/a.jsonl"),
        line(user_id="1" * 20),
        line(lines=-1),
        line(lines=1e99),
        line(crc32="C0FFEE00"),
        line(crc32=7),
        line(module="likes"),
        line(ending="soon"),
        line(reason="asleep"),
        line(ended_at="yesterday"),
    ],
)
def test_a_foreign_line_is_reported_and_reading_continues(layout: Layout, bad: bytes) -> None:
    layout.journal("b").write_bytes(line() + bad + line())

    assert read(layout) == ([ENTRY, ENTRY], [("b.jsonl", 2)])


@pytest.mark.parametrize("size", [1, 100, 200_000])
def test_a_last_line_without_an_end_is_reported(layout: Layout, size: int) -> None:
    layout.journal("b").write_bytes(line() + b"x" * size)

    assert read(layout) == ([ENTRY], [("b.jsonl", 2)])


def test_a_last_line_that_lacks_only_its_end_is_an_entry_all_the_same(layout: Layout) -> None:
    layout.journal("b").write_bytes(line() + line()[:-1])

    assert read(layout) == ([ENTRY, ENTRY], [("b.jsonl", 2)])


@pytest.mark.parametrize("file", ["7/7.fws", "22/22.usr", "22/2200000000000000001.twt"])
def test_every_dataset_file_can_be_named(layout: Layout, file: str) -> None:
    layout.journal("b").write_bytes(line(file=file, later_field=1))

    assert [entry.file for entry in read(layout)[0]] == [file]


def test_all_journal_files_are_read_and_no_others(layout: Layout, tmp_path: Path) -> None:
    layout.journal("b").write_bytes(line(worker="b"))
    layout.journal("a").write_bytes(line(worker="a") + line(worker="a2"))
    (layout.journals / "notes.txt").write_text("mine")
    (layout.journals / "c.jsonl").mkdir()

    assert [entry.worker for entry in read(layout)[0]] == ["a", "a2", "b"]
    assert read(Layout(tmp_path / "none", tmp_path)) == ([], [])


def test_a_journal_that_is_a_file_is_reported(tmp_path: Path) -> None:
    (tmp_path / "journal").write_text("in the way")

    assert read(Layout(tmp_path, tmp_path)) == ([], [("journal", 0)])


def test_the_newest_entry_of_a_file_counts() -> None:
    def entry(worker: str, ended_at: str, **changes: object) -> Entry:
        return msgspec.structs.replace(ENTRY, worker=worker, ended_at=ended_at, **changes)

    first = entry("first", "2026-01-31T12:00:02Z")
    later = entry("later", "2026-01-31T12:00:03Z")
    fraction = entry("fraction", "2026-01-31T12:00:03.5Z")
    same_second = entry("longer", "2026-01-31T12:00:02Z", bytes=121)
    closed = entry("closed", "2027-01-01T00:00:00Z", file=None)
    other = entry("other", "2026-01-01T00:00:00Z", file="7/7.fws")

    assert latest([later, first, other, closed]) == {"22/22.twt": later, "7/7.fws": other}
    assert latest([fraction, later]) == {"22/22.twt": fraction}
    assert latest([same_second, first]) == latest([first, same_second]) == {"22/22.twt": same_second}
    assert latest([first, first]) == {"22/22.twt": first}
    assert latest([]) == {}


def test_threads_share_a_journal(layout: Layout) -> None:
    journal = Journal(layout.journal("alice-1"))
    threads = [
        threading.Thread(target=lambda: [journal.append(ENTRY) for _ in range(50)] and None) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    journal.close()

    assert read(layout) == ([ENTRY] * 200, [])


def test_a_journal_that_was_removed_is_written_again(layout: Layout) -> None:
    journal = Journal(layout.journal("b"))
    for _ in range(300):
        journal.append(ENTRY)
    layout.journal("b").unlink()
    journal.append(ENTRY)
    journal.append(ENTRY)
    journal.close()

    assert read(layout) == ([ENTRY] * 302, [])


def test_a_journal_that_was_truncated_is_not_written_on(layout: Layout) -> None:
    journal = Journal(layout.journal("b"))
    journal.append(ENTRY)
    os.truncate(layout.journal("b"), 10)
    with pytest.raises(StorageUnavailable, match="shorter than what was written"):
        journal.append(ENTRY)
    journal.close()


def test_a_journal_whose_directory_is_gone_is_unavailable(layout: Layout) -> None:
    journal = Journal(layout.journal("b"))
    shutil.rmtree(layout.journals)
    with pytest.raises(StorageUnavailable, match="no such file"):
        journal.append(ENTRY)
    journal.close()


def test_a_full_disk_is_unavailable(layout: Layout) -> None:
    layout.journal("b").symlink_to("/dev/full")
    journal = Journal(layout.journal("b"))
    with pytest.raises(StorageUnavailable, match="full; free some space"):
        journal.append(ENTRY)
    journal.close()


def test_a_line_cut_by_a_full_volume_is_ended_when_there_is_room(small_volume: Path) -> None:
    layout = Layout(small_volume, small_volume / ".tmp")
    layout.prepare()
    journal = Journal(layout.journal("b"))
    (small_volume / "filler").write_bytes(bytes(250 * 1024))
    written = 0
    with pytest.raises(StorageUnavailable, match="full"):
        while True:
            journal.append(ENTRY)
            written += 1
    (small_volume / "filler").unlink()
    journal.append(ENTRY)
    journal.close()

    entries, problems = read(layout)
    assert entries == [ENTRY] * (written + 1)
    assert len(problems) <= 1
