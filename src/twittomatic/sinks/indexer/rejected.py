"""The posts that the server will never take, kept with its reasons."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import msgspec

from twittomatic.storage.errors import translate_errors

_encode = msgspec.json.Encoder().encode


class RefusedPost(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A post that is not in the index.

    Attributes:
        at: When it was refused, RFC 3339 UTC.
        author_id: Whose timeline it is in.
        id: Its own, empty where it has none.
        status: What the server answered; 0 where it was not asked, since the line is no post.
        reason: Why, in the server's words or ours.
        text: The document, or the line, as it was.
    """

    at: str
    author_id: str
    id: str = ""
    status: int = 0
    reason: str
    text: str


class RejectedPosts:
    """A file of them, one JSON object a line. One that comes again stands there again.

    Args:
        path: Created with the first one.

    Attributes:
        count: How many were added.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.count = 0

    def append(self, posts: Sequence[RefusedPost]) -> None:
        """Write posts, durable on return; blocks meanwhile.

        Raises:
            StorageUnavailable: the file cannot be written.
        """
        text = b"".join([_encode(post) + b"\n" for post in posts])
        with translate_errors(self.path), self.path.open("ab") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        self.count += len(posts)
