from __future__ import annotations

from pathlib import Path

import pytest

from twittomatic.errors import StorageUnavailable
from twittomatic.storage.paths import Layout

LAYOUT = Layout(Path("data"), Path("data/.tmp"))


@pytest.mark.parametrize(
    ("user_id", "path"),
    [
        ("7", "data/7/7.fws"),
        ("22", "data/22/22.fws"),
        ("22013880", "data/22/22013880.fws"),
        ("9" * 19, f"data/99/{'9' * 19}.fws"),
    ],
)
def test_a_file_is_in_the_directory_of_the_first_two_characters_of_its_user(user_id: str, path: str) -> None:
    assert LAYOUT.file(user_id, "fws") == Path(path)
    assert LAYOUT.relative(LAYOUT.file(user_id, "fws")) == path.removeprefix("data/")


@pytest.mark.parametrize("user_id", ["", "-1", "1" * 20, "../1", "1\n", "١٢", "1/2", "1.fws", "1\0", " 1"])
def test_a_hostile_id_names_no_file(user_id: str) -> None:
    with pytest.raises(ValueError, match="is not a user id"):
        LAYOUT.file(user_id, "fws")


def test_an_unknown_extension_names_no_file() -> None:
    with pytest.raises(ValueError, match="fws, usr, twt"):
        LAYOUT.file("1", "../x")


def test_parts_and_journals_have_a_name_per_attempt_and_process() -> None:
    assert LAYOUT.part("default", "timeline-7-1", "twt") == Path("data/.tmp/default/timeline-7-1.twt")
    assert LAYOUT.journal("host.example-3") == Path("data/journal/host.example-3.jsonl")


@pytest.mark.parametrize("name", ["", ".", "..", "../x", "a/b", ".hidden", "a\n", "x" * 201])
def test_a_hostile_name_leaves_no_directory(name: str) -> None:
    for attempt in (
        lambda: LAYOUT.part(name, "stem", "fws"),
        lambda: LAYOUT.part("crawl", name, "fws"),
        lambda: LAYOUT.journal(name),
    ):
        with pytest.raises(ValueError, match="cannot name a file"):
            attempt()


def test_files_are_listed_in_order_and_foreign_ones_passed_over(layout: Layout) -> None:
    ours = [layout.file(user_id, "fws") for user_id in ("7", "70", "71", "700", "8")]
    foreign = [
        layout.output / "70" / "71.fws",  # in another one's directory
        layout.output / "70" / "70x.fws",
        layout.output / "70" / "70.fws.gz",
        layout.output / "70" / "70.FWS",
        layout.output / "70" / f"70{'0' * 18}.fws",
        layout.output / "x" / "7.fws",
        layout.output / "700" / "700.fws",
        layout.output / "7.fws",
        layout.file("7", "usr"),
        layout.part("crawl", "7", "fws"),
    ]
    for path in [*ours, *foreign]:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (layout.output / "70" / "701.fws").mkdir()
    (layout.output / "70" / "702.fws").symlink_to("702.fws")
    (layout.output / "9").write_text("a file where a directory should be")

    assert list(layout.files("fws")) == sorted(ours)


def test_a_missing_dataset_cannot_be_listed(tmp_path: Path) -> None:
    with pytest.raises(StorageUnavailable, match="no such file or directory"):
        list(Layout(tmp_path / "none", tmp_path).files("fws"))


def test_only_crawls_write_into_the_directories_of_a_dataset(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "data", tmp_path / "tmp")
    layout.prepare()
    (tmp_path / "link").symlink_to("data/22")

    ours = ["22/22.fws", "journal/w.jsonl", "targets/x.jsonl.gz", ".graph/x", "7/n/x", "set-aside/x"]
    assert [name for name in ours if not layout.owns(layout.output / name)] == []
    assert layout.owns(tmp_path / "link" / "22.fws")
    others = [layout.output / "edges.csv", layout.output / "tables" / "edges.csv", tmp_path / "22" / "x"]
    assert [path for path in [*others, layout.output] if layout.owns(path)] == []
