import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from twittomatic.emulator.world.dataset import read_dataset


def write(root: Path, name: str, *lines: str | dict[str, Any]) -> None:
    path = root / name
    path.parent.mkdir(exist_ok=True)
    text = "".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines)
    path.write_bytes(gzip.compress(text.encode()))


AUTHOR = {"id": "22013880", "name": "Pisa", "username": "Pisa"}
POST = {
    "id": "9000000000000000002",
    "text": "RT @x: hi",
    "author_id": "22013880",
    "author": AUTHOR,
    "attachments": {"media_keys": ["3_1"], "media": [{"media_key": "3_1", "type": "photo"}]},
    "geo": {"place_id": "p1", "full_name": "Pisa, Italy"},
    "entities": {"mentions": [{"start": 3, "end": 5, "username": "x", "id": "7", "name": "X"}]},
    "referenced_tweets": [
        {
            "type": "retweeted",
            "id": "5",
            "text": "hi",
            "author_id": "7",
            "author": {"id": "7", "name": "X", "username": "x"},
        }
    ],
    "__twarc": {"version": "2"},
}


def test_what_a_crawl_left_is_served_back(tmp_path: Path) -> None:
    write(tmp_path, "22/22013880.fws", "7", "", "8", "9")
    write(tmp_path, "22/22013880.usr", {"id": "8", "name": "E", "username": "eight", "protected": True})
    write(tmp_path, "22/22013880.twt", POST, {"id": "9000000000000000001", "text": "older"})
    for foreign in ("journal/2026.jsonl", "journal/22.fws", "22/22013880.fws.part", "22/notes.twt"):
        write(tmp_path, foreign, "not ours")
    world = read_dataset(tmp_path)
    assert world.all_followers(22013880) == [7, 8, 9]
    assert world.all_following(9) == [22013880]
    assert [world.user(i).status for i in (7, 8, 9)] == ["active", "protected", "active"]  # type: ignore[union-attr]
    assert world.user_by_name("EIGHT") == world.user(8)
    assert world.user_by_name("pisa") == world.user(22013880)
    assert world.user(9).username == "u_9"  # type: ignore[union-attr]
    assert world.all_posts(22013880) == [9000000000000000002, 9000000000000000001]
    assert world.all_posts(7) == [5]
    newest = world.posts(22013880, 0, 1)[0].fields
    assert newest["referenced_tweets"] == [{"type": "retweeted", "id": "5"}]
    assert newest["attachments"] == {"media_keys": ["3_1"]}
    assert newest["geo"] == {"place_id": "p1"}
    assert newest["entities"]["mentions"] == [{"start": 3, "end": 5, "username": "x", "id": "7"}]
    assert not newest.keys() & {"author", "__twarc"}
    assert world.attachment("media", "3_1") == {"media_key": "3_1", "type": "photo"}
    assert world.attachment("places", "p1") == {"id": "p1", "full_name": "Pisa, Italy"}
    assert world.attachment("polls", "1") is None


def test_the_newer_dialect_is_read_too(tmp_path: Path) -> None:
    user = {"id": "8", "username": "eight", "pinned_post_id": "5", "public_metrics": {"post_count": 3}}
    write(tmp_path, "22/22.usr", user)
    write(tmp_path, "22/22.twt", {"id": "3", "text": "t", "note_post": {"text": "long"}})
    world = read_dataset(tmp_path)
    assert world.user(8).fields["public_metrics"] == {"tweet_count": 3}  # type: ignore[union-attr]
    assert world.user(8).fields["pinned_tweet_id"] == "5"  # type: ignore[union-attr]
    assert world.post(3).fields["note_tweet"] == {"text": "long"}  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("name", "line", "why"),
    [
        ("22/22.fws", "x7", "line 2: expected a user id"),
        ("22/22.usr", "{", "line 2: expected a JSON object"),
        ("22/22.usr", '{"username": "a"}', "line 2: expected the user's id"),
        ("22/22.usr", '{"id": "7"}', "line 2: the user 7 has no username"),
        ("22/22.twt", '{"id": "x"}', "line 2: expected the post's id"),
        ("22/22.twt", '{"id": "1", "referenced_tweets": [3]}', "line 2: not a record in X's format"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, name: str, line: str, why: str) -> None:
    write(tmp_path, name, "", line)
    with pytest.raises(ValueError, match=f"{name.replace('.', '[.]')}, {why}"):
        read_dataset(tmp_path)


def test_a_directory_without_a_dataset_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"no \.fws, \.twt or \.usr files"):
        read_dataset(tmp_path)
    with pytest.raises(ValueError, match="no such directory"):
        read_dataset(tmp_path / "nowhere")
