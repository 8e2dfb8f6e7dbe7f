from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from twittomatic.model import Ending, Module
from twittomatic.storage.commit import commit
from twittomatic.storage.formats import member
from twittomatic.storage.journal import Entry, Journal
from twittomatic.storage.part import PartFile
from twittomatic.storage.paths import Layout
from twittomatic.storage.verify import verify


def store(layout: Layout, user_id: str, ext: str, pages: Sequence[Sequence[bytes]]) -> Path:
    """Commit a file as a module does, journal line and all."""
    path = layout.part("crawl", f"{ext}-{user_id}", ext)
    with PartFile.begin(path) as part:
        for page in pages:
            part.append(member(page), len(page))
        state = part.state
    final = layout.file(user_id, ext)
    commit(path, final)
    journal = Journal(layout.journal("worker"))
    journal.append(
        Entry(
            file=layout.relative(final),
            module=Module.FOLLOWER,
            user_id=user_id,
            lines=state.lines,
            bytes=state.size,
            crc32=f"{state.crc:08x}",
            began_at="2026-01-31T12:00:00Z",
            ended_at="2026-01-31T12:00:02Z",
            ending=Ending.COMPLETE,
            worker="worker",
        )
    )
    journal.close()
    return final


def record(record_id: object) -> bytes:
    return f'{{"text":"é","id":"{record_id}"}}'.encode()


def found(layout: Layout) -> list[tuple[str, str]]:
    return [(problem.file, problem.sentence) for problem in verify(layout)]


@pytest.fixture
def whole(layout: Layout) -> Layout:
    """A dataset without a fault."""
    store(layout, "22", "fws", [[b"1", b"30"], [b"2"]])
    store(layout, "22", "usr", [[record(1)], [record(2)]])
    store(layout, "22", "twt", [[record(100), record(20)], [record(3)]])
    store(layout, "7", "fws", [[]])
    return layout


def test_a_whole_dataset_has_no_problem(whole: Layout) -> None:
    assert found(whole) == []


def test_an_empty_directory_has_no_problem(layout: Layout) -> None:
    assert found(layout) == []


def test_parts_and_foreign_files_are_no_problem(whole: Layout) -> None:
    PartFile.begin(whole.part("crawl", "x", "fws")).close()
    (whole.output / "README").write_text("mine")
    (whole.output / "22" / "notes.txt").write_text("mine")
    (whole.output / "set-aside").mkdir()
    (whole.output / "set-aside" / "22.fws.1").write_text("broken")

    assert found(whole) == []


def test_a_missing_file_is_a_problem(whole: Layout) -> None:
    whole.file("22", "twt").unlink()
    assert found(whole) == [("22/22.twt", "missing, though the journal has a line for it.")]


def test_a_file_without_a_journal_line_is_a_problem(whole: Layout) -> None:
    path = whole.file("8", "fws")
    path.parent.mkdir()
    path.write_bytes(member([b"1"]))
    assert found(whole) == [("8/8.fws", "has no line in the journal.")]


def test_bytes_that_changed_are_a_problem(whole: Layout) -> None:
    path = whole.file("22", "fws")
    data = path.read_bytes()
    path.write_bytes(data[:4] + b"\1" + data[5:])  # the time in the header: gzip itself cannot notice
    (problem,) = found(whole)
    assert problem[0] == "22/22.fws"
    assert problem[1].startswith("its CRC-32 is ")


def test_every_truncation_is_a_problem(whole: Layout) -> None:
    path = whole.file("22", "twt")
    data = path.read_bytes()
    for size in range(len(data)):
        path.write_bytes(data[:size])
        assert ("22/22.twt", f"has {size} bytes, the journal says {len(data)}.") in found(whole)


def test_another_number_of_lines_is_a_problem(layout: Layout) -> None:
    store(layout, "7", "fws", [[b"1", b"2"]])
    journal = layout.journal("worker")
    journal.write_text(journal.read_text().replace('"lines":2', '"lines":3'))
    assert found(layout) == [("7/7.fws", "has 2 lines, the journal says 3.")]


@pytest.mark.parametrize(
    ("ext", "lines"),
    [("fws", [b"1", b"2", b"1", b"01"]), ("twt", [record(3), record(3), record(3)])],
)
def test_a_repeated_id_is_a_problem(layout: Layout, ext: str, lines: list[bytes]) -> None:
    store(layout, "7", ext, [lines])
    assert found(layout) == [(f"7/7.{ext}", "2 lines repeat an id.")]


