"""Dead-letter file of the posts that the server will never accept, with its reasons."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import msgspec

from twittomatic.storage.errors import translate_errors

_encode = msgspec.json.Encoder().encode


class RejectedPost(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A post that is not in the index.

    Attributes:
        at: When it was rejected, RFC 3339 UTC.
        author_id: The owner of the timeline.
        id: The post's id, empty if it has none.
        status: The server's status; 0 if it was not sent, because the line is not a post.
        reason: The reason in the server's words or ours.
        text: The document or the line, unchanged.
    """

    at: str
    author_id: str
    id: str = ""
    status: int = 0
    reason: str
    text: str


class RejectedPosts:
    """JSON Lines dead-letter file; a post rejected twice is listed twice.

    Args:
        path: The file, created with the first post.

    Attributes:
        count: The number of posts added by this process.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.count = 0

    def append(self, posts: Sequence[RejectedPost]) -> None:
        """Append posts durably. Blocks.

        Raises:
            StorageUnavailable: The file cannot be written.
        """
        text = b"".join([_encode(post) + b"\n" for post in posts])
        with translate_errors(self.path), self.path.open("ab") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        self.count += len(posts)
