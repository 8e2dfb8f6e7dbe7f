from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest

from twittomatic.dataset import Dataset, open
from twittomatic.errors import CorruptFile, SettingsError, TwittomaticError, UserNotFound
from twittomatic.settings import Settings
from twittomatic.storage.formats import member
from twittomatic.storage.paths import Layout

LARGEST = 2**63 - 1


def test_all_files_are_read(layout: Layout) -> None:
    dataset = open(str(layout.output))

    assert dataset.users().dtype == dataset.followers(22).dtype == np.int64
    assert dataset.users().tolist() == [7, 22, 100]
    assert dataset.followers(22).tolist() == [3, LARGEST]
    assert dataset.followers(7).dtype == np.int64
    assert dataset.followers(7).tolist() == []
    assert [profile["id"] for profile in dataset.profiles(22)] == ["3", "22"]
    assert [profile["id"] for profile in dataset.profiles()] == ["3", "22", "100"]
    assert list(dataset.posts(22)) == [{"id": "9", "n": 1.5}, {"id": "8"}]
    assert [post["id"] for post in dataset.posts()] == ["1", "9", "8"]


def test_a_dataset_and_settings_travel_to_other_processes(layout: Layout) -> None:
    assert pickle.loads(pickle.dumps(open(layout.output))).followers(22).tolist() == [3, LARGEST]
    settings = Settings(output_directory=layout.output, budget_usd=25)
    assert pickle.loads(pickle.dumps(settings)) == settings


@pytest.mark.parametrize("user", [22, np.int64(22), "22", "022", "@Ada", "@ADA"])
def test_a_user_is_given_by_number_text_or_name(layout: Layout, user: int | str) -> None:
    assert open(layout.output).followers(user).tolist() == [3, LARGEST]


def test_names_are_found_in_bought_profiles_too(layout: Layout) -> None:
    assert [post["id"] for post in open(layout.output).posts("@grace")] == ["1"]


def test_a_name_is_that_of_the_user_who_had_it_last(layout: Layout) -> None:
    layout.bought("later").write_bytes(member([b'{"id":"22","username":"grace"}']))

    assert len(list(open(layout.output).posts("@grace"))) == 2


@pytest.mark.parametrize("record", [b'{"id":"../22","username":"eve"}', b'{"username":"eve"}', b'"eve"'])
def test_a_profile_that_is_none_is_corrupt(layout: Layout, record: bytes) -> None:
    layout.bought("hostile").write_bytes(member([record]))

    with pytest.raises(CorruptFile, match=r"hostile.*line 1 is not a profile"):
        open(layout.output).posts("@eve")


def test_an_unknown_user_is_a_key_error_with_a_sentence(layout: Layout) -> None:
    dataset = open(layout.output)

    with pytest.raises(KeyError) as caught:
        dataset.posts(7)
    assert isinstance(caught.value, TwittomaticError)
    assert str(caught.value).endswith("7/7.twt: the dataset has no timeline of user 7.")
    with pytest.raises(UserNotFound, match="no list of followers of user 100"):
        dataset.followers("100")
    with pytest.raises(UserNotFound, match=r"no list of followers of @grace \(user 100\)"):
        dataset.followers("@grace")
    with pytest.raises(UserNotFound, match=r"@nobody: no profile in .* has this name"):
        dataset.followers("@nobody")
    for user in ("../7", "ada", "", "@", "1.0", "٣", "9" * 20):
        with pytest.raises(UserNotFound, match="is not a user: give an id, or a screen name"):
            dataset.profiles(user)
    with pytest.raises(UserNotFound, match="is not a user"):
        dataset.followers(-1)


def test_a_user_id_is_never_a_float(layout: Layout) -> None:
    with pytest.raises(TypeError, match=r"^22\.0 is not a user: give an id .* pandas makes floats"):
        open(layout.output).followers(22.0)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"^True is not a user: give an id as a whole number or as text"):
        open(layout.output).followers(True)
    with pytest.raises(TypeError, match=r"^\[22\] is not a user"):
        open(layout.output).followers([22])  # type: ignore[arg-type]


def test_a_directory_of_other_files_is_no_dataset(tmp_path: Path) -> None:
    (tmp_path / ".DS_Store").touch()
    assert open(tmp_path).users().tolist() == [], "a new OUTPUT_DIRECTORY"
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(SettingsError, match="no crawl wrote here; name the OUTPUT_DIRECTORY of a crawl"):
        open(tmp_path)
    (tmp_path / "22").mkdir()
    assert open(tmp_path).users().tolist() == []


def test_a_missing_directory_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="none: there is no such directory; name the OUTPUT_DIRECTORY"):
        open(tmp_path / "none")
    (tmp_path / "file").touch()
    with pytest.raises(SettingsError):
        Dataset(tmp_path / "file")


def test_an_empty_directory_has_no_users(tmp_path: Path) -> None:
    dataset = open(tmp_path)

    assert dataset.users().tolist() == list(dataset.edges()) == []
    assert list(dataset.profiles()) == list(dataset.posts()) == list(dataset.completeness()) == []


@pytest.mark.parametrize("line", [b"[]", b"{", b"1", b'{"id":"\xff"}'])
def test_a_record_that_is_no_object_is_corrupt(layout: Layout, line: bytes) -> None:
    layout.file("22", "twt").write_bytes(member([b'{"id":"1"}', line]))

    with pytest.raises(CorruptFile, match="line 2 is not a JSON object"):
        list(open(layout.output).posts("22"))


def test_an_id_beyond_int64_is_corrupt(layout: Layout) -> None:
    layout.file("22", "fws").write_bytes(member([b"3", b"9" * 19]))

    with pytest.raises(CorruptFile, match=f"22.fws: a line is not a user id, which is at most {LARGEST}"):
        open(layout.output).followers(22)


def test_a_file_named_by_an_id_beyond_int64_is_corrupt(layout: Layout) -> None:
    path = layout.file("9" * 19, "fws")
    path.parent.mkdir()
    path.write_bytes(member([]))
    dataset = open(layout.output)

    with pytest.raises(CorruptFile, match="its name is not a user id"):
        dataset.users()
    with pytest.raises(CorruptFile, match="its name is not a user id"):
        list(dataset.edges())
