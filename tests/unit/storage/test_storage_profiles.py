"""Profiles in the dataset, from any followers page."""

import os
from pathlib import Path

from twittomatic.storage.formats import member
from twittomatic.storage.paths import Layout
from twittomatic.storage.profiles import find_profiles


def write(layout: Layout, user_id: str, *lines: bytes, at: float) -> Path:
    path = layout.file(user_id, "usr")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(member(lines))
    os.utime(path, (at, at))
    return path


def found(layout: Layout, user_ids: list[str]) -> dict[str, bytes]:
    return {one.user_id: one.record for one in find_profiles(layout, user_ids)}


def test_the_newest_profile_is_found_and_the_rest_is_missing(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "data", tmp_path / "tmp")
    write(layout, "11", b'{"id":"1","name":"old"}', b'{"id":"2"}', at=1000)
    write(layout, "22", b'{"id":"1","name":"new"}', at=2000)
    assert found(layout, ["1", "2", "3"]) == {
        "1": b'{"id":"1","name":"new"}',
        "2": b'{"id":"2"}',
    }
    assert found(layout, []) == {}


def test_a_broken_file_is_passed_over(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "data", tmp_path / "tmp")
    write(layout, "11", b'{"id":"1"}', at=1000)
    write(layout, "22", b'{"id":"2"}', b"no JSON", at=2000)
    torn = write(layout, "33", b'{"id":"3"}', at=3000)
    torn.write_bytes(torn.read_bytes()[:-5])
    assert found(layout, ["1", "2", "9"]) == {"1": b'{"id":"1"}', "2": b'{"id":"2"}'}


def test_without_a_dataset_no_user_is_found(tmp_path: Path) -> None:
    assert found(Layout(tmp_path / "data", tmp_path / "tmp"), ["1"]) == {}
    assert not (tmp_path / "data").exists()


def test_a_profile_is_found_with_the_time_at_which_it_came(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "data", tmp_path / "tmp")
    path = write(layout, "11", b'{"id":"1"}', at=3000)
    path.write_bytes(
        member([b'{"id":"1"}'], at=1000) + member([b'{"id":"2"}'], at=2000.9) + path.read_bytes()
    )
    assert [(one.user_id, one.came_at) for one in find_profiles(layout, ["1", "2"])] == [
        ("1", 1000),
        ("2", 2000),
    ]
