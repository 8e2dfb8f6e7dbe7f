"""What is searched of a post: the fields that its network finds in it, and whose and how old it is."""

from __future__ import annotations

from typing import Any

import msgspec

from twittomatic.clock import rfc3339, rfc3339_ms, utc
from twittomatic.networks.base import Records

UNDATED = "undated"
"""The month of a post whose date makes no sense."""

_encode = msgspec.json.Encoder().encode
_KEYWORD = {"type": "keyword", "ignore_above": 256}
_METRICS = ("retweets", "replies", "likes", "quotes", "bookmarks", "impressions")

PROPERTIES: dict[str, Any] = {
    "text": {"type": "text"},
    "lang": _KEYWORD,
    "created_at": {"type": "date"},
    "fetched_at": {"type": "date"},
    "author_id": {"type": "keyword"},
    "author": _KEYWORD,
    "conversation_id": _KEYWORD,
    "retweeted_id": _KEYWORD,
    "quoted_id": _KEYWORD,
    "replied_to_id": _KEYWORD,
    "hashtags": _KEYWORD,
    "cashtags": _KEYWORD,
    "mentions": _KEYWORD,
    "urls": {"type": "keyword", "ignore_above": 2048},
    "place": _KEYWORD,
    "location": {"type": "geo_point"},
    "metrics": {"properties": {name: {"type": "long"} for name in _METRICS}},
}
"""The mapping of these fields, for the index template; a network fills those that it has."""


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """A post, ready to be sent.

    Attributes:
        id: The network's.
        author_id: Whose timeline it is in.
        month: `YYYY.MM` in which it was written, or `UNDATED`.
        fetched_at: When this copy came, seconds since the epoch, 0 where it is not known: its version.
        source: A JSON object of the fields of `PROPERTIES`.
    """

    id: str
    author_id: str
    month: str
    fetched_at: int
    source: bytes


class Unreadable(ValueError):
    """A line is no post."""


def document(
    line: bytes, network: Records, *, author_id: str, fetched_at: int, now: float, author: str = ""
) -> Document:
    """Make a document of a line of a `.twt` file.

    Args:
        line: One JSON object, as the network's records are stored.
        network: Reads it.
        author_id: Whose timeline it is.
        fetched_at: When its page came, seconds since the epoch; 0 where it is not known.
        now: Seconds since the epoch.
        author: That user's screen name in lower case, for a post that does not name its author.

    Raises:
        Unreadable: it is not a post.
    """
    post = network.document(line, until=utc(fetched_at or now))
    if post is None:
        raise Unreadable("the line is no post: not a JSON object, or without an id")
    fields = {**post.fields, "author_id": author_id, "fetched_at": rfc3339(utc(fetched_at))}
    if author:
        fields.setdefault("author", author)
    if post.created_at:
        fields["created_at"] = rfc3339_ms(post.created_at)
    return Document(
        id=post.id,
        author_id=author_id,
        month=post.created_at.strftime("%Y.%m") if post.created_at else UNDATED,
        fetched_at=fetched_at,
        source=_encode(fields),
    )
