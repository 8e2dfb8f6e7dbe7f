"""A recording: grown by members, cut anywhere, continued, and never in a foreign file."""

import gzip
import os
import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from twittomatic.errors import CorruptFile, StorageUnavailable
from twittomatic.sinks.stats.recording import Reader, Recording


def lines_of(first: int, count: int = 50) -> list[bytes]:
    return [
        b"twittomatic.c.seen %d %d" % (number, 1_700_000_000 + number)
        for number in range(first, first + count)
    ]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "crawl.gz"


def record(path: Path, *members: list[bytes]) -> list[int]:
    """Record members, and return where each ends."""
    ends = []
    with Recording.open(path) as recording:
        for lines in members:
            recording.append(lines)
            ends.append(recording.size)
    return ends


def test_what_was_recorded_is_plain_gzip_and_grows(path: Path) -> None:
    first, second = record(path, lines_of(0), lines_of(50))
    with gzip.open(path) as file:
        assert file.read().splitlines() == lines_of(0, 100)
    assert path.stat().st_size == second > first
    record(path, lines_of(100))
    reader = Reader(path)
    assert list(reader.lines()) == lines_of(0, 150)
    assert (reader.flaw, reader.whole) == ("", path.stat().st_size)


def test_a_journal_cut_at_any_byte_is_read_and_continued(path: Path) -> None:
    first, second = record(path, lines_of(0), lines_of(50))
    whole = path.read_bytes()
    for size in range(first, second + 1):
        path.write_bytes(whole[:size])
        reader = Reader(path)
        got = list(reader.lines())
        assert got == lines_of(0, 100)[: len(got)]
        assert len(got) >= 50
        assert reader.is_cut == bool(reader.flaw) == (first < size < second)
        with Recording.open(path) as recording:
            assert recording.cut == (0 if size in (first, second) else size - first)
            recording.append(lines_of(100))
        kept = lines_of(0, 50 if size < second else 100)
        assert list(Reader(path).lines()) == kept + lines_of(100)


def test_a_member_that_is_cut_gives_its_whole_lines(path: Path) -> None:
    path.write_bytes(gzip.compress(b"".join(line + b"\n" for line in lines_of(0, 20_000)))[:-100])
    reader = Reader(path)
    got = list(reader.lines())
    assert 10_000 < len(got) < 20_000
    assert got == lines_of(0, len(got))
    assert reader.flaw == "is cut off in the middle of a gzip member"


def test_cut_in_the_middle_of_a_line_it_ends_before_it(path: Path) -> None:
    path.write_bytes(gzip.compress(b"a.b 1 1700000000\na.b 2 17000"))
    reader = Reader(path)
    assert list(reader.lines()) == [b"a.b 1 1700000000"]
    assert (reader.flaw, reader.is_cut) == ("is cut off in the middle of a line", True)
    with pytest.raises(CorruptFile, match="it was not changed"):
        Recording.open(path)


def test_zeros_behind_it_are_cut_off_as_a_power_failure_leaves_them(path: Path) -> None:
    (end,) = record(path, lines_of(0))
    with path.open("ab") as file:
        file.write(bytes(5000))
    with Recording.open(path) as recording:
        assert (recording.size, recording.cut) == (end, 5000)


def test_a_wrong_byte_is_noticed_and_no_line_of_its_member_is_taken(path: Path) -> None:
    first, second = record(path, lines_of(0), lines_of(50))
    data = bytearray(path.read_bytes())
    damaged = 0
    for place in range(first + 10, second - 8):
        data[place] ^= 0x10
        path.write_bytes(data)
        reader = Reader(path)
        got = list(reader.lines())
        assert got[:50] == lines_of(0, 50)
        assert reader.flaw or got == lines_of(0, 100)  # where the bit means nothing
        if (
            reader.flaw and not reader.is_cut
        ):  # else it looks like a longer member, of which the end is missing
            assert len(got) == 50
            damaged += 1
        data[place] ^= 0x10
    assert damaged > (second - first) / 2


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"my thesis", id="text"),
        pytest.param(gzip.compress(b"my thesis\nall of it\n"), id="lines"),
        pytest.param(gzip.compress(b"no line end"), id="no line end"),
        pytest.param(gzip.compress(os.urandom(5000))[:-50], id="cut off"),
        pytest.param(gzip.compress(b""), id="nothing"),
    ],
)
def test_another_file_is_refused_and_stays(content: bytes, path: Path) -> None:
    path.write_bytes(content)
    with pytest.raises(CorruptFile, match="is not a recording"):
        Recording.open(path)
    assert path.read_bytes() == content


def test_damage_before_its_end_is_refused_and_stays(path: Path) -> None:
    noise = [b"a.%b 1 1700000000" % os.urandom(40).hex().encode() for _ in range(40_000)]
    first, _ = record(path, lines_of(0), noise)
    data = bytearray(path.read_bytes())
    data[first + 20_000 : first + 20_100] = bytes(100)
    path.write_bytes(data)
    with pytest.raises(CorruptFile, match="it was not changed"):
        Recording.open(path)
    assert path.read_bytes() == data


def test_two_do_not_record_into_one_file(path: Path) -> None:
    with (
        Recording.open(path),
        pytest.raises(StorageUnavailable, match="another process records into it"),
    ):
        Recording.open(path)
    Recording.open(path).close()


def test_what_is_no_file_or_has_no_place_is_named(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for name, why in (("pipe", "regular file"), ("no/such/place.gz", "no such file"), ("", "directory")):
        with pytest.raises(StorageUnavailable, match=why):
            Recording.open(tmp_path / name)


def test_a_volume_that_is_full_leaves_what_stood_there(path: Path) -> None:
    (end,) = record(path, lines_of(0))
    noise = [b"a.%b 1 1700000000" % os.urandom(40).hex().encode() for _ in range(2000)]
    with Recording.open(path) as recording:
        with no_larger_than(end + 100), pytest.raises(StorageUnavailable):
            recording.append(noise)
        assert path.stat().st_size == end
        recording.append(lines_of(50))
    assert list(Reader(path).lines()) == lines_of(0, 100)


@contextmanager
def no_larger_than(size: int) -> Iterator[None]:
    before, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.getsignal(signal.SIGXFSZ)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
