"""The index of the journal, and what workers ask it: which lists are whole."""

from __future__ import annotations

import threading
import tracemalloc
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest

from twittomatic.model import Ending, Module
from twittomatic.storage import index as indexing
from twittomatic.storage import journal as journaling
from twittomatic.storage.completeness import CompleteLists
from twittomatic.storage.index import JournalIndex
from twittomatic.storage.journal import Entry, decode_line
from twittomatic.storage.paths import Layout


def entry(file: str | None, **changes: object) -> Entry:
    module = Module.TIMELINE if file and file.endswith(".twt") else Module.FOLLOWER
    plain = Entry(
        file=file,
        module=module,
        user_id="22",
        bytes=3,
        lines=2,
        began_at="2026-01-31T12:00:00Z",
        ended_at="2026-01-31T12:00:02Z",
        ending=Ending.COMPLETE,
        worker="w",
    )
    return msgspec.structs.replace(plain, **changes)


def append(layout: Layout, *entries: Entry, process: str = "w") -> None:
    with layout.journal(process).open("ab") as file:
        file.write(b"".join(msgspec.json.encode(one) + b"\n" for one in entries))


def place(layout: Layout, file: str, data: bytes = b"abc") -> Path:
    path = layout.output / file
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data)
    return path


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Every journal line that is decoded."""
    lines: list[bytes] = []

    def spy(line: bytes) -> Entry:
        lines.append(line)
        return decode_line(line)

    monkeypatch.setattr(journaling, "decode_line", spy)
    return lines


def whole(files: CompleteLists, path: Path, most: int | None = None, since: float | None = None) -> bool:
    return files.is_whole(path, most=most, since=since)


def test_concurrent_lookups_read_the_journal_once(layout: Layout, decoded: list[bytes]) -> None:
    paths = [place(layout, f"{number}/{number}.fws") for number in range(10, 18)]
    append(layout, *[entry(layout.relative(path)) for path in paths * 50])
    files, together = CompleteLists(layout), threading.Barrier(8)

    def ask(path: Path) -> bool:
        together.wait()
        return whole(files, path)

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(ask, paths))
    assert len(decoded) == 400


def test_a_slow_reader_does_not_overwrite_what_was_learned(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = place(layout, "22/22.fws")
    cut = entry("22/22.fws", ending=Ending.CUT)
    append(layout, cut)
    reading, learned = threading.Event(), threading.Event()

    def slow(line: bytes) -> Entry:
        reading.set()
        learned.wait(1.0)  # a learner that waits for the reader does not set it, and that is right as well
        return decode_line(line)

    monkeypatch.setattr(journaling, "decode_line", slow)
    files = CompleteLists(layout)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(files.ending, path)
        reading.wait()
        learning = pool.submit(
            files.learn, msgspec.structs.replace(cut, ending=Ending.COMPLETE, ended_at="2026-01-31T12:00:03Z")
        )
        learned.set()
        first.result()
        learning.result()
    assert files.ending(path) is Ending.COMPLETE
    assert whole(files, path)


def test_what_another_process_committed_is_seen_without_reading_all_again(
    layout: Layout, decoded: list[bytes]
) -> None:
    path = place(layout, "22/22.fws")
    append(layout, *[entry("22/22.fws")] * 100)
    files = CompleteLists(layout)
    assert whole(files, path)
    place(layout, "22/22.fws", b"longer")
    assert not whole(files, path), "its line is not there yet"
    append(layout, entry("22/22.fws", bytes=6, ended_at="2026-02-01T00:00:00Z"), process="another")
    assert whole(files, path)
    assert files.state(path).size == 6
    new = place(layout, "7/7.twt")
    append(layout, entry("7/7.twt", user_id="7"), process="another")
    assert whole(files, new)
    assert len(decoded) == 102


@pytest.mark.parametrize(
    ("ending", "most", "answer"),
    [
        ("complete", None, True),
        ("ceiling", None, True),
        ("cut", None, False),
        ("cut", 2, True),
        ("cut", 3, False),
        ("stalled", None, False),
        ("lost", None, False),
    ],
)
def test_the_ending_records_whether_a_list_is_whole(
    layout: Layout, ending: str, most: int | None, answer: bool
) -> None:
    path = place(layout, "22/22.fws")
    append(layout, entry("22/22.fws", ending=Ending(ending)))
    assert whole(CompleteLists(layout), path, most) is answer


def test_a_list_whose_profiles_are_lost_is_not_whole(layout: Layout) -> None:
    path = place(layout, "22/22.fws")
    append(layout, entry("22/22.fws"), entry("22/22.usr"))
    assert whole(CompleteLists(layout), path)
    append(layout, entry("22/22.usr", ending=Ending.LOST, bytes=0, repaired_at="2026-03-01T00:00:00Z"))
    assert not whole(CompleteLists(layout), path)


def test_an_update_that_found_nothing_makes_a_timeline_young(layout: Layout) -> None:
    path, followers = place(layout, "22/22.twt"), place(layout, "22/22.fws")
    append(layout, entry("22/22.twt"), entry("22/22.fws"))
    looked = entry(None, module=Module.UPDATE, ended_at="2026-02-01T00:00:00Z")
    append(layout, looked, msgspec.structs.replace(looked, ended_at="2026-01-31T18:00:00Z"))
    files, january, february = CompleteLists(layout), 1769860803.0, 1769904000.0
    assert whole(files, path, since=february)
    assert not whole(files, path, since=february + 1)
    assert whole(files, followers, since=january - 1)
    assert not whole(files, followers, since=january)


def test_files_whose_ids_begin_with_zeros_are_others(layout: Layout) -> None:
    names = ["7/7.fws", "00/007.fws", "07/07.fws", "00/0000000000000000007.fws", "99/" + "9" * 19 + ".twt"]
    append(layout, *[entry(name, bytes=size) for size, name in enumerate(names)])
    index = JournalIndex(layout)
    index.refresh()
    assert [line.bytes for line in map(index.newest, names) if line] == list(range(len(names)))
    assert sorted(file for file, _ in index.files()) == sorted(names)
    for other in ("77/77.fws", "targets/22.jsonl.gz", "targets/crawl.jsonl.gz", "22"):
        assert index.newest(other) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"bytes": 2**63},
        {"lines": 10**30},
        {"ended_at": "2026-02-30T00:00:00Z"},
        {"began_at": "0000-01-01T00:00:00Z"},
    ],
)
def test_odd_lines_do_no_harm(layout: Layout, changes: dict[str, object]) -> None:
    path = place(layout, "22/22.fws")
    append(layout, entry("8/8.fws", **changes), entry("22/22.fws"))
    files = CompleteLists(layout)
    assert whole(files, path)
    whole(files, place(layout, "8/8.fws"))


def test_a_file_takes_no_more_than_64_bytes(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    count = 20_000
    monkeypatch.setattr(indexing, "_RECENT_MOST", 1000)
    ids = [str(10**18 + number * 7919) for number in range(count)]
    append(layout, *[entry(f"{one[:2]}/{one}.fws", user_id=one) for one in ids])
    index = JournalIndex(layout)
    tracemalloc.start()
    try:
        index.refresh()
        used, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert used <= 64 * count + 512 * 1024, "Python keeps some freed objects for later use"


def follow(layout: Layout) -> tuple[JournalIndex, Callable[[], dict[str, int]]]:
    index = JournalIndex(layout)

    def sizes() -> dict[str, int]:
        index.refresh()
        return {file: line.bytes for file, line in index.files()}

    return index, sizes


def test_the_index_follows_the_journal(layout: Layout, decoded: list[bytes]) -> None:
    index, sizes = follow(layout)
    assert sizes() == {}
    line = msgspec.json.encode(entry("22/22.fws", bytes=5)) + b"\n"
    layout.journal("w").write_bytes(b"\n\xef\xbb\xbf[]\n" + line[:40])
    assert sizes() == {}
    assert index.torn == {layout.journal("w"): 3}
    layout.journal("w").write_bytes(b"\n\xef\xbb\xbf[]\n" + line[:-1])
    assert sizes() == {"22/22.fws": 5}, "it lacks only its end"
    with layout.journal("w").open("ab") as file:
        file.write(b"\n" + b"x" * 3_000_000)
    assert sizes() == {"22/22.fws": 5}
    with layout.journal("w").open("ab") as file:
        file.write(b"\n" + line.replace(b"22", b"33"))
    assert sizes() == {"22/22.fws": 5, "33/33.fws": 5}
    del decoded[:]
    append(layout, entry("44/44.twt", bytes=6))
    assert sizes() == {"22/22.fws": 5, "33/33.fws": 5, "44/44.twt": 6}
    assert len(decoded) == 1


def test_a_journal_file_that_was_replaced_or_cut_is_read_again(layout: Layout) -> None:
    _, sizes = follow(layout)
    append(layout, entry("22/22.fws", bytes=5), entry("33/33.fws", bytes=5))
    assert sizes() == {"22/22.fws": 5, "33/33.fws": 5}
    new = layout.journals / "new"
    new.write_bytes(msgspec.json.encode(entry("22/22.fws", bytes=7)) + b"\n" + b"\n" * 2000)
    new.rename(layout.journal("w"))
    assert sizes()["22/22.fws"] == 7
    layout.journal("w").write_bytes(msgspec.json.encode(entry("22/22.fws", bytes=8)) + b"\n")
    assert sizes()["22/22.fws"] == 8
