"""Faults that change the world while a client pages through a list; X serves the new state."""

from abc import ABC, abstractmethod
from typing import ClassVar

from aiohttp import web

from ..world.base import Status
from ..world.changing import NOBODY, ChangingWorld
from .strike import FaultKind, Strike

_MAX_AT_ONCE = 3
_CANDIDATES = 1_000
_TRIES = 20


class WorldFault(FaultKind, ABC):
    """A kind that changes the world before the request is answered, and leaves the answer alone."""

    needs_world: ClassVar[bool] = True

    async def before(self, strike: Strike) -> web.StreamResponse | None:
        """Change the world."""
        assert strike.world is not None, "without a world that can change the rule was refused"
        assert strike.info.user_id is not None, "lists have an owner"
        if self.change(strike, strike.world, strike.info.user_id):
            strike.fire()
        return None

    @abstractmethod
    def change(self, strike: Strike, world: ChangingWorld, user_id: int) -> bool:
        """Change something about a user, and return whether anything was changed."""


class StatusChange(WorldFault):
    """The owner of the list becomes permanently unreadable while the list is being read.

    Args:
        status: The user's new status.
    """

    def __init__(self, status: Status) -> None:
        self._status = status

    def can_strike(self, strike: Strike) -> bool:
        """Return whether the request asks for a later page of a readable user's list."""
        if not strike.is_list or not strike.is_continuation or strike.world is None:
            return False
        user = strike.world.user(strike.info.user_id or 0)
        return user is not None and user.status == "active"

    def change(self, strike: Strike, world: ChangingWorld, user_id: int) -> bool:
        """Change the status."""
        world.set_status(user_id, self._status)
        return True


class Arrival(WorldFault):
    """Up to three new followers appear at the front of the list that is being read."""

    def can_strike(self, strike: Strike) -> bool:
        """Return whether the request asks for the followers of an existing user."""
        return strike.info.endpoint == "followers" and _exists(strike)

    def change(self, strike: Strike, world: ChangingWorld, user_id: int) -> bool:
        """Make some users follow this one, if there are any who do not follow yet."""
        candidates = world.sample_ids(_CANDIDATES)
        wanted, tries = strike.rng.randint(1, _MAX_AT_ONCE), _TRIES
        arrived = 0
        while arrived < wanted and tries and candidates:
            tries -= 1
            newcomer = strike.rng.choice(candidates)
            if newcomer != user_id and not world.follows(newcomer, user_id):
                world.follow(newcomer, user_id)
                arrived += 1
        return arrived > 0


class Departure(WorldFault):
    """A follower at a random position of the list that is being read unfollows its owner."""

    def can_strike(self, strike: Strike) -> bool:
        """Return whether the request asks for the followers of a user who has some."""
        return (
            strike.info.endpoint == "followers"
            and _exists(strike)
            and strike.world is not None
            and strike.world.follower_count(strike.info.user_id or 0) > 0
        )

    def change(self, strike: Strike, world: ChangingWorld, user_id: int) -> bool:
        """Remove a random follower, unless almost all have left already."""
        count = world.follower_count(user_id)
        for _ in range(_TRIES):
            place = strike.rng.randrange(count)
            (follower,) = world.followers(user_id, place, place + 1)
            if follower != NOBODY:
                world.unfollow(follower, user_id)
                return True
        return False


class NewPosts(WorldFault):
    """The user whose timeline is being read publishes up to three new posts."""

    needs_posts: ClassVar[bool] = True

    def can_strike(self, strike: Strike) -> bool:
        """Return whether the request asks for the timeline of an existing user."""
        return strike.info.endpoint == "timeline" and _exists(strike)

    def change(self, strike: Strike, world: ChangingWorld, user_id: int) -> bool:
        """Publish the posts."""
        world.publish(user_id, strike.rng.randint(1, _MAX_AT_ONCE))
        return True


def _exists(strike: Strike) -> bool:
    return (
        strike.world is not None
        and strike.info.user_id is not None
        and strike.world.user(strike.info.user_id) is not None
    )
