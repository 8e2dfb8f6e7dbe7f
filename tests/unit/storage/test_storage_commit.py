from __future__ import annotations

import zlib
from pathlib import Path

import pytest

from twittomatic.errors import CorruptFile, StorageUnavailable
from twittomatic.model import FileState
from twittomatic.storage.commit import commit, holds, prepend
from twittomatic.storage.formats import member, read_lines
from twittomatic.storage.part import PartFile
from twittomatic.storage.paths import Layout


@pytest.fixture
def part(layout: Layout) -> Path:
    return layout.part("crawl", "timeline-22-1", "twt")


@pytest.fixture
def final(layout: Layout) -> Path:
    return layout.file("22", "twt")


def write(path: Path, *lines: bytes) -> FileState:
    with PartFile.begin(path) as part:
        return part.append(member(lines), len(lines))


def test_a_commit_is_one_rename(part: Path, final: Path, layout: Layout, reached: list[str]) -> None:
    state = write(part, b"1")
    reached.clear()

    commit(part, final)

    assert holds(final, state)
    assert not part.exists()
    assert list(layout.files("twt")) == [final]
    assert reached == ["commit.renamed", "commit.directory_synced"]


def test_a_commit_syncs_the_directories_it_changed(part: Path, final: Path, synced: list[str]) -> None:
    write(part, b"1")
    for directories in (["data"], []):  # the first one creates data/22
        synced.clear()
        commit(part, final)
        assert synced == [*directories, "commit.renamed", "22", "commit.directory_synced"]
        write(part, b"1")


def test_a_commit_replaces_the_older_file_whole(part: Path, final: Path) -> None:
    commit_of_old = write(part, b"1")
    commit(part, final)
    state = write(part, b"3", b"2")
    commit(part, final)

    assert not holds(final, commit_of_old)
    assert holds(final, state)


def test_a_commit_without_its_part_changes_nothing(part: Path, final: Path) -> None:
    state = write(part, b"1")
    commit(part, final)

    with pytest.raises(CorruptFile, match="missing"):
        commit(part, final)
    assert holds(final, state)


def test_a_part_is_placed_with_the_bytes_that_count_or_not_at_all(part: Path, final: Path) -> None:
    state = write(part, b"1")
    with pytest.raises(CorruptFile, match=f"shorter than the {state.size + 1} bytes"):
        commit(part, final, size=state.size + 1)
    assert not final.exists()
    with part.open("ab") as file:
        file.write(b"torn")
    commit(part, final, size=state.size)
    assert holds(final, state)


def test_a_file_in_the_way_of_the_directory_is_reported(part: Path, final: Path) -> None:
    write(part, b"1")
    final.parent.write_text("in the way")

    with pytest.raises(StorageUnavailable, match="a part of this path is a file"):
        commit(part, final)
    assert part.exists()


def test_an_attempt_after_the_commit_finds_it_done(part: Path, final: Path, layout: Layout) -> None:
    state = write(part, b"1")
    assert not holds(final, state)
    commit(part, final)
    assert holds(final, state)
    assert not holds(final, FileState(size=state.size, crc=state.crc ^ 1))
    assert not holds(final, FileState(size=state.size - 1, crc=state.crc))

    successor = layout.part("crawl", "timeline-22-2", "twt")
    with PartFile.take_over(successor, final, state) as taken:
        assert taken.state == state
    commit(successor, final)
    assert holds(final, state)


@pytest.mark.parametrize("known", [True, False])
def test_an_update_puts_the_new_posts_before_the_old_bytes(part: Path, final: Path, known: bool) -> None:
    old = write(part, b"2", b"1")
    commit(part, final)
    bytes_before = final.read_bytes()
    with PartFile.begin(part) as new:
        delta = new.append(member([b"4", b"3"]), 2)
        state = prepend(new, final, old if known else None)
    assert final.read_bytes() == bytes_before
    commit(part, final)

    assert state == FileState(
        size=delta.size + old.size, lines=4, crc=zlib.crc32(member([b"4", b"3"]) + bytes_before)
    )
    assert holds(final, state)
    assert final.read_bytes().endswith(bytes_before)
    assert list(read_lines(final)) == [b"4", b"3", b"2", b"1"]


def test_an_update_works_across_volumes(small_volume: Path, part: Path) -> None:
    old = write(small_volume / "old", b"1")
    with PartFile.begin(part) as new:
        new.append(member([b"2"]), 1)
        prepend(new, small_volume / "old", old)
    assert list(read_lines(part)) == [b"2", b"1"]


def test_an_update_of_another_file_than_the_journals_is_corrupt(part: Path, final: Path) -> None:
    old = write(part, b"1")
    commit(part, final)
    final.write_bytes(final.read_bytes() + member([b"0"]))
    with PartFile.begin(part) as new:
        before = new.append(member([b"2"]), 1)
        with pytest.raises(CorruptFile, match=f"not the {old.size} that the journal says"):
            prepend(new, final, old)
        assert new.state == before
    assert part.stat().st_size == before.size


def test_an_update_of_a_broken_file_without_a_journal_line_is_corrupt(part: Path, final: Path) -> None:
    write(part, b"1")
    commit(part, final)
    final.write_bytes(final.read_bytes()[:-1])
    with PartFile.begin(part) as new, pytest.raises(CorruptFile, match="cut off"):
        prepend(new, final)


def test_an_update_that_runs_out_of_room_goes_back_to_the_delta(small_volume: Path, tmp_path: Path) -> None:
    final, part = tmp_path / "old", small_volume / "part"
    final.write_bytes(bytes(300_000))
    with PartFile.begin(part) as new:
        before = new.append(member([b"2"]), 1)
        with pytest.raises(StorageUnavailable, match="full"):
            prepend(new, final, FileState(size=300_000, lines=0, crc=zlib.crc32(bytes(300_000))))
        assert new.state == before
    assert part.stat().st_size == before.size
