"""A world read from recorded response pages of the X API v2.

A page is a JSON object with data, includes, errors and meta, as stored by twarc. Errors about users
who could not be shown are kept, too: a suspended user is suspended in this world.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .base import AttachmentKind, Post, Status, User
from .recorded import RecordedWorld, placeholder_user
from .records import Json, parse_post, parse_user, read_objects, record_errors

_KEYS: tuple[tuple[AttachmentKind, str], ...] = (("media", "media_key"), ("polls", "id"), ("places", "id"))


def read_pages(path: Path) -> RecordedWorld:
    """Read a file of recorded pages, gzip or plain, one per line.

    Pages do not say whose followers they list, so there are no follows in this world.

    Raises:
        ValueError: A line is not a page, or all pages are empty; names the file and the line.
        OSError: The file cannot be read.
    """
    users: dict[int, User] = {}
    posts: dict[int, Post] = {}
    attachments: dict[AttachmentKind, dict[str, Json]] = {kind: {} for kind, _ in _KEYS}
    hidden: dict[str, Status] = {}
    for place, recorded in read_objects(path):
        with record_errors(place):
            page = _without_nulls(recorded)
            for json in _objects(page):
                if "username" in json and "text" not in json:
                    user = parse_user(place, json)
                    users[user.id] = user
                else:
                    post = parse_post(place, json)
                    posts[post.id] = post
            for kind, key in _KEYS:
                for json in page.get("includes", {}).get(kind, ()):
                    attachments[kind][str(json[key])] = json
            for error in page.get("errors", ()):
                if error.get("resource_type") == "user" and "value" in error:
                    hidden[str(error["value"])] = _hidden_status(error)
    for value, status in hidden.items():
        _hide(users, value, status)
    if not users and not posts:
        raise ValueError(f"{path}: no users and no posts in these pages")
    return RecordedWorld(users=users.values(), posts=posts.values(), attachments=attachments)


def _without_nulls(value: Any) -> Any:
    """Return a JSON value without null fields and null elements."""
    if isinstance(value, dict):
        return {name: _without_nulls(field) for name, field in value.items() if field is not None}
    if isinstance(value, list):
        return [_without_nulls(element) for element in value if element is not None]
    return value


def _objects(page: Json) -> Iterator[Json]:
    data: list[Json] | Json = page.get("data", [])
    yield from [data] if isinstance(data, dict) else data
    includes: dict[str, list[Json]] = page.get("includes", {})
    for name in ("users", "tweets", "posts"):
        yield from includes.get(name, ())


def _hidden_status(error: Json) -> Status:
    # The type is the same for suspended and missing users; only the text distinguishes them.
    if str(error.get("type", "")).endswith("not-authorized-for-resource"):
        return "protected"
    return "suspended" if "suspended" in str(error.get("detail", "")) else "deleted"


def _hide(users: dict[int, User], value: str, status: Status) -> None:
    """Record the status of a user whose profile is not in the pages, only an id or a name."""
    if value.isascii() and value.isdigit() and len(value) <= 19:
        user_id = int(value)
        if user_id not in users:
            known = placeholder_user(user_id)
            users[user_id] = User(id=user_id, username=known.username, status=status, fields=known.fields)
    elif not any(user.username.lower() == value.lower() for user in users.values()):
        user_id = 10**19 - 1 - len(users)  # no page has the id; this one is unused
        fields = {"id": str(user_id), "name": value, "username": value}
        users[user_id] = User(id=user_id, username=value, status=status, fields=fields)
