"""The interface of a world: which users exist, the follows among them, and their posts.

A world never bills, limits or hides anything. The server decides which part of it X would show, and a
test's oracle may ask the same world what a crawl should have left on disk.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Protocol

import msgspec

Status = Literal["active", "protected", "suspended", "deleted"]
AttachmentKind = Literal["media", "polls", "places"]

PAGE = 1000


class User(msgspec.Struct, frozen=True, kw_only=True):
    """One account, whether or not X shows it.

    Attributes:
        id: 1 to 19 decimal digits (X docs, openapi.json, UserId).
        username: The name without the @; unique without regard to case.
        status: The state of the account; only "active" and "protected" accounts are ever shown.
        fields: X's complete user object in the legacy dialect, including id, name and username.
    """

    id: int
    username: str
    status: Status
    fields: Mapping[str, Any]

    @property
    def visible(self) -> bool:
        """Whether X shows the profile at all."""
        return self.status in ("active", "protected")


class Post(msgspec.Struct, frozen=True, kw_only=True):
    """One post, whether or not X shows it.

    Attributes:
        id: A snowflake, so ids grow with time.
        author_id: The user id of its author.
        fields: X's complete post object in the legacy dialect, including id and text.
    """

    id: int
    author_id: int
    fields: Mapping[str, Any]

    def refers(self, kind: Literal["retweeted", "quoted", "replied_to"]) -> bool:
        """Return whether the post refers to another one in this way."""
        return any(r["type"] == kind for r in self.fields.get("referenced_tweets", ()))


class World(Protocol):
    """A world; implementations inherit from this class and get its derived methods.

    Lists are addressed by slices in the order in which X serves them. A slice beyond the end is
    shorter or empty, never an error. An unknown id has no user, no followers and no posts.
    """

    @property
    def revision(self) -> int:
        """A number that grows whenever the world may have changed."""
        return 0

    def user(self, user_id: int) -> User | None:
        """Return the account in any status, or None if it never existed."""
        ...

    def user_by_name(self, username: str) -> User | None:
        """Return the account with that name, compared without regard to case."""
        ...

    def users(self, user_ids: Sequence[int]) -> list[User | None]:
        """Return the accounts in the order of the ids; a world may do this faster than one by one."""
        return [self.user(user_id) for user_id in user_ids]

    def follower_count(self, user_id: int) -> int:
        """Return the length of the followers list, hidden accounts included."""
        ...

    def followers(self, user_id: int, start: int, stop: int) -> Sequence[int]:
        """Return the ids of followers[start:stop] in served order, hidden accounts included."""
        ...

    def following_count(self, user_id: int) -> int:
        """Return the length of the following list, hidden accounts included."""
        ...

    def following(self, user_id: int, start: int, stop: int) -> Sequence[int]:
        """Return the ids of following[start:stop] in served order, hidden accounts included."""
        ...

    def post_count(self, user_id: int) -> int:
        """Return the number of posts of the account."""
        ...

    def posts(self, user_id: int, start: int, stop: int) -> Sequence[Post]:
        """Return posts[start:stop], newest first; ids strictly decrease."""
        ...

    def post(self, post_id: int) -> Post | None:
        """Return the post, or None if it never existed."""
        ...

    def attachment(self, kind: AttachmentKind, key: str) -> Mapping[str, Any] | None:
        """Return the media, poll or place with that key, if the world has it."""
        return None

    def sample_ids(self, most: int) -> Sequence[int]:
        """Return the ids of up to `most` accounts, as starting points."""
        ...

    def all_followers(self, user_id: int) -> list[int]:
        """Return the ids of all followers that a perfect crawl finds, in served order.

        Suspended and deleted followers are omitted, as by X. The list of a target that is itself
        protected, suspended, deleted or unknown is empty, because it cannot be read.
        """
        return self._readable(user_id, self.follower_count(user_id), self.followers)

    def all_following(self, user_id: int) -> list[int]:
        """Return the ids of all users followed that a perfect crawl finds, in served order."""
        return self._readable(user_id, self.following_count(user_id), self.following)

    def all_posts(self, user_id: int) -> list[int]:
        """Return the ids of the user's posts, newest first, without the 3,200-post ceiling.

        The list of a protected, suspended, deleted or unknown user is empty, because it cannot be read.
        """
        owner = self.user(user_id)
        if owner is None or owner.status != "active":
            return []
        return [post.id for post in self.posts(user_id, 0, self.post_count(user_id))]

    def _readable(self, user_id: int, count: int, read: "SliceReader") -> list[int]:
        owner = self.user(user_id)
        if owner is None or owner.status != "active":
            return []
        found: list[int] = []
        for start in range(0, count, PAGE):
            ids = read(user_id, start, min(start + PAGE, count))
            found += [i for i, user in zip(ids, self.users(ids), strict=True) if user and user.visible]
        return found


class SliceReader(Protocol):
    """A method of a world that returns one slice of a list of ids."""

    def __call__(self, user_id: int, start: int, stop: int, /) -> Sequence[int]:
        """Return list[start:stop]."""
        ...
