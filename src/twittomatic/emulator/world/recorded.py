"""A world made of recorded users, lists and posts."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .base import AttachmentKind, Post, User, World

Attachments = Mapping[AttachmentKind, Mapping[str, Mapping[str, Any]]]

_BASE36 = "0123456789abcdefghijklmnopqrstuvwxyz"


class RecordedWorld(World):
    """Serves the given records and makes up only the names of users known by id alone.

    Args:
        users: The users with known profiles.
        followers: The followers of each user id in served order; duplicates count once.
        posts: Posts in any order; duplicates count once.
        attachments: Media, polls and places by kind and key.
    """

    def __init__(
        self,
        *,
        users: Iterable[User] = (),
        followers: Mapping[int, Sequence[int]] | None = None,
        posts: Iterable[Post] = (),
        attachments: Attachments | None = None,
    ) -> None:
        self._users = {user.id: user for user in users}
        self._followers = {i: list(dict.fromkeys(ids)) for i, ids in (followers or {}).items()}
        self._following: dict[int, list[int]] = {}
        for target, ids in self._followers.items():
            self._ensure(target)
            for user_id in ids:
                self._ensure(user_id)
                self._following.setdefault(user_id, []).append(target)
        self._posts = {post.id: post for post in posts}
        self._timelines: dict[int, list[Post]] = {}
        for post_id in sorted(self._posts, reverse=True):
            post = self._posts[post_id]
            self._ensure(post.author_id)
            self._timelines.setdefault(post.author_id, []).append(post)
        self._by_name = {user.username.lower(): user for user in self._users.values()}
        self._attachments = attachments or {}

    @property
    def user_ids(self) -> Sequence[int]:
        """All user ids in recorded order."""
        return list(self._users)

    def sample_ids(self, most: int) -> Sequence[int]:
        """Return the ids of the first accounts."""
        return self.user_ids[:most]

    def user(self, user_id: int) -> User | None:
        """Return the account as recorded."""
        return self._users.get(user_id)

    def user_by_name(self, username: str) -> User | None:
        """Return the account with that name."""
        return self._by_name.get(username.lower())

    def follower_count(self, user_id: int) -> int:
        """Return the number of recorded followers."""
        return len(self._followers.get(user_id, ()))

    def followers(self, user_id: int, start: int, stop: int) -> Sequence[int]:
        """Return followers[start:stop] in recorded order."""
        return self._followers.get(user_id, [])[start:stop]

    def following_count(self, user_id: int) -> int:
        """Return the number of followers lists that contain the user."""
        return len(self._following.get(user_id, ()))

    def following(self, user_id: int, start: int, stop: int) -> Sequence[int]:
        """Return following[start:stop], in the order of the recorded lists."""
        return self._following.get(user_id, [])[start:stop]

    def post_count(self, user_id: int) -> int:
        """Return the number of recorded posts of the user."""
        return len(self._timelines.get(user_id, ()))

    def posts(self, user_id: int, start: int, stop: int) -> Sequence[Post]:
        """Return posts[start:stop], newest first."""
        return self._timelines.get(user_id, [])[start:stop]

    def post(self, post_id: int) -> Post | None:
        """Return the post as recorded."""
        return self._posts.get(post_id)

    def attachment(self, kind: AttachmentKind, key: str) -> Mapping[str, Any] | None:
        """Return the media, poll or place with that key."""
        return self._attachments.get(kind, {}).get(key)

    def _ensure(self, user_id: int) -> None:
        if user_id not in self._users:
            self._users[user_id] = placeholder_user(user_id)


def placeholder_user(user_id: int) -> User:
    """Return an account known by id alone, with a username of at most 15 characters made from the id."""
    rest, letters = user_id, ""
    while rest or not letters:
        rest, digit = divmod(rest, 36)
        letters = _BASE36[digit] + letters
    username = f"u_{letters}"
    fields = {"id": str(user_id), "name": username, "username": username}
    return User(id=user_id, username=username, status="active", fields=fields)
