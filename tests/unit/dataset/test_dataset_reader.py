from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from twittomatic.dataset import Dataset
from twittomatic.errors import CorruptFile, SettingsError
from twittomatic.model import Ending, Module
from twittomatic.storage.formats import member
from twittomatic.storage.journal import Entry, Journal
from twittomatic.storage.paths import Layout


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    layout = Layout(tmp_path, tmp_path / ".tmp")
    layout.prepare()
    for user_id, ext, lines in [
        ("22", "fws", [b"3", b"9" * 19]),
        ("22", "usr", [b'{"id":"3","name":"\xc3\xa9"}']),
        ("22", "twt", [b'{"id":"9","n":1.5}', b'{"id":"8"}']),
        ("7", "fws", []),
        ("100", "twt", [b'{"id":"1"}']),
    ]:
        path = layout.file(user_id, ext)
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"".join(member([line]) for line in lines) or member([]))
    return layout


def test_everything_that_was_written_is_read(layout: Layout) -> None:
    dataset = Dataset(str(layout.output))

    assert dataset.users() == ["7", "22", "100"]
    assert dataset.followers("22").tolist() == [3, int("9" * 19)]
    assert dataset.followers("7").dtype == np.uint64
    assert dataset.followers("7").tolist() == []
    assert list(dataset.profiles("22")) == [{"id": "3", "name": "é"}]
    assert list(dataset.posts("22")) == [{"id": "9", "n": 1.5}, {"id": "8"}]
    assert [(target, ids.tolist()) for target, ids in dataset.edges()] == [
        ("22", [3, int("9" * 19)]),
        ("7", []),
    ]


def test_the_journal_is_read(layout: Layout) -> None:
    entry = Entry(
        file=None,
        module=Module.TIMELINE,
        user_id="5",
        began_at="2026-01-31T12:00:00Z",
        ended_at="2026-01-31T12:00:02Z",
        ending=Ending.UNAVAILABLE,
        reason="suspended",
        worker="w",
    )
    journal = Journal(layout.journal("w"))
    journal.append(entry)
    journal.close()

    assert list(Dataset(layout.output).journal()) == [entry]


def test_a_missing_directory_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="none: there is no such directory; name the OUTPUT_DIRECTORY"):
        Dataset(tmp_path / "none")
    (tmp_path / "file").touch()
    with pytest.raises(SettingsError):
        Dataset(tmp_path / "file")


def test_an_empty_directory_has_no_users(tmp_path: Path) -> None:
    dataset = Dataset(tmp_path)

    assert dataset.users() == list(dataset.edges()) == list(dataset.journal()) == []


def test_a_user_who_was_not_crawled_is_named(layout: Layout) -> None:
    dataset = Dataset(layout.output)

    with pytest.raises(SettingsError, match="there is no timeline file of user 7"):
        dataset.posts("7")
    with pytest.raises(SettingsError, match="there is no followers file of user 100"):
        dataset.followers("100")
    with pytest.raises(SettingsError, match=r"'\.\./7' is not a user id"):
        dataset.profiles("../7")


@pytest.mark.parametrize("line", [b"[]", b"{", b"1", b'{"id":"\xff"}'])
def test_a_record_that_is_no_object_is_corrupt(layout: Layout, line: bytes) -> None:
    layout.file("22", "twt").write_bytes(member([b'{"id":"1"}', line]))

    with pytest.raises(CorruptFile, match="line 2 is not a JSON object"):
        list(Dataset(layout.output).posts("22"))
