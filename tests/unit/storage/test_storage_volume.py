from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from twittomatic.errors import SettingsError, StorageUnavailable
from twittomatic.storage.paths import Layout


def test_prepare_creates_the_directories_and_leaves_nothing_else(tmp_path: Path) -> None:
    output = tmp_path / "a" / "data"
    for _ in range(2):
        Layout(output, output / ".tmp").prepare()

    assert sorted(path.relative_to(output).as_posix() for path in output.rglob("*")) == [".tmp", "journal"]


@pytest.mark.parametrize("place", ["data", "data/journal", "tmp", "data/below/tmp"])
def test_a_directory_that_is_a_file_is_named(tmp_path: Path, place: str) -> None:
    blocked = tmp_path / ("data/below" if "below" in place else place)
    blocked.parent.mkdir(exist_ok=True)
    blocked.write_text("in the way")
    layout = Layout(tmp_path / "data", tmp_path / ("data/below/tmp" if "below" in place else "tmp"))

    with pytest.raises(SettingsError, match=r"is, or lies below, a file; name a directory\.$") as raised:
        layout.prepare()
    assert str(blocked) in str(raised.value)


def test_another_volume_is_refused(tmp_path: Path, small_volume: Path) -> None:
    with pytest.raises(SettingsError, match="on another volume than OUTPUT_DIRECTORY"):
        Layout(tmp_path / "data", small_volume / "tmp").prepare()


def test_two_mounts_of_one_device_are_two_volumes(tmp_path: Path) -> None:
    mounted = tmp_path / "mounted"
    mounted.mkdir()
    try:
        subprocess.run(["mount", "--bind", tmp_path, mounted], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"mounting is not permitted here: {error}")
    try:
        assert mounted.stat().st_dev == tmp_path.stat().st_dev
        with pytest.raises(SettingsError, match="on another volume"):
            Layout(tmp_path / "data", mounted / "tmp").prepare()
    finally:
        subprocess.run(["umount", mounted], check=True)
    assert not list(tmp_path.rglob(".probe*"))


def test_a_full_volume_is_reported_and_left_clean(small_volume: Path) -> None:
    layout = Layout(small_volume / "data", small_volume / "data" / ".tmp")
    layout.prepare()
    filler = small_volume / "filler"
    with pytest.raises(OSError, match="No space"), filler.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))

    with pytest.raises(StorageUnavailable, match="the volume is full; free some space"):
        layout.prepare()
    filler.unlink()
    layout.prepare()
    assert not list(small_volume.rglob(".probe*"))


def test_a_read_only_volume_is_reported(small_volume: Path) -> None:
    layout = Layout(small_volume / "data", small_volume / "data" / ".tmp")
    layout.prepare()
    subprocess.run(["mount", "-o", "remount,ro", small_volume], check=True)

    with pytest.raises(StorageUnavailable, match="the volume is read-only"):
        layout.prepare()
    with pytest.raises(StorageUnavailable, match="the volume is read-only"):
        Layout(small_volume / "new", small_volume / "new" / ".tmp").prepare()


@pytest.mark.parametrize("mode", [0o000, 0o500])
def test_a_forbidden_directory_is_reported(tmp_path: Path, mode: int) -> None:
    if os.geteuid() == 0:
        pytest.skip("nothing is forbidden to root")
    layout = Layout(tmp_path / "data", tmp_path / "data" / ".tmp")
    layout.prepare()
    layout.output.chmod(mode)
    try:
        with pytest.raises(StorageUnavailable, match="permission denied"):
            layout.prepare()
    finally:
        layout.output.chmod(0o700)
