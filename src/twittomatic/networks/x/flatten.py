"""Embed expanded objects into the posts that refer to them, in the format that twarc writes.

As in twarc (twarc.expansions.flatten), an id or key that refers to an object in `includes` gets that object
beside it (`author`, `media`, `poll`) or merged into it (`referenced_tweets`, `mentions`, `geo`). There are
two differences. If no object of a kind was bought, references to that kind stay as X wrote them instead of
getting an empty object; only the author of a referenced post always gets one, since twarc-csv fails without
it. And a referenced post in turn contains the posts that it refers to, but there is no third generation,
while in twarc the number of generations depends on the order of `includes`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

_GENERATIONS = 2
_MOST_BYTES = 64 * 1024 * 1024  # a real page stays under 10 MB; a larger one was made to fill our memory

_NESTED = (dict, list)
_BROKEN = (msgspec.MsgspecError, ValueError, OverflowError, RecursionError)
_REFERRING = frozenset(
    {
        "author_id",
        "in_reply_to_user_id",
        "media_keys",
        "poll_ids",
        "geo",
        "mentions",
        "referenced_tweets",
        "referenced_posts",
    }
)

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode

Included = tuple[dict[str, Any], int]
"""An object in `includes`, and its size in bytes."""


class _TooLargeError(ValueError):
    """The flattened page would take more than 64 MiB."""


def flatten(
    records: Sequence[bytes], includes: Mapping[str, Sequence[msgspec.Raw]]
) -> tuple[list[bytes], list[int]]:
    """Return records with the objects that they refer to embedded, and where that failed.

    Args:
        records: Posts as JSON objects; an empty one stays empty.
        includes: The lists in a response's `includes`, in either dialect.

    Returns:
        The records, parallel to those given, and the positions of those that could not be expanded.
    """
    flattener, flat, bare = _Flattener(includes), [], []
    for place, record in enumerate(records):
        try:
            flat.append(_encode(flattener.expand(_decode(record), _GENERATIONS)) if record else record)
        except _BROKEN:
            flat.append(record)
            bare.append(place)
    return flat, bare


class _Flattener:
    def __init__(self, includes: Mapping[str, Sequence[msgspec.Raw]]) -> None:
        self._users_by_id = _index(includes.get("users"), "id")
        self._users_by_name = _index(includes.get("users"), "username")
        self._media = _index(includes.get("media"), "media_key")
        self._polls = _index(includes.get("polls"), "id")
        self._places = _index(includes.get("places"), "id")
        self._posts = _index([*includes.get("tweets", ()), *includes.get("posts", ())], "id")
        self._left = _MOST_BYTES

    def expand(self, value: Any, generations: int) -> Any:
        """Return a copy of a part of a post with everything embedded that it refers to."""
        kind = type(value)  # exact JSON types, no subclasses; most values are scalar and need no call
        if kind is list:
            return [self.expand(item, generations) if type(item) in _NESTED else item for item in value]
        if kind is not dict:
            return value
        part = {
            name: self.expand(item, generations) if type(item) in _NESTED else item
            for name, item in value.items()
        }
        return part if _REFERRING.isdisjoint(part) else self._complete(part, generations)

    def _complete(self, part: dict[str, Any], generations: int) -> dict[str, Any]:
        for name, place, known in (
            ("author_id", "author", self._users_by_id),
            ("in_reply_to_user_id", "in_reply_to_user", self._users_by_id),
        ):
            if name in part and known:
                part[place] = self._find(known, part[name])
        if isinstance(keys := part.get("media_keys"), list) and self._media:
            part["media"] = [self._find(self._media, key) for key in keys]
        if isinstance(keys := part.get("poll_ids"), list) and keys and self._polls:
            part["poll"] = self._find(self._polls, keys[-1])  # a post has at most one
        if isinstance(geo := part.get("geo"), dict) and "place_id" in geo:
            part["geo"] = {**geo, **self._find(self._places, geo["place_id"])}
        if isinstance(mentions := part.get("mentions"), list):
            part["mentions"] = [self._merge(self._users_by_name, item, "username") for item in mentions]
        for name in ("referenced_tweets", "referenced_posts"):
            if isinstance(references := part.get(name), list):
                part[name] = [self._refer(item, generations) for item in references]
        return part

    def _refer(self, reference: Any, generations: int) -> Any:
        post = self._merge(self._posts, reference, "id") if generations else reference
        if post is reference:
            return post
        expanded: dict[str, Any] = self.expand(post, generations - 1)
        if "author_id" in expanded:
            expanded.setdefault("author", {})  # as in twarc: twarc-csv accesses it unconditionally
        return expanded

    def _merge(self, known: Mapping[str, Included], item: Any, name: str) -> Any:
        found = self._find(known, item.get(name)) if isinstance(item, dict) else None
        return {**item, **found} if found else item

    def _find(self, known: Mapping[str, Included], key: Any) -> dict[str, Any]:
        found, size = known.get(key, ({}, 0)) if isinstance(key, str) else ({}, 0)
        self._left -= size
        if self._left < 0:
            raise _TooLargeError
        return found


def _index(items: Sequence[msgspec.Raw] | None, name: str) -> dict[str, Included]:
    index: dict[str, Included] = {}
    for item in items or ():
        text = bytes(item)
        try:
            content = _decode(text)
        except _BROKEN:
            continue
        if isinstance(content, dict) and isinstance(key := content.get(name), str):
            index[key] = content, len(text)
    return index
