"""Expansions: the includes of a response, their cost, and errors for missing objects."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, cast

import msgspec

from ..world.base import AttachmentKind, Post, User
from .fields import FieldSelection
from .problems import Problem, not_authorized, not_found, suspended
from .rendering import Charge, Renderer, array

_encode = msgspec.json.Encoder().encode

# For each expansion: the kind of attachment, and the fields of a post that hold the keys.
_ATTACHMENTS: tuple[tuple[str, AttachmentKind, str, str], ...] = (
    ("attachments.media_keys", "media", "attachments", "media_keys"),
    ("attachments.poll_ids", "polls", "attachments", "poll_ids"),
    ("geo.place_id", "places", "geo", "place_id"),
)


class Includes:
    """Collects the objects that the expansions of one request refer to, without duplicates.

    Args:
        renderer: Encodes the objects; holds the world.
        selection: The expansions, and the fields of the expanded objects.
    """

    def __init__(self, renderer: Renderer, selection: FieldSelection) -> None:
        self._renderer = renderer
        self._world = renderer.world
        self._selection = selection
        self._users: dict[int, User] = {}
        self._posts: dict[int, Post] = {}
        self._attachments: dict[AttachmentKind, dict[str, Mapping[str, Any]]] = {}
        self._errors: dict[tuple[str, str], Problem] = {}

    def expand_users(self, users: Iterable[User]) -> None:
        """Follow the expansions that start from users."""
        for user in users:
            for name in ("pinned_tweet_id", "most_recent_tweet_id"):
                if name in self._selection.expansions and name in user.fields:
                    self._add_post(name, int(user.fields[name]))
            if "affiliation.user_id" in self._selection.expansions:
                for user_id in user.fields.get("affiliation", {}).get("user_id", ()):
                    self._add_user("affiliation.user_id", int(user_id))

    def expand_posts(self, posts: Sequence[Post]) -> None:
        """Follow the expansions that start from posts."""
        wanted = self._selection.expansions
        for post in posts:
            fields = post.fields
            if "edit_history_tweet_ids" in wanted:
                for post_id in fields.get("edit_history_tweet_ids", ()):
                    self._add_post("edit_history_tweet_ids", int(post_id))
            for reference in fields.get("referenced_tweets", ()):
                self._add_referenced(int(reference["id"]))
            for name in ("author_id", "in_reply_to_user_id"):
                if name in wanted and name in fields:
                    self._add_user(name, int(fields[name]))
            for name in ("entities.mentions.username", "entities.note.mentions.username"):
                if name in wanted:
                    for mention in _mentions(name, fields):
                        self._add_mentioned(name, mention["username"])
            self._add_attachments(fields)

    @property
    def charges(self) -> tuple[Charge, ...]:
        """The charges for the included objects, which cost as much as any others."""
        return (
            Charge(resource="user", ids=tuple(self._users)),
            Charge(resource="post", ids=tuple(self._posts)),
        )

    @property
    def errors(self) -> list[Problem]:
        """Errors for the expanded objects that X does not show."""
        return list(self._errors.values())

    def render(self) -> bytes:
        """Return the includes object, or nothing if it would be empty."""
        selection = self._selection
        parts: dict[str, bytes] = {}
        if self._users:
            parts["users"] = array(self._renderer.user(selection, user) for user in self._users.values())
        if self._posts:
            name = "tweets" if selection.dialect == "tweet" else "posts"
            parts[name] = array(self._renderer.post(selection, post) for post in self._posts.values())
        for kind, found in self._attachments.items():
            parts[kind] = _encode(list(found.values()))
        return b"{%b}" % b",".join(b'"%b":%b' % (k.encode(), v) for k, v in parts.items()) if parts else b""

    def _add_referenced(self, post_id: int) -> None:
        wanted = self._selection.expansions
        if "referenced_tweets.id" in wanted:
            self._add_post("referenced_tweets.id", post_id)
        if "referenced_tweets.id.author_id" in wanted:
            post = self._world.post(post_id)
            if post is not None:
                self._add_user("referenced_tweets.id.author_id", post.author_id)

    def _add_post(self, expansion: str, post_id: int) -> None:
        if post_id in self._posts:
            return
        post = self._world.post(post_id)
        problem = post_problem(post, self._renderer, expansion, str(post_id), section="includes")
        if problem is not None:
            self._errors[expansion, str(post_id)] = problem
        elif post is not None:
            self._posts[post_id] = post

    def _add_user(self, expansion: str, user_id: int) -> None:
        if user_id not in self._users:
            self._keep(expansion, str(user_id), self._world.user(user_id))

    def _add_mentioned(self, expansion: str, username: str) -> None:
        self._keep(expansion, username, self._world.user_by_name(username))

    def _keep(self, expansion: str, value: str, user: User | None) -> None:
        problem = user_problem(user, expansion, value)
        if problem is not None:
            self._errors[expansion, value] = problem
        elif user is not None:
            self._users[user.id] = user

    def _add_attachments(self, fields: Mapping[str, Any]) -> None:
        for expansion, kind, holder, name in _ATTACHMENTS:
            keys = fields.get(holder, {}).get(name, ()) if expansion in self._selection.expansions else ()
            for key in (keys,) if isinstance(keys, str) else keys:
                found = self._world.attachment(kind, key)
                if found is not None:
                    self._attachments.setdefault(kind, {})[key] = found


def user_problem(user: User | None, parameter: str, value: str) -> Problem | None:
    """Return the reason why X does not show a user, or None if it does."""
    if user is None or user.status == "deleted":
        return not_found("user", parameter, value)
    return suspended(parameter, value) if user.status == "suspended" else None


def post_problem(
    post: Post | None, renderer: Renderer, parameter: str, value: str, *, section: str = "data"
) -> Problem | None:
    """Return the reason why X does not show a post, or None if it does."""
    author = None if post is None else renderer.world.user(post.author_id)
    if author is None or not author.visible:
        return not_found("tweet", parameter, value)
    if author.status == "protected":
        return not_authorized("tweet", parameter, value, section=section)
    return None


def _mentions(expansion: str, fields: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    holder = fields if expansion == "entities.mentions.username" else fields.get("note_tweet", {})
    yield from cast("list[dict[str, Any]]", holder.get("entities", {}).get("mentions", []))
