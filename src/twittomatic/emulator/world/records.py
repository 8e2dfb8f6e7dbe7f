"""Parser of recorded users and posts in either dialect, one JSON object per line."""

import codecs
import gzip
import json as python_json
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from ..x.fields import to_legacy
from .base import Post, User

Json = dict[str, Any]

_ADDED_BY_READERS = frozenset({"__twarc", "author", "in_reply_to_user"})


def read_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Yield the non-blank lines of a file, gzip or plain, with their numbers from 1.

    Raises:
        ValueError: The gzip is broken; names the file.
        OSError: The file cannot be read.
    """
    try:
        with path.open("rb") as plain:
            zipped = plain.read(2) == b"\x1f\x8b"
        with gzip.open(path) if zipped else path.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                text = line.removeprefix(codecs.BOM_UTF8) if number == 1 else line
                if text.strip():
                    yield number, text
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise ValueError(f"{path}: broken gzip ({error})") from error


def read_objects(path: Path) -> Iterator[tuple[str, Json]]:
    """Yield the JSON objects of a file, each with a description of its line for error messages.

    Raises:
        ValueError: A line is not a JSON object; names the file and the line.
        OSError: The file cannot be read.
    """
    for number, line in read_lines(path):
        place = f"{path}, line {number}"
        try:
            found = _decoded(line)
        except UnicodeDecodeError as error:
            raise ValueError(f"{place}: byte {error.start + 1} is not UTF-8") from error
        except (ValueError, RecursionError) as error:
            raise ValueError(f"{place}: expected a JSON object ({error})") from error
        yield place, found


def _decoded(line: bytes) -> Json:
    """Return the object of a line, with lone surrogates replaced.

    Raises:
        UnicodeDecodeError: The line is not UTF-8.
        ValueError: The line is not a JSON object.
    """
    text = line.decode()
    try:
        return msgspec.json.decode(text, type=dict[str, Any])
    except msgspec.DecodeError:
        if "\\u" not in text:
            raise
        loose = python_json.dumps(python_json.loads(text), ensure_ascii=False)
        whole = loose.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        return msgspec.json.decode(whole, type=dict[str, Any])


@contextmanager
def record_errors(place: str) -> Iterator[None]:
    """Turn the exceptions of parsing a malformed record into a ValueError.

    Raises:
        ValueError: The record is not a user, post or page in X's format; names the line.
    """
    try:
        yield
    except KeyError as error:
        raise ValueError(f"{place}: not a record in X's format, which has a field {error}") from error
    except (TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"{place}: not a record in X's format; a field has the wrong type") from error


def parse_user(place: str, json: Json) -> User:
    """Return a recorded user object.

    Raises:
        ValueError: It has no valid id or username; names the line.
    """
    fields = to_legacy(json)
    user_id = _id(place, fields.get("id"), "user")
    username = fields.get("username")
    if not isinstance(username, str) or not username:
        raise ValueError(f"{place}: the user {user_id} has no username")
    return User(
        id=user_id,
        username=username,
        status="protected" if fields.get("protected") is True else "active",
        fields={"name": username, **fields, "id": str(user_id)},
    )


def parse_post(place: str, json: Json) -> Post:
    """Return a recorded post object, without objects that a reader embedded from the includes.

    Raises:
        ValueError: It has no valid id or author; names the line.
    """
    fields = to_legacy({name: value for name, value in json.items() if name not in _ADDED_BY_READERS})
    post_id = _id(place, fields.get("id"), "post")
    author = fields.get("author_id") or (json.get("author") or {}).get("id")
    author_id = _id(place, author, "author")
    if "referenced_tweets" in fields:
        fields["referenced_tweets"] = [
            {"type": reference["type"], "id": str(reference["id"])}
            for reference in fields["referenced_tweets"]
        ]
    if "media" in fields.get("attachments", {}):
        fields["attachments"] = {k: v for k, v in fields["attachments"].items() if k not in ("media", "poll")}
    entities = fields.get("entities", {})
    if "mentions" in entities:
        mentions = [_only(m, "start", "end", "username", "id") for m in entities["mentions"]]
        fields["entities"] = {**entities, "mentions": mentions}
    if "place_id" in fields.get("geo", {}):
        fields["geo"] = _only(fields["geo"], "place_id", "coordinates")
    fields.setdefault("edit_history_tweet_ids", [str(post_id)])
    fields |= {"id": str(post_id), "author_id": str(author_id)}
    fields.setdefault("text", "")
    return Post(id=post_id, author_id=author_id, fields=fields)


def _only(json: Json, *names: str) -> Json:
    return {name: json[name] for name in names if name in json}


def _id(place: str, value: object, what: str) -> int:
    text = str(value)
    if not text.isascii() or not text.isdigit() or len(text) > 19:
        raise ValueError(f"{place}: expected the {what}'s id, found {value!r}")
    return int(text)
