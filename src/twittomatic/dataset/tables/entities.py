"""Format the entities of a post or a profile as twarc-csv does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def tagged(entities: Mapping[str, Any]) -> dict[str, Any]:
    """Return entities with `#` before hashtags, `$` before cashtags, `@` before names, and URLs in full.

    A URL of the post's own media stays short, as the network shows it. What is no entity is left out.
    """
    found = dict(entities)
    for kind, sign, key in (
        ("cashtags", "$", "tag"),
        ("hashtags", "#", "tag"),
        ("mentions", "@", "username"),
    ):
        if isinstance(found.get(kind), list):
            found[kind] = [
                sign + str(one[key]) for one in found[kind] if isinstance(one, dict) and key in one
            ]
    if isinstance(found.get("urls"), list):
        found["urls"] = [_address(url) for url in found["urls"] if isinstance(url, dict)]
    return found


def _address(url: Mapping[str, Any]) -> Any:
    if "media_key" in url:
        return url.get("display_url")
    return url.get("expanded_url", url.get("url"))


def user_entities(user: Mapping[str, Any]) -> dict[str, Any]:
    """Return a profile with its entities as twarc-csv writes them, and its `url` in full."""
    user = dict(user)
    entities = user.get("entities")
    if isinstance(entities, dict) and entities:
        entities = dict(entities)
        if isinstance(entities.get("description"), dict):
            entities["description"] = tagged(entities["description"])
        if isinstance(entities.get("url"), dict):
            entities["url"] = tagged(entities["url"])
            if urls := entities["url"].get("urls"):
                user["url"] = urls[-1]  # a profile has one
        user["entities"] = entities
    return user
