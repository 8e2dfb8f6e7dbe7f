"""Working directories whose names are unusual: a crawl begins there, is paid, resumes, and is verified."""

import os
from pathlib import Path

import pytest

from support.workspace import Workspace


@pytest.mark.parametrize("name", [b"bad\xff", b"a b#c?d%41", b"\xe9" * 150], ids=ascii)
def test_a_crawl_in_a_directory_with_an_unusual_name(place: Workspace, name: bytes) -> None:
    place.emulator("--graph", place.graph([(1, 2), (1, 3)]))
    place.directory = Path(os.fsdecode(os.fsencode(place.directory) + b"/" + name))
    place.directory.mkdir()
    for _ in range(2):
        done = place.run("crawl", "-F", "1", "--budget-usd", "1")
        assert done.returncode == 0, done.stderr
    assert place.run("verify").returncode == 0
    assert len(place.files("fws")) == 1
    assert place.run("restore").returncode == 0
