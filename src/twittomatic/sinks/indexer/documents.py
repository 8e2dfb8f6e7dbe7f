"""Search documents: the fields that the network extracts from a post, plus its author and age."""

from __future__ import annotations

from typing import Any

import msgspec

from twittomatic.clock import rfc3339, rfc3339_ms, utc
from twittomatic.networks.base import Records

UNDATED = "undated"
"""The month of a post with an invalid date."""

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
"""The field mapping of the index template; a network fills the fields that it has."""


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """A post, ready to be sent.

    Attributes:
        id: The post's id.
        author_id: The owner of the timeline.
        month: The month in which it was written, `YYYY.MM`, or `UNDATED`.
        fetched_at: When this copy was fetched, in seconds since the epoch, 0 if unknown: its version.
        source: A JSON object of the fields in `PROPERTIES`.
    """

    id: str
    author_id: str
    month: str
    fetched_at: int
    source: bytes


class Unreadable(ValueError):
    """A line is not a post."""


def document(
    line: bytes, network: Records, *, author_id: str, fetched_at: int, now: float, author: str = ""
) -> Document:
    """Convert a line of a `.twt` file into a document.

    Args:
        line: One JSON object, as the network's records are stored.
        network: Parses the record.
        author_id: The owner of the timeline.
        fetched_at: When its page was fetched, in seconds since the epoch; 0 if unknown.
        now: The present, in seconds since the epoch.
        author: The owner's screen name in lower case, for a post that does not name its author.

    Raises:
        Unreadable: The line is not a post.
    """
    post = network.document(line, until=utc(fetched_at or now))
    if post is None:
        raise Unreadable("the line is not a post: not a JSON object, or without an id")
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
