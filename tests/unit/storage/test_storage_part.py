from __future__ import annotations

import os
import resource
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from twittomatic import faultpoint
from twittomatic.errors import CorruptFile, StorageUnavailable
from twittomatic.model import FileState
from twittomatic.storage.formats import member, read_lines
from twittomatic.storage.part import PartFile, discard
from twittomatic.storage.paths import Layout

PAGES = [[b"1", b"2", b"3"], [], [b"4"]]


@pytest.fixture
def path(layout: Layout) -> Path:
    return layout.part("crawl", "follower-7-1", "fws")


@pytest.fixture
def other(layout: Layout) -> Path:
    return layout.part("crawl", "follower-7-2", "fws")


@pytest.fixture
def file_size_limit() -> Iterator[int]:
    """No file of this process may grow beyond so many bytes: writes stop short, then fail."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, before[1]))
    yield 10_000
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def grow(path: Path) -> list[FileState]:
    """Write the pages; return the state after each."""
    with PartFile.begin(path) as part:
        return [part.append(member(page), len(page)) for page in PAGES]


def test_each_append_is_counted_and_synced(path: Path, reached: list[str]) -> None:
    states = grow(path)

    data = path.read_bytes()
    assert [state.lines for state in states] == [3, 3, 4]
    for state in states:
        assert state.crc == zlib.crc32(data[: state.size])
    assert states[-1].size == len(data)
    assert list(read_lines(path)) == [b"1", b"2", b"3", b"4"]
    assert reached == ["part.written", "part.synced"] * 3


def test_nothing_is_called_synced_before_it_is(path: Path, other: Path, synced: list[str]) -> None:
    with PartFile.begin(path) as part:
        assert synced == ["crawl"]
        state = part.append(member([b"1"]), 1)
        part.append_file(path, state)
    assert synced[1:] == ["part.written", path.name, "part.synced"] * 2
    synced.clear()
    PartFile.take_over(other, path, state).close()
    assert synced == ["crawl", other.name, "part.taken_over"]


def test_begin_forgets_what_stood_there(path: Path) -> None:
    grow(path)
    with PartFile.begin(path) as part:
        assert part.state == FileState()
        part.append(member([b"9"]), 1)

    assert list(read_lines(path)) == [b"9"]


def test_a_successor_continues_at_the_checkpoint(path: Path, other: Path) -> None:
    states = grow(path)
    whole = path.read_bytes()
    for state in states:
        with PartFile.take_over(other, path, state) as part:
            assert part.state == state
            after = part.append(member([b"5"]), 1)
        assert other.read_bytes() == whole[: state.size] + member([b"5"])
        assert after.crc == zlib.crc32(other.read_bytes())
        assert after.lines == state.lines + 1
    assert path.read_bytes() == whole


def test_the_same_file_is_cut_to_the_checkpoint(path: Path) -> None:
    state = grow(path)[0]
    with path.open("ab") as file:
        file.write(b"half a member")

    with PartFile.take_over(path, path, state) as part:
        assert part.path.stat().st_size == state.size == part.state.size
    assert list(read_lines(path)) == PAGES[0]


def test_a_checkpoint_before_the_first_page_needs_no_predecessor(path: Path, other: Path) -> None:
    with PartFile.take_over(path, other, FileState()) as part:
        assert part.state == FileState()


def test_what_stood_in_the_successors_file_is_gone(path: Path, other: Path) -> None:
    state = grow(path)[-1]
    other.write_bytes(bytes(100_000))

    PartFile.take_over(other, path, state).close()
    assert other.read_bytes() == path.read_bytes()


def test_a_missing_short_or_changed_predecessor_is_corrupt(path: Path, other: Path) -> None:
    state = grow(path)[-1]
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    for successor in (other, path):
        with pytest.raises(CorruptFile, match="shorter than"):
            PartFile.take_over(successor, path, state)
    path.write_bytes(b"\0" + whole[1:] + b"more")
    for successor in (other, path):
        with pytest.raises(CorruptFile, match="not those of its checkpoint"):
            PartFile.take_over(successor, path, state)
    assert path.stat().st_size == len(whole) + 4
    path.unlink()
    with pytest.raises(CorruptFile, match="missing"):
        PartFile.take_over(other, path, state)


def test_a_write_that_stops_short_counts_nothing(path: Path, file_size_limit: int) -> None:
    with PartFile.begin(path) as part:
        before = part.append(bytes(file_size_limit - 1), 1)
        with pytest.raises(StorageUnavailable, match="beyond what the system allows"):
            part.append(bytes(10), 1)
        assert part.state == before
        assert path.stat().st_size == before.size
        assert part.append(b"!", 1).size == file_size_limit


@pytest.mark.parametrize("how", ["removed", "truncated"])
def test_what_happens_to_it_behind_our_back_is_noticed_at_the_next_page(path: Path, how: str) -> None:
    with PartFile.begin(path) as part:
        before = part.append(b"page", 1)
        path.unlink() if how == "removed" else os.truncate(path, before.size - 1)
        with pytest.raises(CorruptFile, match="removed or truncated"):
            part.append(b"page", 1)
        assert part.state == before


def test_a_full_volume_counts_nothing_and_continues_when_there_is_room(small_volume: Path) -> None:
    path, filler = small_volume / "part", small_volume / "filler"
    filler.write_bytes(bytes(150_000))
    with PartFile.begin(path) as part:
        before = part.append(bytes(50_000), 1)
        with pytest.raises(StorageUnavailable, match="the volume is full; free some space"):
            part.append(bytes(100_000), 1)
        assert part.state == before
        assert path.stat().st_size == before.size
        filler.unlink()
        after = part.append(bytes(100_000), 1)
    assert after == FileState(size=150_000, lines=2, crc=zlib.crc32(bytes(150_000)))


def test_a_full_device_is_unavailable() -> None:
    with pytest.raises(StorageUnavailable, match=r"^/dev/full: "), PartFile.begin(Path("/dev/full")) as part:
        part.append(b"data", 1)


def test_a_failed_sync_counts_nothing(path: Path) -> None:
    with PartFile.begin(path) as part:
        before = part.append(b"synced", 1)

        def fail(name: str) -> None:
            raise OSError(5, "Input/output error")

        faultpoint.arm(fail)
        try:
            with pytest.raises(StorageUnavailable, match="check the disk"):
                part.append(b"not synced", 1)
        finally:
            faultpoint.arm(None)
        assert part.state == before
    assert path.read_bytes() == b"synced"


def test_a_directory_in_the_way_is_unavailable(path: Path) -> None:
    path.mkdir(parents=True)
    with pytest.raises(StorageUnavailable, match="there is a directory where a file should be"):
        PartFile.begin(path)


def test_a_file_where_the_directory_should_be_is_unavailable(layout: Layout, path: Path) -> None:
    (layout.temporary / "crawl").write_text("in the way")
    with pytest.raises(StorageUnavailable):
        PartFile.begin(path)


def test_closing_and_discarding_twice_does_nothing(path: Path) -> None:
    part = PartFile.begin(path)
    part.close()
    part.close()
    discard(path)
    discard(path)
    assert not path.exists()
