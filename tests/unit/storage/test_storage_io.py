from __future__ import annotations

import os
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from twittomatic.storage.io import checksum, copy_range


@pytest.fixture
def source(tmp_path: Path) -> Iterator[int]:
    (tmp_path / "source").write_bytes(bytes(range(256)) * 10_000)
    descriptor = os.open(tmp_path / "source", os.O_RDONLY)
    yield descriptor
    os.close(descriptor)


def test_a_range_lands_at_its_offset(source: int, tmp_path: Path) -> None:
    with (tmp_path / "target").open("wb") as target:
        assert copy_range(source, target.fileno(), count=1000, source_offset=3, target_offset=5) == 1000
    assert (tmp_path / "target").read_bytes() == bytes(5) + (bytes(range(256)) * 5)[3:1003]


def test_a_source_that_ends_early_says_so(source: int, tmp_path: Path) -> None:
    with (tmp_path / "target").open("wb") as target:
        assert copy_range(source, target.fileno(), count=10**9) == 2_560_000


def test_what_the_kernel_cannot_copy_is_read_and_written(tmp_path: Path) -> None:
    """Files of /proc have no size that the kernel could copy; reading them works."""
    with Path("/proc/self/limits").open("rb") as source, (tmp_path / "target").open("wb") as target:
        copied = copy_range(source.fileno(), target.fileno(), count=10**6, source_offset=6, target_offset=2)
    assert copied == (tmp_path / "target").stat().st_size - 2 > 100
    assert (tmp_path / "target").read_bytes() == bytes(2) + Path("/proc/self/limits").read_bytes()[6:]


def test_an_appending_target_is_an_error(source: int, tmp_path: Path) -> None:
    with (tmp_path / "target").open("ab") as target, pytest.raises(OSError, match="Bad file descriptor"):
        copy_range(source, target.fileno(), count=10)


def test_a_checksum_ends_where_the_file_does(source: int) -> None:
    data = bytes(range(256)) * 10_000
    assert checksum(source, 1000) == zlib.crc32(data[:1000])
    assert checksum(source, 10**9) == zlib.crc32(data)
