"""Targets as a user gives them."""

import gzip
from pathlib import Path

import pytest

from twittomatic.crawler import targets
from twittomatic.errors import SettingsError


def test_ids_names_and_files_each_once(tmp_path: Path) -> None:
    path = tmp_path / "targets"
    path.write_bytes(b"\xef\xbb\xbf12\r\n# nobody\r\n\r\n@Ada # a friend\r\n0012\r\n007\r\n")
    found = targets.read(["7", str(path), "@ADA", "9999999999999999999"])
    assert found.ids == ["7", "12", "9999999999999999999"]
    assert found.names == ["ada"]


def test_a_file_may_be_packed(tmp_path: Path) -> None:
    path = tmp_path / "targets.gz"
    path.write_bytes(gzip.compress(b"1\n2\n", mtime=0))
    assert targets.read([str(path)]).ids == ["1", "2"]


def test_a_packed_file_that_would_fill_our_memory_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(targets, "_MOST_BYTES", 1_000)
    path = tmp_path / "targets.gz"
    path.write_bytes(gzip.compress(b"1\n" * 1_000, mtime=0))
    with pytest.raises(SettingsError, match="too large"):
        targets.read([str(path)])


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"1\n\xff\n", "not a text file in UTF-8"),
        (b"\x1f\x8bbroken", "cannot be read"),
        (gzip.compress(b"1\n2\n", mtime=0)[:-6], "cannot be read"),
        ("１\n".encode(), "line 1"),
        (b"1,2\n", "line 1"),
        (b"@name_that_is_too_long\n", "line 1"),
    ],
)
def test_a_file_that_is_no_list_of_targets(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "targets"
    path.write_bytes(content)
    with pytest.raises(SettingsError) as caught:
        targets.read([str(path)])
    assert said in str(caught.value)


@pytest.mark.parametrize("argument", ["", "-1", "@", "@with space", "1e5", "no/such/file", "a\0b"])
def test_what_is_no_target(argument: str) -> None:
    with pytest.raises(SettingsError):
        targets.read([argument])


def test_a_directory_is_no_list(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read"):
        targets.read([str(tmp_path)])
