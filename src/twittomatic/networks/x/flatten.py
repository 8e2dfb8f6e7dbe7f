"""Puts in place what was bought with the posts: the shape that twarc writes, each post with all that is its.

twarc, twarc.expansions.flatten: an id or key that refers to something in `includes` gets that object beside
it (`author`, `media`, `poll`) or merged into it (`referenced_tweets`, `mentions`, `geo`). Two things differ.
What no object of its kind was bought for is left as the network wrote it, instead of an empty object in every
post; only the author of a referenced post is one, since twarc-csv fails without it. And a post that another
refers to carries, in turn, those that it refers to itself, but no third generation, where twarc has more or
fewer according to the order of `includes`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

_GENERATIONS = 2
_MOST_BYTES = 64 * 1024 * 1024  # a real page stays under 10 MB; more is an answer made to fill our memory

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
"""An object of `includes`, and the bytes it takes."""


class _TooLargeError(ValueError):
    """The page would take more than 64 MiB."""


def flatten(
    records: Sequence[bytes], includes: Mapping[str, Sequence[msgspec.Raw]]
) -> tuple[list[bytes], list[int]]:
    """Return records with what they refer to put in place, and where that failed.

    Args:
        records: JSON objects, each a post; an empty one stays as it is.
        includes: The lists of a response's `includes`, in either dialect.

    Returns:
        The records, parallel to those given, and the places of those that are as they were.
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
        """Return a part of a post, itself unchanged, with everything that it refers to put in place."""
        kind = type(value)  # one of JSON's own: no subclasses; most values are plain, and cost no call
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
            part["poll"] = self._find(self._polls, keys[-1])  # a post has one at most
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
            expanded.setdefault("author", {})  # as twarc writes it: twarc-csv asks for it without a look
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
