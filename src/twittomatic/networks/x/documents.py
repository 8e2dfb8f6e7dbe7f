"""Extract the searchable fields of a post; each has a fixed type, whatever X wrote."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from twittomatic.model import NO_JSON
from twittomatic.networks.base import PostDocument
from twittomatic.networks.x.places import place

_FIRST_YEAR = 2006  # X is not older
_SKEW = timedelta(days=1)  # between X's clock and ours
_LARGEST = 2**63 - 1  # what a search server's `long` holds
_LONGEST_DATE = 40

_decode = msgspec.json.Decoder(dict[str, Any]).decode

_METRICS = {
    "retweet_count": "retweets",
    "repost_count": "retweets",
    "reply_count": "replies",
    "like_count": "likes",
    "quote_count": "quotes",
    "bookmark_count": "bookmarks",
    "impression_count": "impressions",
}
_REFERENCES = {"retweeted": "retweeted_id", "quoted": "quoted_id", "replied_to": "replied_to_id"}


def document(line: bytes, *, until: datetime) -> PostDocument | None:
    """Return what is searched of a post, None when the line is no JSON object or has no id.

    A field of a wrong type is left out.

    Args:
        line: One JSON object, in the flattened shape.
        until: When it was downloaded: a later `created_at` is nonsense.
    """
    try:
        post = _decode(line)
        if not (post_id := _text(post.get("id"))):
            return None
        return PostDocument(
            id=post_id, created_at=_date(post.get("created_at"), until), fields=dict(_fields(post))
        )
    except NO_JSON:
        return None


def _fields(post: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the fields that the post has; empty ones are left out."""
    references = dict(_references(post))
    whole, note = _whole(post, references.get("retweeted"))
    place_name, location = place(post.get("geo"))
    metrics = _object(post.get("public_metrics"))
    found = {
        "text": _unescaped(_text(note.get("text")) or _text(whole.get("text"))),
        "lang": _text(post.get("lang")),
        "author": _text(_object(post.get("author")).get("username")).lower(),
        "conversation_id": _text(post.get("conversation_id")),
        "hashtags": _each(_entities(whole, note, "hashtags"), "tag"),
        "cashtags": _each(_entities(whole, note, "cashtags"), "tag"),
        "mentions": _each(_entities(whole, note, "mentions"), "username"),
        "urls": _links(whole, note),
        "place": place_name,
        "location": location,
        "metrics": {
            _METRICS[name]: count for name, count in metrics.items() if name in _METRICS and _is_count(count)
        },
    }
    for kind, other in references.items():
        found[_REFERENCES[kind]] = _text(other.get("id"))
    return ((name, value) for name, value in found.items() if value)


def _whole(post: dict[str, Any], retweeted: dict[str, Any] | None) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the post with the full content, which for a retweet is the retweeted post, and its note.

    The note holds the full text of a long post, whose `text` is cut.
    """
    post = retweeted if retweeted and _text(retweeted.get("text")) else post
    return post, _object(post.get("note_tweet")) or _object(post.get("note_post"))


def _entities(post: dict[str, Any], note: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    """Return the entities of a note and of its post, since a note does not always have its own."""
    parts = (_object(note.get("entities")), _object(post.get("entities")))
    return [item for part in parts for item in _objects(part.get(kind))]


def _links(post: dict[str, Any], note: dict[str, Any]) -> list[str]:
    """Return the targets of links, without the link from a cut text to the full post."""
    itself = f"/status/{_text(post.get('id'))}"
    links: dict[str, str] = {}  # by the shortened link, which is the same in note and post
    for item in _entities(post, note, "urls"):
        short, unwound = _text(item.get("url")), _text(item.get("unwound_url"))
        link = unwound or _text(item.get("expanded_url")) or short
        if link and not link.endswith(itself) and (unwound or (short or link) not in links):
            links[short or link] = link
    return list(dict.fromkeys(links.values()))


def _references(post: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for name in ("referenced_tweets", "referenced_posts"):
        for reference in _objects(post.get(name)):
            if (kind := _text(reference.get("type"))) in _REFERENCES:
                yield kind, reference


def _each(items: list[dict[str, Any]], name: str) -> list[str]:
    """Return one member of each object in lower case, as X compares them, without duplicates."""
    return list(dict.fromkeys(text.lower() for item in items if (text := _text(item.get(name)))))


def _date(value: Any, until: datetime) -> datetime | None:
    """Return a time between the founding of X and the download; None for anything else."""
    if not isinstance(value, str) or len(value) > _LONGEST_DATE:
        return None
    try:
        moment = datetime.fromisoformat(value)
        moment = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
    return moment if moment.year >= _FIRST_YEAR and moment <= until + _SKEW else None


def _unescaped(text: str) -> str:
    """Undo the escaping that X applies to three characters of every text."""
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&") if "&" in text else text


def _is_count(value: Any) -> bool:
    return type(value) is int and 0 <= value <= _LARGEST


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    return (item for item in value if isinstance(item, dict)) if isinstance(value, list) else iter(())
