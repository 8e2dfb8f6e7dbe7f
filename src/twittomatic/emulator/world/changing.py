"""A world that changes during a crawl and keeps its complete history.

Time is counted in moments: each change adds one, and the state after a change belongs to its moment. A
test records `revision` when a crawl begins, and asks `truth` at the end what the crawl may have left.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from ..madeup.world import MadeUpWorld
from .base import AttachmentKind, Post, Status, User, World
from .changinglist import NOBODY, ChangingLists, Membership
from .truth import StatusHistory, Truth

__all__ = ["NOBODY", "ChangingWorld"]


class ChangingWorld(World):
    """Wraps another world and adds changes: new followers, unfollows, status changes and new posts.

    Lists of ids contain `NOBODY` in the place of a user who has left.

    Args:
        base: The world as of moment 0; from now on only this wrapper may change it.
    """

    def __init__(self, base: World) -> None:
        self._base = base
        self._moment = 0
        self._followers = ChangingLists(base.followers, base.follower_count)
        self._following = ChangingLists(base.following, base.following_count)
        self._status_history: dict[int, list[tuple[int, Status]]] = {}
        self._published: dict[int, list[int]] = {}

    @property
    def revision(self) -> int:
        """The present moment: the number of changes so far."""
        return self._moment

    @property
    def can_publish(self) -> bool:
        """Whether the wrapped world's posts are synthetic, so that new ones can be made."""
        return isinstance(self._base, MadeUpWorld)

    def truth(self, since: int = 0, until: int | None = None) -> Truth:
        """Return what a perfect crawl between two moments may have left.

        Args:
            since: The first moment.
            until: The last moment; None is the present one.
        """
        return Truth(self, since, self._moment if until is None else until)

    def follow(self, follower_id: int, user_id: int) -> None:
        """Add a follower at the front of a user's list.

        Raises:
            ValueError: One of the two does not exist, or the follow exists already.
        """
        for one in (follower_id, user_id):
            self._existing(one)
        if self.follows(follower_id, user_id):
            raise ValueError(f"user {follower_id} follows user {user_id} already")
        self._moment += 1
        self._followers[user_id].add(follower_id, self._moment)
        self._following[follower_id].add(user_id, self._moment)

    def unfollow(self, follower_id: int, user_id: int) -> None:
        """Remove a follower from a user's list.

        Raises:
            ValueError: There is no such follow.
        """
        followers, following = self._followers[user_id], self._following[follower_id]
        place, other = followers.place(follower_id), following.place(user_id)
        if place is None or other is None:
            raise ValueError(f"user {follower_id} does not follow user {user_id}")
        self._moment += 1
        followers.remove(place, self._moment)
        following.remove(other, self._moment)

    def follows(self, follower_id: int, user_id: int) -> bool:
        """Return whether one user follows another now."""
        return self._following[follower_id].place(user_id) is not None

    def set_status(self, user_id: int, status: Status) -> None:
        """Make a user active, protected, suspended or deleted.

        Raises:
            ValueError: There is no such user.
        """
        before = self._existing(user_id).status
        self._moment += 1
        self._status_history.setdefault(user_id, [(0, before)]).append((self._moment, status))

    def publish(self, user_id: int, count: int = 1) -> None:
        """Publish new posts of a user.

        Raises:
            ValueError: There is no such user, or this world has recorded posts only.
        """
        if not isinstance(self._base, MadeUpWorld):
            raise ValueError("a recorded world has no new posts")  # noqa: TRY004
        self._base.publish(user_id, count)
        self._moment += 1
        self._published.setdefault(user_id, []).extend([self._moment] * count)

    def statuses(self, user_id: int) -> StatusHistory:
        """Return a user's status history: moments, ascending from 0, each with the status from then on."""
        if user_id in self._status_history:
            return self._status_history[user_id]
        user = self._base.user(user_id)
        return [] if user is None else [(0, user.status)]

    def follower_memberships(self, user_id: int) -> Iterator[Membership]:
        """Yield all present and former followers, in served order."""
        return self._followers[user_id].memberships()

    def post_memberships(self, user_id: int) -> Iterator[Membership]:
        """Yield every post, newest first."""
        joined = self._published.get(user_id, [])
        for place, post in enumerate(self._base.posts(user_id, 0, self._base.post_count(user_id))):
            yield Membership(id=post.id, joined=joined[-1 - place] if place < len(joined) else 0, left=None)

    def sample_ids(self, most: int) -> Sequence[int]:
        """Return the ids of some accounts."""
        return self._base.sample_ids(most)

    def user(self, user_id: int) -> User | None:
        """Return the account as it is now."""
        return self._current(self._base.user(user_id))

    def user_by_name(self, username: str) -> User | None:
        """Return the account with that name as it is now."""
        return self._current(self._base.user_by_name(username))

    def users(self, user_ids: Sequence[int]) -> list[User | None]:
        """Return the accounts as they are now."""
        return [self._current(user) for user in self._base.users(user_ids)]

    def follower_count(self, user_id: int) -> int:
        """Return the length of the followers list, including the places of those who left."""
        return len(self._followers[user_id])

    def followers(self, user_id: int, start: int, stop: int) -> Sequence[int]:
        """Return followers[start:stop], newcomers first."""
        return self._followers[user_id].slice(start, stop)

    def following_count(self, user_id: int) -> int:
        """Return the length of the following list, including the places of those who left."""
        return len(self._following[user_id])

    def following(self, user_id: int, start: int, stop: int) -> Sequence[int]:
        """Return following[start:stop], newest first."""
        return self._following[user_id].slice(start, stop)

    def post_count(self, user_id: int) -> int:
        """Return the number of posts, new ones included."""
        return self._base.post_count(user_id)

    def posts(self, user_id: int, start: int, stop: int) -> Sequence[Post]:
        """Return posts[start:stop], newest first."""
        return self._base.posts(user_id, start, stop)

    def post(self, post_id: int) -> Post | None:
        """Return the post."""
        return self._base.post(post_id)

    def attachment(self, kind: AttachmentKind, key: str) -> Mapping[str, Any] | None:
        """Return the media, poll or place with that key."""
        return self._base.attachment(kind, key)

    def _existing(self, user_id: int) -> User:
        user = self.user(user_id)
        if user is None:
            raise ValueError(f"there is no user {user_id} in this world")
        return user

    def _current(self, user: User | None) -> User | None:
        if user is None:
            return None
        fields, status = user.fields, user.status
        if user.id in self._status_history:
            status = self._status_history[user.id][-1][1]
            fields = {**fields, "protected": status == "protected"}
        grown = {
            "followers_count": self._followers.growth(user.id),
            "following_count": self._following.growth(user.id),
        }
        if any(grown.values()) and "public_metrics" in fields:
            metrics = fields["public_metrics"]
            fields = {**fields, "public_metrics": {k: v + grown.get(k, 0) for k, v in metrics.items()}}
        return user if fields is user.fields else msgspec.structs.replace(user, status=status, fields=fields)
