from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from twittomatic.dataset import Completeness, completeness, open
from twittomatic.errors import StorageUnavailable
from twittomatic.model import Ending, Module
from twittomatic.storage.journal import Entry, Journal
from twittomatic.storage.paths import Layout


def line(user_id: int, module: Module, ext: str | None, minute: int, **fields: Any) -> Entry:
    name = str(user_id)
    values: dict[str, Any] = {"ending": Ending.COMPLETE, "worker": "w", **fields}
    return Entry(
        file=f"{name[:2]}/{name}.{ext}" if ext else None,
        module=module,
        user_id=name,
        began_at="2026-01-31T12:00:00Z",
        ended_at=f"2026-01-31T12:{minute:02}:00Z",
        **values,
    )


def write(layout: Layout, *entries: Entry, process: str = "w") -> None:
    journal = Journal(layout.journal(process))
    journal.append(*entries)
    journal.close()


def at(minute: int) -> datetime:
    return datetime(2026, 1, 31, 12, minute, tzinfo=UTC)


def rows(layout: Layout) -> list[Completeness]:
    return list(open(layout.output).completeness())


def test_a_row_has_what_the_journal_proves(layout: Layout) -> None:
    write(
        layout,
        line(100, Module.TIMELINE, "twt", 5, ending=Ending.CEILING, lines=3_200, claimed=9_000),
        line(22, Module.FOLLOWER, "usr", 1, lines=2),
        line(22, Module.FOLLOWER, "fws", 1, lines=2, claimed=3),
    )

    assert rows(layout) == [
        Completeness(
            22, "followers", "complete", True, None, 2, 3, at(0), at(1), None, "22/22.fws", 0, 2 / 3
        ),
        Completeness(
            100,
            "posts",
            "ceiling",
            False,
            None,
            3_200,
            9_000,
            at(0),
            at(5),
            None,
            "10/100.twt",
            0,
            3_200 / 9_000,
        ),
    ]


def test_the_newest_line_about_a_file_counts_wherever_it_is(layout: Layout) -> None:
    write(layout, line(22, Module.UPDATE, "twt", 30, lines=9), process="a")
    write(layout, line(22, Module.TIMELINE, "twt", 10, lines=8), process="b")
    write(layout, line(22, Module.TIMELINE, "twt", 20, lines=7), process="b")

    assert [(row.records, row.ended_at) for row in rows(layout)] == [(9, at(30))]


def test_a_repair_counts_from_when_it_was_made(layout: Layout) -> None:
    write(layout, line(22, Module.FOLLOWER, "fws", 10, lines=8))
    lost = line(22, Module.FOLLOWER, "fws", 5, ending=Ending.LOST, repaired_at="2026-01-31T13:00:00Z")
    write(layout, lost)

    assert [(row.ending, row.records, row.is_complete) for row in rows(layout)] == [("lost", 0, False)]


def test_an_update_that_found_nothing_newer_is_a_check(layout: Layout) -> None:
    write(
        layout,
        line(22, Module.TIMELINE, "twt", 10, lines=8),
        line(22, Module.UPDATE, None, 20),
        line(7, Module.UPDATE, None, 20),
        line(7, Module.TIMELINE, "twt", 30, lines=1),
    )

    assert [(row.user_id, row.records, row.checked_at) for row in rows(layout)] == [
        (7, 1, None),
        (22, 8, at(20)),
    ]


def test_a_user_who_is_gone_has_a_row_unless_the_list_is_there(layout: Layout) -> None:
    gone = {"ending": Ending.UNAVAILABLE, "reason": "suspended"}
    write(
        layout,
        line(5, Module.FOLLOWER, None, 10, **gone),
        line(6, Module.FOLLOWER, "fws", 10, lines=4),
        line(6, Module.FOLLOWER, None, 20, **gone),
        line(7, Module.FOLLOWER, "fws", 5, ending=Ending.LOST, repaired_at="2026-01-31T12:10:00Z"),
        line(7, Module.FOLLOWER, None, 20, **gone),
        line(8, Module.ANALYZER, None, 20, **gone),
    )

    assert [(row.user_id, row.ending, row.reason, row.file) for row in rows(layout)] == [
        (5, "unavailable", "suspended", None),
        (6, "complete", None, "6/6.fws"),
        (7, "unavailable", "suspended", None),
    ]


def test_lines_that_are_none_are_skipped(layout: Layout) -> None:
    write(layout, line(22, Module.FOLLOWER, "fws", 10, lines=8))
    bad = line(22, Module.FOLLOWER, "fws", 50)
    with layout.journal("w").open("ab") as file:
        file.write(b"{}\n\xff\n" + b"x" * 70_000 + b"\n")
        file.write(
            b'{"profiles":"targets/default.jsonl.gz","ended_at":"2026-01-31T12:00:00Z","worker":"w"}\n'
        )
    write(layout, Entry(**{**{name: getattr(bad, name) for name in bad.__struct_fields__}, "worker": "é"}))
    text = layout.journal("w").read_bytes()
    layout.journal("w").write_bytes(text.replace(b"2026-01-31T12:50", b"2026-02-30T12:50"))

    assert [row.records for row in rows(layout)] == [8]


def test_a_last_line_without_an_end_counts(layout: Layout) -> None:
    write(layout, line(22, Module.FOLLOWER, "fws", 10, lines=8))
    path = layout.journal("w")
    path.write_bytes(path.read_bytes()[:-1])

    assert [row.records for row in rows(layout)] == [8]


def test_long_lines_are_read_whole(layout: Layout) -> None:
    write(layout, line(22, Module.FOLLOWER, "fws", 10, lines=8, worker="w" * 5_000))

    assert [row.records for row in rows(layout)] == [8]


def test_many_lines_are_merged(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(completeness, "_PENDING", 10)
    monkeypatch.setattr(completeness, "_ROWS", 7)
    for minute in (3, 1, 4, 2):
        lines = [line(user, Module.FOLLOWER, "fws", minute, lines=minute) for user in range(100, 130)]
        write(layout, *lines, process=f"p{minute}")

    found = rows(layout)

    assert [row.user_id for row in found] == list(range(100, 130))
    assert {row.records for row in found} == {4}


def test_a_journal_that_cannot_be_read_is_named(layout: Layout) -> None:
    layout.journals.rmdir()
    layout.journals.touch()

    with pytest.raises(StorageUnavailable, match="journal"):
        rows(layout)


def test_a_journal_that_is_replaced_meanwhile_is_named(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(completeness, "_ROWS", 1)
    write(layout, *(line(user, Module.FOLLOWER, "fws", 10) for user in (1, 2, 3)))
    reading = open(layout.output).completeness()
    next(reading)
    layout.journal("w").write_bytes(b"\n")

    with pytest.raises(StorageUnavailable, match="read it again"):
        list(reading)
