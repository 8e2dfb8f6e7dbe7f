"""What a crawl between two moments may have found, and what it must have found."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from typing import Protocol

from .base import Status
from .changinglist import Membership

StatusHistory = Sequence[tuple[int, Status]]


class WorldHistory(Protocol):
    """A world that keeps its history."""

    def statuses(self, user_id: int) -> StatusHistory:
        """Return a user's status history: moments, ascending from 0, each with the status from then on."""
        ...

    def follower_memberships(self, user_id: int) -> Iterator[Membership]:
        """Yield all present and former followers, in served order."""
        ...

    def post_memberships(self, user_id: int) -> Iterator[Membership]:
        """Yield every post, newest first."""
        ...


class Truth:
    """The bounds on what a perfect crawl between two moments leaves on disk.

    It contains everything that was visible throughout, and any part of what was visible at times.
    Suspended and deleted followers are never visible, nor is anything of an owner who is not active. The
    3,200-post ceiling is ignored.

    Args:
        world: The world.
        since: The moment at which the crawl began.
        until: The moment at which it ended.
    """

    def __init__(self, world: WorldHistory, since: int, until: int) -> None:
        self._world = world
        self._since = since
        self._until = until

    def always_followers(self, user_id: int) -> list[int]:
        """Return the followers visible at every moment: they must be on disk."""
        return self._always(user_id, self._world.follower_memberships(user_id), self._world.statuses)

    def ever_followers(self, user_id: int) -> list[int]:
        """Return the followers visible at some moment: no others may be on disk."""
        return self._ever(user_id, self._world.follower_memberships(user_id), self._world.statuses)

    def always_posts(self, user_id: int) -> list[int]:
        """Return the ids of the posts readable at every moment, newest first."""
        return self._always(user_id, self._world.post_memberships(user_id), _shown)

    def ever_posts(self, user_id: int) -> list[int]:
        """Return the ids of the posts readable at some moment, newest first."""
        return self._ever(user_id, self._world.post_memberships(user_id), _shown)

    def statuses(self, user_id: int) -> list[Status]:
        """Return the user's statuses in order of time; a crawl must have met one of them last."""
        history = self._world.statuses(user_id)
        return [status for _, status in _between(history, self._since, self._until)]

    def _always(
        self, owner_id: int, members: Iterable[Membership], history_of: Callable[[int], StatusHistory]
    ) -> list[int]:
        owner = self._statuses(self._world.statuses(owner_id))
        if not owner or any(status != "active" for status in owner):
            return []
        found = (
            member.id
            for member in members
            if member.joined <= self._since
            and (member.left is None or member.left > self._until)
            and all(status in _VISIBLE for status in self._statuses(history_of(member.id)))
        )
        return list(dict.fromkeys(found))

    def _ever(
        self, owner_id: int, members: Iterable[Membership], history_of: Callable[[int], StatusHistory]
    ) -> list[int]:
        owner = self._world.statuses(owner_id)
        found = (member.id for member in members if self._overlaps(owner, member, history_of(member.id)))
        return list(dict.fromkeys(found))

    def _overlaps(self, owner: StatusHistory, member: Membership, history: StatusHistory) -> bool:
        """Return whether owner, membership and member were all visible at the same moment."""
        first = max(member.joined, self._since)
        last = self._until if member.left is None else min(member.left - 1, self._until)
        changes = (moment for moment, _ in chain(owner, history) if first < moment <= last)
        return first <= last and any(
            _at(owner, moment) == "active" and _at(history, moment) in _VISIBLE
            for moment in chain((first,), changes)
        )

    def _statuses(self, history: StatusHistory) -> list[Status]:
        return [status for _, status in _between(history, self._since, self._until)]


_VISIBLE = ("active", "protected")


def _shown(_post_id: int) -> StatusHistory:
    return ((0, "active"),)


def _at(history: StatusHistory, moment: int) -> Status | None:
    return next((status for began, status in reversed(history) if began <= moment), None)


def _between(history: StatusHistory, since: int, until: int) -> StatusHistory:
    first = max((place for place, (began, _) in enumerate(history) if began <= since), default=0)
    return [fate for fate in history[first:] if fate[0] <= until]
