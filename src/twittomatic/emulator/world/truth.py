"""What may have been seen of a world between two moments, and what cannot have been missed."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from typing import Protocol

from .base import Status
from .changinglist import Stay

Fates = Sequence[tuple[int, Status]]


class Remembering(Protocol):
    """A world that knows its past."""

    def statuses(self, user_id: int) -> Fates:
        """Return what a user was and became: moments, ascending from 0, each with the status from then on."""
        ...

    def follower_stays(self, user_id: int) -> Iterator[Stay]:
        """Yield everyone who is or was a follower, in served order."""
        ...

    def post_stays(self, user_id: int) -> Iterator[Stay]:
        """Yield every post, newest first."""
        ...


class Truth:
    """What a perfect crawl from one moment to another has left: all that was there always, and of what was
    there at times only any part.

    Suspended and deleted followers are not there, nor is anything of an owner who is not active: X shows
    neither. Nothing is said of the 3,200-post ceiling.

    Args:
        world: what remembers.
        since: the moment at which the crawl began.
        until: the moment at which it ended.
    """

    def __init__(self, world: Remembering, since: int, until: int) -> None:
        self._world = world
        self._since = since
        self._until = until

    def always_followers(self, user_id: int) -> list[int]:
        """Return the followers who could be read at every moment: they must be on disk."""
        return self._always(user_id, self._world.follower_stays(user_id), self._world.statuses)

    def ever_followers(self, user_id: int) -> list[int]:
        """Return the followers who could be read at some moment: nobody else may be on disk."""
        return self._ever(user_id, self._world.follower_stays(user_id), self._world.statuses)

    def always_posts(self, user_id: int) -> list[int]:
        """Return the ids of the posts that could be read at every moment, newest first."""
        return self._always(user_id, self._world.post_stays(user_id), _shown)

    def ever_posts(self, user_id: int) -> list[int]:
        """Return the ids of the posts that could be read at some moment, newest first."""
        return self._ever(user_id, self._world.post_stays(user_id), _shown)

    def statuses(self, user_id: int) -> list[Status]:
        """Return what the user was, in the order of time: one of them is what a crawl met last."""
        fates = self._world.statuses(user_id)
        return [status for _, status in _between(fates, self._since, self._until)]

    def _always(self, owner_id: int, stays: Iterable[Stay], fates_of: Callable[[int], Fates]) -> list[int]:
        owner = self._statuses(self._world.statuses(owner_id))
        if not owner or any(status != "active" for status in owner):
            return []
        found = (
            stay.id
            for stay in stays
            if stay.joined <= self._since
            and (stay.left is None or stay.left > self._until)
            and all(status in _VISIBLE for status in self._statuses(fates_of(stay.id)))
        )
        return list(dict.fromkeys(found))

    def _ever(self, owner_id: int, stays: Iterable[Stay], fates_of: Callable[[int], Fates]) -> list[int]:
        owner = self._world.statuses(owner_id)
        found = (stay.id for stay in stays if self._met(owner, stay, fates_of(stay.id)))
        return list(dict.fromkeys(found))

    def _met(self, owner: Fates, stay: Stay, fates: Fates) -> bool:
        """Tell whether there was a moment at which all of it was true."""
        first = max(stay.joined, self._since)
        last = self._until if stay.left is None else min(stay.left - 1, self._until)
        changes = (moment for moment, _ in chain(owner, fates) if first < moment <= last)
        return first <= last and any(
            _at(owner, moment) == "active" and _at(fates, moment) in _VISIBLE
            for moment in chain((first,), changes)
        )

    def _statuses(self, fates: Fates) -> list[Status]:
        return [status for _, status in _between(fates, self._since, self._until)]


_VISIBLE = ("active", "protected")


def _shown(_post_id: int) -> Fates:
    return ((0, "active"),)


def _at(fates: Fates, moment: int) -> Status | None:
    return next((status for began, status in reversed(fates) if began <= moment), None)


def _between(fates: Fates, since: int, until: int) -> Fates:
    first = max((place for place, (began, _) in enumerate(fates) if began <= since), default=0)
    return [fate for fate in fates[first:] if fate[0] <= until]
