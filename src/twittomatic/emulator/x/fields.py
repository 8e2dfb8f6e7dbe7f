"""Field selection in X's two dialects.

The legacy dialect has tweet.fields, note_tweet and referenced_tweets; the newer one has post.fields,
note_post and referenced_posts, and author_id and similar names only as expansions. A response uses the
dialect of its request. Unknown field names are silently ignored (X docs, fundamentals/fields;
openapi.json 2.159 and 2.167). Fields that need user context are never sent: tokens here are app-only.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Literal

import msgspec

from .endpoints import Endpoint
from .problems import InvalidRequestError

Dialect = Literal["tweet", "post"]

USER_DEFAULTS = ("id", "name", "username")
USER_FIELDS = (
    *USER_DEFAULTS,
    *("created_at", "description", "entities", "location", "pinned_tweet_id", "most_recent_tweet_id"),
    *(
        "affiliation",
        "is_identity_verified",
        "parody",
        "profile_banner_url",
        "profile_image_url",
        "protected",
    ),
    *("public_metrics", "subscription_type", "url", "verified", "verified_followers_count", "verified_type"),
    "withheld",
)
POST_DEFAULTS = ("id", "text", "edit_history_tweet_ids")
POST_FIELDS = (
    *POST_DEFAULTS,
    *("article", "attachments", "author_id", "card_uri", "community_id", "context_annotations"),
    *("conversation_id", "created_at", "display_text_range", "edit_controls", "entities", "geo"),
    *("in_reply_to_user_id", "lang", "media_metadata", "note_tweet", "possibly_sensitive", "public_metrics"),
    *("referenced_tweets", "reply_settings", "scopes", "source", "suggested_source_links", "withheld"),
)

# In the newer dialect these are expansions rather than fields.
_USER_EXPANSIONS_ONLY = {"pinned_tweet_id", "most_recent_tweet_id", "affiliation"}
_POST_EXPANSIONS_ONLY = {
    "author_id",
    "in_reply_to_user_id",
    "referenced_tweets",
    "edit_history_tweet_ids",
}

# Each expansion, and the field that holds the references it expands.
_USER_EXPANSIONS: Mapping[str, str] = {
    "affiliation.user_id": "affiliation",
    "most_recent_tweet_id": "most_recent_tweet_id",
    "pinned_tweet_id": "pinned_tweet_id",
}
_POST_EXPANSIONS: Mapping[str, str] = {
    "article.cover_media": "article",
    "article.media_entities": "article",
    "attachments.media_keys": "attachments",
    "attachments.media_source_tweet": "attachments",
    "attachments.poll_ids": "attachments",
    "author_id": "author_id",
    "edit_history_tweet_ids": "edit_history_tweet_ids",
    "entities.mentions.username": "entities",
    "entities.note.mentions.username": "note_tweet",
    "geo.place_id": "geo",
    "in_reply_to_user_id": "in_reply_to_user_id",
    "referenced_tweets.id": "referenced_tweets",
    "referenced_tweets.id.attachments.media_keys": "referenced_tweets",
    "referenced_tweets.id.author_id": "referenced_tweets",
}

_NEWER_NAMES: Mapping[str, str] = {
    "edit_history_tweet_ids": "edit_history_post_ids",
    "most_recent_tweet_id": "most_recent_post_id",
    "note_tweet": "note_post",
    "pinned_tweet_id": "pinned_post_id",
    "referenced_tweets": "referenced_posts",
}
_NEWER_METRICS: Mapping[str, str] = {"tweet_count": "post_count", "retweet_count": "repost_count"}
_LEGACY_NAMES = {new: old for old, new in _NEWER_NAMES.items()}
_NEWER_EXPANSIONS: Mapping[str, str] = {
    "affiliation": "affiliation.user_id",
    "attachments.media_source_post": "attachments.media_source_tweet",
    "edit_history_post_ids": "edit_history_tweet_ids",
    "most_recent_post_id": "most_recent_tweet_id",
    "pinned_post_id": "pinned_tweet_id",
    "referenced_posts": "referenced_tweets.id",
}


class FieldSelection(msgspec.Struct, frozen=True, kw_only=True):
    """The fields and expansions of a request, in legacy names.

    Attributes:
        dialect: The dialect of the response.
        user_fields: The fields of user objects, in X's order.
        post_fields: The fields of post objects, in X's order.
        expansions: The expansions to put into the includes.
    """

    dialect: Dialect
    user_fields: tuple[str, ...]
    post_fields: tuple[str, ...]
    expansions: frozenset[str]


@lru_cache(maxsize=1024)
def select(
    endpoint: Endpoint,
    user_fields: str | None,
    tweet_fields: str | None,
    post_fields: str | None,
    expansions: str | None,
) -> FieldSelection:
    """Parse the comma-separated lists of a request.

    Raises:
        InvalidRequestError: The endpoint does not have an expansion.
    """
    asked = _names(expansions)
    known = _USER_EXPANSIONS if endpoint.expands == "user" else _POST_EXPANSIONS
    newer = post_fields is not None or any(name in _NEWER_EXPANSIONS for name in asked)
    expanded = frozenset(_NEWER_EXPANSIONS.get(name, name) for name in asked) - {"username"}
    for name in expanded:
        if name not in known:
            message = f"The `expansions` query parameter value [{name}] is not one of [{','.join(known)}]"
            raise InvalidRequestError(message, {"expansions": [expansions or ""]})
    carriers = {known[name] for name in expanded}
    users = {*USER_DEFAULTS, *_fields(user_fields, newer, _USER_EXPANSIONS_ONLY)}
    posts = {"id", "text", *_fields(tweet_fields, newer, _POST_EXPANSIONS_ONLY)}
    posts.update(_fields(post_fields, newer, _POST_EXPANSIONS_ONLY))
    if not newer:
        posts.add("edit_history_tweet_ids")
    (users if endpoint.expands == "user" else posts).update(carriers)
    return FieldSelection(
        dialect="post" if newer else "tweet",
        user_fields=tuple(name for name in USER_FIELDS if name in users),
        post_fields=tuple(name for name in POST_FIELDS if name in posts),
        expansions=expanded,
    )


def show(selection: FieldSelection, wanted: tuple[str, ...], fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the selected fields of a user or post object in the dialect of the selection."""
    if selection.dialect == "tweet":
        return {name: fields[name] for name in wanted if name in fields}
    shown = {_NEWER_NAMES.get(name, name): fields[name] for name in wanted if name in fields}
    metrics = shown.get("public_metrics")
    if metrics is not None:
        shown["public_metrics"] = {_NEWER_METRICS.get(name, name): n for name, n in metrics.items()}
    return shown


def to_legacy(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return a user or post object in the legacy dialect, whichever dialect it came in."""
    legacy = {_LEGACY_NAMES.get(name, name): value for name, value in fields.items()}
    metrics = legacy.get("public_metrics")
    if isinstance(metrics, dict):
        older = {new: old for old, new in _NEWER_METRICS.items()}
        legacy["public_metrics"] = {older.get(name, name): n for name, n in metrics.items()}
    return legacy


def _names(commas: str | None) -> list[str]:
    return [name for name in (commas or "").split(",") if name]


def _fields(commas: str | None, newer: bool, expansions_only: set[str]) -> set[str]:
    names = set(_names(commas))
    if not newer:
        return names
    return {_LEGACY_NAMES.get(name, name) for name in names if name not in _NEWER_NAMES} - expansions_only
