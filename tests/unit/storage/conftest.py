"""Directories of a test's own: a layout, and small volumes that can run full."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.dataset import DatasetWriter
from twittomatic import faultpoint
from twittomatic.storage.paths import Layout


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    layout = Layout(tmp_path / "data", tmp_path / "data" / ".tmp")
    layout.prepare()
    return layout


@pytest.fixture
def made(layout: Layout) -> Iterator[DatasetWriter]:
    made = DatasetWriter(layout)
    yield made
    made.journal.close()


@pytest.fixture
def reached() -> Iterator[list[str]]:
    """The fault points that the test came to, in order."""
    names: list[str] = []
    faultpoint.arm(names.append)
    yield names
    faultpoint.arm(None)


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was synced and which fault points were reached, in order; a missing sync shows nowhere else."""
    names: list[str] = []
    fsync = os.fsync

    def spy(descriptor: int) -> None:
        names.append(Path(f"/proc/self/fd/{descriptor}").readlink().name)
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", spy)
    monkeypatch.setattr(faultpoint, "_hook", names.append)
    return names


@pytest.fixture
def small_volume(tmp_path: Path) -> Iterator[Path]:
    """A separate volume with room for 256 KB."""
    directory = tmp_path / "volume"
    directory.mkdir()
    try:
        subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", directory], check=True, capture_output=True
        )
    except (OSError, subprocess.CalledProcessError) as error:
        reason = f"mounting a small volume is not permitted here: {error}"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
    yield directory
    subprocess.run(["umount", directory], check=True)