def test_repetitions_are_found_across_batches(layout: Layout) -> None:
    posts = [record(number) for number in range(5000, 0, -1)]
    store(layout, "7", "twt", [[*posts, record(5000)]])
    assert found(layout) == [
        ("7/7.twt", "1 lines repeat an id."),
        ("7/7.twt", "1 posts are newer than the one before them."),
    ]


def test_a_profile_of_a_non_follower_is_a_problem(layout: Layout) -> None:
    store(layout, "7", "fws", [[b"1", b"2"]])
    store(layout, "7", "usr", [[record(2), record(3)]])
    assert found(layout) == [("7/7.usr", "1 profiles are of users who are not in 7.fws.")]


@pytest.mark.parametrize("records", [[], [record(2)]])
def test_profiles_without_their_list_are_a_problem(layout: Layout, records: list[bytes]) -> None:
    store(layout, "8", "usr", [records])
    assert found(layout) == [("8/8.usr", "profiles of followers, but there is no 8.fws.")]


@pytest.mark.parametrize(
    "name", ["22/7.fws", "22/x.usr", "22/22.fws.twt", "x/7.fws", "123/1234.twt", "7/[31m.twt"]
)
def test_what_a_pattern_takes_for_data_and_is_none_is_a_problem(whole: Layout, name: str) -> None:
    path = whole.output / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(member([b"1"]))
    ((file, sentence),) = found(whole)
    assert file.isprintable()
    assert "is not a dataset file" in sentence


def test_a_directory_in_the_place_of_a_file_is_a_problem(whole: Layout) -> None:
    whole.file("22", "twt").unlink()
    whole.file("22", "twt").mkdir()
    assert [file for file, _ in found(whole)] == ["22/22.twt"] * 2


def test_part_files_beside_the_dataset_are_no_problem(whole: Layout) -> None:
    layout = Layout(whole.output, whole.output / "parts")
    PartFile.begin(layout.part("crawl", "x", "fws")).close()
    assert found(layout) == []
    PartFile.begin(Layout(whole.output, whole.output).part("crawl", "x", "fws")).close()
    assert found(Layout(whole.output, whole.output)) == []


def test_a_broken_follower_list_is_reported_once(whole: Layout) -> None:
    whole.file("22", "fws").write_bytes(b"")
    assert [file for file, _ in found(whole)] == ["22/22.fws", "22/22.fws"]


@pytest.mark.parametrize(
    ("ext", "bad"),
    [
        ("fws", b"x"),
        ("fws", b""),
        ("fws", b"1" * 20),
        ("twt", b""),
        ("twt", b"[]"),
        ("twt", b'{"id":1}'),
        ("twt", b'{"text":"no id"}'),
        ("twt", b'{"id":"x"}'),
        ("twt", b'{"id":"1"} {}'),
        ("twt", b'{"id":"1","text":"\xff"}'),
        ("twt", b'{"id":"1","text":' + b"[" * 100_000),
        ("usr", b'{"id":"' + b"1" * 20 + b'"}'),
    ],
)
def test_an_invalid_record_is_a_problem(layout: Layout, ext: str, bad: bytes) -> None:
    if ext == "usr":
        store(layout, "7", "fws", [[b"1"]])
    store(layout, "7", ext, [[b"1" if ext == "fws" else record(1), bad]])
    expected = (
        "a line is not an id of 1 to 19 digits."
        if ext == "fws"
        else "line 2 is not a JSON object with a decimal id."
    )
    assert found(layout) == [(f"7/7.{ext}", expected)]


def test_a_torn_journal_line_is_a_problem(whole: Layout) -> None:
    with whole.journal("worker").open("ab") as file:
        file.write(b'{"file":"22/')
    assert found(whole) == [("journal/worker.jsonl", "line 5: the line is cut off.")]


def test_hostile_names_and_lines_stay_on_one_printable_line(whole: Layout) -> None:
    name = os.fsencode(whole.journals) + b"/\x1b[31m\n\xff.jsonl"
    with open(name, "wb") as file:  # noqa: PTH123
        file.write(b'{"file":null,"module":"\\u001b[2J\\n","user_id":"1"}\n')
    (problem,) = found(whole)
    assert all(text.isprintable() for text in problem)


def test_what_cannot_be_read_is_a_problem(tmp_path: Path) -> None:
    (problem,) = found(Layout(tmp_path / "none", tmp_path))
    assert "no such file or directory" in problem[1]


def test_verifying_changes_nothing(whole: Layout) -> None:
    whole.file("22", "twt").write_bytes(b"broken")
    before = {path: path.read_bytes() for path in whole.output.rglob("*") if path.is_file()}
    found(whole)
    assert {path: path.read_bytes() for path in whole.output.rglob("*") if path.is_file()} == before
