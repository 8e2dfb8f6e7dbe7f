"""Real processes: commands as a user gives them, an emulator beside them, a directory of the test's own."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from spawner import Spawner

from support.workspace import Workspace


@pytest.fixture
def place(spawner: Spawner) -> Iterator[Workspace]:
    yield from _place(spawner)


@pytest.fixture(scope="module")
def shared_place(spawner: Spawner) -> Iterator[Workspace]:
    """One place for all tests of a module."""
    yield from _place(spawner)


def _place(spawner: Spawner) -> Iterator[Workspace]:
    with tempfile.TemporaryDirectory(prefix="tw") as directory:
        place = Workspace(Path(directory), spawner)
        yield place
        place.end()
