"""A world of up to a billion users, computed from a seed on demand."""

from collections.abc import Sequence
from typing import cast

import numpy as np

from ..madeup.followgraph import FollowGraph
from ..madeup.prng import derive, mix
from ..madeup.userids import UserIds
from ..madeup.world import MadeUpWorld
from .base import Status, User

MAX_USERS = 1_000_000_000

PROTECTED, SUSPENDED, DELETED = 50, 30, 20  # of 1,000 accounts


class ProceduralWorld(MadeUpWorld):
    """Computed users with heavy-tailed follower counts; some are protected, suspended or deleted.

    Followers and following agree: B is in followers(A) if and only if A is in following(B).

    Args:
        users: The number of users, 1 to 1e9.
        seed: Any integer; the same seed and size give the same world.

    Raises:
        ValueError: The size is out of range.
    """

    def __init__(self, users: int, *, seed: int = 0) -> None:
        if not 1 <= users <= MAX_USERS:
            raise ValueError(f"a computed world has 1 to {MAX_USERS} users, not {users}")
        super().__init__(seed, users)
        self._graph = FollowGraph(derive(seed, "follows"), users)
        self._user_ids = UserIds(derive(seed, "userids"), users)
        self._status_seed = derive(seed, "fates")

    def id_at(self, ordinal: int) -> int:
        """Return the user id of an ordinal."""
        return self._user_ids.id_at(ordinal)

    def ordinal_of(self, user_id: int) -> int | None:
        """Return the ordinal of a user id, or None if no user has it."""
        return self._user_ids.ordinal_of(user_id)

    def status_at(self, ordinal: int) -> Status:
        """Return the status of the account."""
        fate = mix(self._status_seed, ordinal) % 1000
        if fate < PROTECTED:
            return "protected"
        if fate < PROTECTED + SUSPENDED:
            return "suspended"
        return "deleted" if fate < PROTECTED + SUSPENDED + DELETED else "active"

    def users(self, user_ids: Sequence[int]) -> list[User | None]:
        """Return the accounts; all counts are computed at once."""
        ids = np.array(user_ids, np.uint64)
        ordinals = self._user_ids.ordinals_of(ids)
        known = np.flatnonzero(ordinals < np.uint64(self.population))
        followers, following = self._graph.counts(ordinals[known])
        found: list[User | None] = [None] * len(user_ids)
        rows = zip(
            known.tolist(),
            ids[known].tolist(),
            ordinals[known].tolist(),
            followers.tolist(),
            following.tolist(),
            strict=True,
        )
        for place, user_id, ordinal, follower_count, following_count in rows:
            found[place] = self.profile(user_id, ordinal, follower_count, following_count)
        return found

    def follower_count(self, user_id: int) -> int:
        """Return the number of followers."""
        ordinal = self.ordinal_of(user_id)
        return 0 if ordinal is None else self._graph.follower_count(ordinal)

    def followers(self, user_id: int, start: int, stop: int) -> Sequence[int]:
        """Return followers[start:stop], computed at once."""
        ordinal = self.ordinal_of(user_id)
        if ordinal is None:
            return []
        ids = self._user_ids.ids_at(self._graph.followers(ordinal, start, stop))
        return cast("list[int]", ids.tolist())

    def following_count(self, user_id: int) -> int:
        """Return the number of users followed."""
        ordinal = self.ordinal_of(user_id)
        return 0 if ordinal is None else self._graph.following_count(ordinal)

    def following(self, user_id: int, start: int, stop: int) -> Sequence[int]:
        """Return following[start:stop]."""
        ordinal = self.ordinal_of(user_id)
        if ordinal is None:
            return []
        ordinals = np.array(self._graph.following(ordinal, start, stop), np.uint64)
        return cast("list[int]", self._user_ids.ids_at(ordinals).tolist())
