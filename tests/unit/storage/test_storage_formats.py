from __future__ import annotations

import gzip
import subprocess
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from twittomatic.errors import CorruptFile, StorageUnavailable
from twittomatic.storage.formats import member, read_ids, read_lines, read_pages, to_ids


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "1.fws"


def test_a_member_is_gzip_without_a_time(path: Path) -> None:
    data = member([b"1", b"", b"3"])
    path.write_bytes(data)

    assert gzip.decompress(data) == b"1\n\n3\n"
    assert data[4:8] == bytes(4)
    assert data == member([b"1", b"", b"3"])
    assert subprocess.run(["zcat", path], capture_output=True, check=True).stdout == b"1\n\n3\n"


def test_a_member_can_say_when_it_came_and_zcat_does_not_mind(path: Path) -> None:
    pages = [member([b"1"], at=1_750_000_000.9), member([]), member([b"2", b"3"], at=1_750_000_001)]
    path.write_bytes(b"".join(pages))

    assert list(read_pages(path)) == [(1_750_000_000, [b"1"]), (1_750_000_001, [b"2", b"3"])]
    assert list(read_pages(path, offset=len(pages[0]))) == [(1_750_000_001, [b"2", b"3"])]
    assert list(read_pages(path, size=len(pages[0]))) == [(1_750_000_000, [b"1"])]
    assert [len(page) for page in pages] == [len(member([b"1"])), len(member([])), len(member([b"2", b"3"]))]
    assert subprocess.run(["zcat", path], capture_output=True, check=True).stdout == b"1\n2\n3\n"


def test_no_lines_make_a_file_that_zcat_reads(path: Path) -> None:
    path.write_bytes(member([]))

    assert list(read_lines(path)) == list(read_ids(path)) == []
    assert subprocess.run(["zcat", path], capture_output=True, check=True).stdout == b""


def test_a_record_with_a_line_end_is_refused() -> None:
    with pytest.raises(ValueError, match="line end"):
        member([b"one", b"two\nthree"])


def test_members_are_read_as_one_stream_up_to_the_size_that_counts(path: Path) -> None:
    pages = [member([b"1", b"2"]), member([]), member([b"3"]), member([b"4"])]
    path.write_bytes(b"".join(pages) + b"torn")

    assert list(read_lines(path, size=len(b"".join(pages)))) == [b"1", b"2", b"3", b"4"]
    assert list(read_lines(path, size=len(pages[0]))) == [b"1", b"2"]
    assert np.concatenate(list(read_ids(path, size=len(b"".join(pages[:3]))))).tolist() == [1, 2, 3]
    assert list(read_lines(path, size=0)) == []


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "cut off"),
        (b"1\n2\n", "broken"),
        (member([b"1"])[:-1], "cut off"),
        (member([b"1"]) + member([b"2"])[:5], "cut off"),
        (member([b"1"]) + bytes(8), "broken"),
        (member([b"1"]) + b"1\n", "broken"),
        (gzip.compress(b"1\n2", mtime=0), "the last line has no end"),
        (gzip.compress(b"x" * (17 << 20), mtime=0), "longer than"),
    ],
)
def test_a_broken_file_is_corrupt(path: Path, data: bytes, sentence: str) -> None:
    path.write_bytes(data)

    for read in (read_lines, read_ids):
        with pytest.raises(CorruptFile, match=sentence):
            list(read(path))


def test_a_file_shorter_than_its_checkpoint_is_corrupt(path: Path) -> None:
    path.write_bytes(member([b"1"]))

    with pytest.raises(CorruptFile, match="shorter than the 1000 bytes"):
        list(read_lines(path, size=1000))


def test_a_missing_file_is_unavailable(path: Path) -> None:
    for read in (read_lines, read_ids):
        with pytest.raises(StorageUnavailable, match="no such file"):
            list(read(path))


def test_the_largest_ids_are_exact(path: Path) -> None:
    ids = ["0", "7", "9" * 19, str(2**63 - 1), str(2**63), "1" * 18]
    path.write_bytes(member([text.encode() for text in ids]))

    assert np.concatenate(list(read_ids(path))).tolist() == [int(text) for text in ids]
    assert to_ids(ids).tolist() == [int(text) for text in ids]
    assert to_ids([]).tolist() == []


@pytest.mark.parametrize(
    "text", ["", "1" * 20, "-1", "+1", " 1", "1 ", "1.0", "0x1", "1\r", "1:", "1/", "١", "1\0", "1e3"]
)
def test_what_is_not_an_id_is_refused(path: Path, text: str) -> None:
    path.write_bytes(member([b"12", text.encode(), b"34"]))

    with pytest.raises(CorruptFile, match="not an id"):
        list(read_ids(path))
    with pytest.raises(ValueError, match="not"):
        to_ids(["12", text, "34"])


def test_a_large_file_takes_little_memory(path: Path) -> None:
    page = member([b'{"id":"%d"}' % number for number in range(100_000)])
    path.write_bytes(page * 50 + gzip.compress(b"1\n" * 3_000_000))
    tracemalloc.start()
    try:
        lines = sum(1 for _ in read_lines(path))
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert lines == 8_000_000
    assert most < 16 << 20
