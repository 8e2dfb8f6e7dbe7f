import gzip
import json
import re
from pathlib import Path

import pytest

from recorded import PAGES, pages
from twittomatic.emulator.world.pages import read_pages

PAGE = {
    "data": [{"id": "100", "author_id": "1", "text": "a"}, {"id": "101", "author_id": "1", "text": "b"}],
    "includes": {
        "users": [{"id": "1", "name": "One", "username": "one"}],
        "posts": [{"id": "50", "author_id": "2", "text": "c"}],
        "media": [{"media_key": "3_1", "type": "photo"}],
    },
    "errors": [
        {"value": "gone", "resource_type": "user", "detail": "User has been suspended: [gone]."},
        {"value": "9", "resource_type": "user", "detail": "Could not find user with ids: [9]."},
        {"value": "one", "resource_type": "user", "detail": "Could not find user with ids: [one]."},
    ],
    "meta": {"result_count": 2},
}


def test_pages_become_users_and_posts(tmp_path: Path) -> None:
    path = tmp_path / "pages.jsonl"
    path.write_text(json.dumps(PAGE) + "\n" + json.dumps({"data": {"id": "3", "name": "T", "username": "t"}}))
    world = read_pages(path)
    assert world.all_posts(1) == [101, 100]
    assert world.all_posts(2) == [50]
    assert world.user_by_name("T") == world.user(3)
    assert world.user_by_name("gone").status == "suspended"  # type: ignore[union-attr]
    assert world.user(9).status == "deleted"  # type: ignore[union-attr]
    assert world.user(1).status == "active"  # type: ignore[union-attr]
    assert world.attachment("media", "3_1") is not None
    assert world.all_followers(1) == []


@pytest.mark.parametrize("line", ['{"data": 5}', '{"data": [5]}', '{"data": [{"id": "1"}]}', "[]", "{}"])
def test_what_is_no_page_is_refused_with_its_place(tmp_path: Path, line: str) -> None:
    path = tmp_path / "pages.jsonl"
    path.write_text(line)
    with pytest.raises(ValueError, match=r"pages\.jsonl"):
        read_pages(path)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b'"data": [', b'"data": [null, '),
        (b'"includes": {', b'"includes": {"tweets": null, "polls": null, '),
        (b'"meta": {"result_count": 2}', b'"meta": null'),
        (b'"text": "a"', b'"text": "a", "entities": null, "attachments": {"media_keys": [null]}'),
        (b'"text": "a"', rb'"text": "a\ud83d"'),
        (b'"name": "One"', rb'"name": "\udc00One"'),
        (b'{"data"', b'\xef\xbb\xbf{"data"'),
    ],
)
@pytest.mark.parametrize("zipped", [False, True])
def test_what_the_crawler_reads_is_read(tmp_path: Path, before: bytes, after: bytes, zipped: bool) -> None:
    path = tmp_path / "pages.jsonl"
    line = json.dumps(PAGE).encode()
    assert before in line
    changed = line.replace(before, after, 1)
    path.write_bytes(gzip.compress(changed) if zipped else changed)
    world = read_pages(path)
    assert world.all_posts(1) == [101, 100]
    json.dumps(world.post(100).fields, ensure_ascii=False).encode()  # type: ignore[union-attr]
    json.dumps(world.user(1).fields, ensure_ascii=False).encode()  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b'{"data": [{"id": "1", "text": "\xe9"}]}', "line 2: byte 32 is not UTF-8"),
        (b'\xff\xfe{"data": []}', "line 2: byte 1 is not UTF-8"),
        (b'{"data": [{"username": "a"}]}', "line 2: "),
        (
            b'{"includes": {"media": [{}]}}',
            "line 2: not a record in X's format, which has a field 'media_key'",
        ),
        (b'{"includes": []}', "line 2: not a record in X's format; a field has the wrong type"),
        (b"[" * 100_000, "line 2: expected a JSON object"),
    ],
)
def test_a_line_that_cannot_be_read_is_named(tmp_path: Path, line: bytes, said: str) -> None:
    path = tmp_path / "pages.jsonl"
    path.write_bytes(json.dumps(PAGE).encode() + b"\n" + line)
    with pytest.raises(ValueError, match=re.escape(f"{path}, {said}")) as refused:
        read_pages(path)
    assert "Error(" not in str(refused.value)


def test_every_recorded_page_is_served_back() -> None:
    world = read_pages(PAGES)
    for page in pages():
        for post in page["data"]:
            served = world.post(int(post["id"]))
            assert served is not None
            assert served.fields["text"] == post["text"]
            assert int(post["id"]) in world.all_posts(int(post["author_id"]))
        for user in page["includes"]["users"]:
            assert world.user_by_name(user["username"]).id == int(user["id"])  # type: ignore[union-attr]
