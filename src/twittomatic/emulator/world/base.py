"""The truth: who exists, who follows whom, who wrote what.

A world answers questions; it never bills, limits or hides anything. The server decides what of it
X would show, and an oracle may ask the same world what a crawl should have left on disk.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Protocol

import msgspec

Status = Literal["active", "protected", "suspended", "deleted"]
AttachmentKind = Literal["media", "polls", "places"]

PAGE = 1000


class User(msgspec.Struct, frozen=True, kw_only=True):
    """One account as it really is.

    Attributes:
        id: 1 to 19 decimal digits (X docs, openapi.json, UserId).
        username: without the @; unique without regard to case.
        status: what became of it; only "active" and "protected" accounts are ever shown.
        fields: X's whole user object in the legacy dialect, including id, name and username.
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
    """One post as it really is.

    Attributes:
        id: a snowflake, so ids grow with time.
        author_id: the user id of its author.
        fields: X's whole post object in the legacy dialect, including id and text.
    """

    id: int
    author_id: int
    fields: Mapping[str, Any]

    def refers(self, kind: Literal["retweeted", "quoted", "replied_to"]) -> bool:
        """Tell whether the post refers to another one in this way."""
        return any(r["type"] == kind for r in self.fields.get("referenced_tweets", ()))


class World(Protocol):
    """What every world can tell; implementations inherit it and get the conveniences.

    Lists are addressed by slices in the order in which X serves them. A slice beyond the end is
    shorter or empty, never an error. An unknown id has no user, no followers and no posts.
    """

    @property
    def revision(self) -> int:
        """A number that grows whenever an answer of this world may have changed."""
        return 0

    def user(self, user_id: int) -> User | None:
        """Return the account, whatever became of it, or None if there never was one."""
        ...

    def user_by_name(self, username: str) -> User | None:
        """Return the account of that name, compared without regard to case."""
        ...

    def users(self, user_ids: Sequence[int]) -> list[User | None]:
        """Return the accounts in the order of the ids; a world may do it faster than one by one."""
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
        """Return the post, or None if there never was one."""
        ...

    def attachment(self, kind: AttachmentKind, key: str) -> Mapping[str, Any] | None:
        """Return the media, poll or place of that key, if the world knows it."""
        return None

    def sample_ids(self, most: int) -> Sequence[int]:
        """Return the ids of up to `most` accounts, for those who do not know where to begin."""
        ...

    def all_followers(self, user_id: int) -> list[int]:
        """Return the ids of every follower that a perfect crawl gets, in served order.

        Suspended and deleted followers are left out, as X leaves them out. The list of a target
        that is itself protected, suspended, deleted or unknown is empty: nobody may read it.
        """
        return self._readable(user_id, self.follower_count(user_id), self.followers)

    def all_following(self, user_id: int) -> list[int]:
        """Return the ids of everyone the user follows that a perfect crawl gets, in served order."""
        return self._readable(user_id, self.following_count(user_id), self.following)

    def all_posts(self, user_id: int) -> list[int]:
        """Return the ids of the user's posts, newest first, without the 3,200-post ceiling.

        The list of a protected, suspended, deleted or unknown user is empty: nobody may read it.
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
    """A method of a world that reads one slice of a list of ids."""

    def __call__(self, user_id: int, start: int, stop: int, /) -> Sequence[int]:
        """Return list[start:stop]."""
        ...
