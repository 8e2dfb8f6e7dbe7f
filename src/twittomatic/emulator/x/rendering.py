"""Encoding of the world's objects as JSON."""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from ..world.base import Post, User, World
from .billing import Resource
from .fields import FieldSelection, show
from .problems import Problem

MAX_CACHED = 65_536

_encode = msgspec.json.Encoder().encode


class Charge(msgspec.Struct, frozen=True, kw_only=True):
    """Resources in a response, for which it is charged."""

    resource: Resource
    ids: Sequence[int]


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """A successful response, before it is charged.

    Attributes:
        body: The JSON.
        charges: The resources it contains.
        page: For lists, a key that is equal for two requests for the same page.
    """

    body: bytes
    charges: tuple[Charge, ...] = ()
    page: str | None = None


class Renderer:
    """Encodes users and posts as JSON, and caches users for each field selection.

    Args:
        world: The world of the objects.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self._revision = world.revision
        self._written: dict[object, dict[int, bytes]] = {}

    def users(self, selection: FieldSelection, ids: Sequence[int]) -> list[bytes]:
        """Return one JSON object per id; empty bytes for users that X does not show."""
        if self._revision != self.world.revision:
            self._revision = self.world.revision
            self._written.clear()
        written = self._written.setdefault((selection.dialect, selection.user_fields), {})
        missing = [user_id for user_id in ids if user_id not in written]
        if missing:
            if len(written) + len(missing) > MAX_CACHED:
                written.clear()
                missing = list(ids)
            for user_id, user in zip(missing, self.world.users(missing), strict=True):
                written[user_id] = self.user(selection, user) if user and user.visible else b""
        return [written[user_id] for user_id in ids]

    def user(self, selection: FieldSelection, user: User) -> bytes:
        """Return the JSON object of a user."""
        return _encode(show(selection, selection.user_fields, user.fields))

    def post(self, selection: FieldSelection, post: Post) -> bytes:
        """Return the JSON object of a post."""
        return _encode(show(selection, selection.post_fields, post.fields))


def array(items: Iterable[bytes]) -> bytes:
    """Join JSON values into a JSON array."""
    return b"[%b]" % b",".join(items)


def document(
    *,
    data: bytes = b"",
    includes: bytes = b"",
    errors: Sequence[Problem] = (),
    meta: dict[str, Any] | None = None,
) -> bytes:
    """Assemble a response; empty sections are omitted (X docs, fundamentals/consistency)."""
    parts = []
    if data:
        parts.append(b'"data":' + data)
    if includes:
        parts.append(b'"includes":' + includes)
    if errors:
        parts.append(b'"errors":' + _encode(errors))
    if meta is not None:
        parts.append(b'"meta":' + _encode(meta))
    return b"{%b}" % b",".join(parts)
