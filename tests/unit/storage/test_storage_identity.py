"""The id of a dataset: created once by the first process that asks, and lost only with the directory."""

import errno
import os
import shutil
import threading
from pathlib import Path

import pytest

from twittomatic.errors import SettingsError, StorageUnavailable
from twittomatic.storage.identity import FILE, claim, identity
from twittomatic.storage.paths import Layout


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    layout = Layout(tmp_path / "data", tmp_path / "data" / ".tmp")
    layout.prepare()
    return layout


def test_concurrent_requests_get_the_same_answer(layout: Layout) -> None:
    found: list[str] = []
    barrier = threading.Barrier(16)

    def ask() -> None:
        barrier.wait()
        found.append(identity(layout))

    threads = [threading.Thread(target=ask) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 16
    assert len(set(found)) == 1
    assert [path.name for path in layout.output.iterdir() if path.name.startswith(FILE)] == [FILE]


def test_it_goes_where_the_dataset_goes_and_differs_from_others(layout: Layout, tmp_path: Path) -> None:
    mine = identity(layout)
    moved = Path(shutil.copytree(layout.output, tmp_path / "moved"))
    assert identity(Layout(moved, moved / ".tmp")) == mine
    another = Layout(tmp_path / "another", tmp_path / "another" / ".tmp")
    another.prepare()
    assert identity(another) != mine


def test_a_file_system_without_hard_links_will_do(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    assert identity(layout) == identity(layout)


@pytest.mark.parametrize("content", ["", "nonsense", "0" * 33, "0" * 5_000, "0" * 32 + "\ntoy\x1b[31m\n"])
def test_a_file_of_another_kind_is_reported(layout: Layout, content: str) -> None:
    (layout.output / FILE).write_text(content)
    for use in (identity, lambda of: claim(of, "x"), lambda of: claim(of, "toy")):
        with pytest.raises(StorageUnavailable, match="does not hold the id of the dataset"):
            use(layout)
    assert (layout.output / FILE).read_text() == content


def test_where_no_crawl_wrote_none_is_made(tmp_path: Path) -> None:
    with pytest.raises(StorageUnavailable, match="no crawl wrote here"):
        identity(Layout(tmp_path, tmp_path / ".tmp"))
    assert list(tmp_path.iterdir()) == []


def test_a_dataset_of_x_names_no_network(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "data", tmp_path / "data" / ".tmp")
    claim(layout, "x")
    layout.prepare()
    claim(layout, "x")
    assert not (layout.output / ".dataset").exists()
    (layout.journals / "default.local.jsonl").write_text("")
    with pytest.raises(SettingsError, match=r"holds a dataset of the network x, .*another directory for toy"):
        claim(layout, "toy")


def test_a_dataset_of_another_network_names_it_from_its_beginning(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "data", tmp_path / "data" / ".tmp")
    claim(layout, "toy")  # nobody has written there: nothing is made
    assert not layout.output.exists()
    layout.prepare()
    claim(layout, "toy")
    claim(layout, "toy")
    found = identity(layout)
    assert (layout.output / ".dataset").read_text() == f"{found}\ntoy\n"
    with pytest.raises(SettingsError, match="holds a dataset of the network toy"):
        claim(layout, "x")
