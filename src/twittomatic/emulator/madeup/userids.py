"""User ids of a computed world: old ones of 1 to 10 digits, and 19-digit snowflakes.

Ordinals and ids are mapped onto each other in both directions by arithmetic alone.
"""

import msgspec
import numpy as np

from .permutation import Permutation
from .prng import Array, mix

OLD_SHARE = 0.4
FIRST_SNOWFLAKE = 10**18
PAST_SNOWFLAKES = 195 * 10**16  # July 2025 (ids are milliseconds << 22)
MAX_OLD_ID = (1 << 32) - 1

_NO_ORDINAL = np.uint64((1 << 64) - 1)


class _Stratum(msgspec.Struct, frozen=True, kw_only=True):
    """Ordinals first to first + quota - 1, scattered over the ids from `base` on."""

    first: int
    quota: int
    base: int
    spread: Permutation


class UserIds:
    """Maps ordinals 0 to population - 1 onto user ids, and back.

    Args:
        seed: The seed that decides which ids exist.
        population: 1 to 1e9.
    """

    def __init__(self, seed: int, population: int) -> None:
        self._strata: list[_Stratum] = []
        rest = int(population * OLD_SHARE)
        first = 0
        for digits in range(1, 11):
            base = 10 ** (digits - 1)
            room = min(10**digits, MAX_OLD_ID + 1) - base
            quota = min(room // 2 if digits < 10 else room, -(-rest // (11 - digits)))
            first = self._add(seed, first, quota, base, room)
            rest -= quota
        self._add(seed, first, population - first, FIRST_SNOWFLAKE, PAST_SNOWFLAKES - FIRST_SNOWFLAKE)

    def id_at(self, ordinal: int) -> int:
        """Return the user id of an ordinal."""
        stratum = next(s for s in self._strata if ordinal < s.first + s.quota)
        return stratum.base + stratum.spread.forward(ordinal - stratum.first)

    def ordinal_of(self, user_id: int) -> int | None:
        """Return the ordinal of a user id, or None if no user has it."""
        for stratum in self._strata:
            if stratum.base <= user_id < stratum.base + stratum.spread.size:
                place = stratum.spread.back(user_id - stratum.base)
                return stratum.first + place if place < stratum.quota else None
        return None

    def ids_at(self, ordinals: Array) -> Array:
        """Return the user ids of many ordinals."""
        ids = np.empty_like(ordinals)
        for s in self._strata:
            mine = (ordinals >= np.uint64(s.first)) & (ordinals < np.uint64(s.first + s.quota))
            ids[mine] = s.spread.forward_array(ordinals[mine] - np.uint64(s.first)) + np.uint64(s.base)
        return ids

    def ordinals_of(self, user_ids: Array) -> Array:
        """Return the ordinals of many user ids; 2**64 - 1 for those that no user has."""
        ordinals = np.full_like(user_ids, _NO_ORDINAL)
        for s in self._strata:
            mine = (user_ids >= np.uint64(s.base)) & (user_ids < np.uint64(s.base + s.spread.size))
            places = s.spread.back_array(user_ids[mine] - np.uint64(s.base))
            taken = places < np.uint64(s.quota)
            ordinals[mine] = np.where(taken, places + np.uint64(s.first), _NO_ORDINAL)
        return ordinals

    def _add(self, seed: int, first: int, quota: int, base: int, room: int) -> int:
        spread = Permutation(mix(seed, base), room)
        self._strata.append(_Stratum(first=first, quota=quota, base=base, spread=spread))
        return first + quota
