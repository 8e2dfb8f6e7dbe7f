"""Name history: the days on which a user was seen under each name.

Names change hands, and sightings arrive in any order: lists take different times, and files are read again.
So every sighting is kept with a resolution of one day, and the result depends only on the set of sightings:
adding one is idempotent and commutative.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import accumulate, pairwise

import msgspec

_DAY_S = 86_400
_EPOCH = date(1970, 1, 1)


class Name(msgspec.Struct, frozen=True, array_like=True):
    """A name and the days on which a user was seen under it.

    Attributes:
        name: The most recent spelling; names are case-insensitive.
        at: When it was last seen, in seconds since the epoch.
        days: Days since the epoch, ascending and delta-encoded: each is relative to the one before it.
    """

    name: str
    at: int
    days: list[int]


class Interval(msgspec.Struct, frozen=True, kw_only=True):
    """A range of days in which a user was seen under one name and no other."""

    username: str
    first_seen: date
    last_seen: date


def add_sighting(names: Sequence[Name], name: str, at: int) -> list[Name] | None:
    """Return a user's names with one more sighting, or None if it adds nothing.

    Args:
        names: The result of an earlier call.
        name: The name that was seen.
        at: When it was seen, in seconds since the epoch.
    """
    key, day = name.lower(), at // _DAY_S
    place = next((place for place, one in enumerate(names) if one.name.lower() == key), None)
    if place is None:
        added = [*names, Name(name, at, [day])]
    else:
        before = names[place]
        days = {*accumulate(before.days), day}
        last = max((before.at, before.name), (at, name))
        now = Name(last[1], last[0], _distances(sorted(days)))
        if now == before:
            return None
        added = [*names[:place], now, *names[place + 1 :]]
    return sorted(added, key=lambda one: (one.days[0], one.name.lower()))


def intervals(names: Sequence[Name]) -> list[Interval]:
    """Return the intervals of a user's names in order of time; a name can appear more than once."""
    sightings = []
    for place, one in enumerate(names):
        *earlier, last = accumulate(one.days)
        # If two names were seen on one day, the one that was not seen later comes first.
        sightings += [(day, _DAY_S, place) for day in earlier] + [(last, one.at % _DAY_S, place)]
    found: list[Interval] = []
    before = None
    for day, _, place in sorted(sightings):
        if place == before:
            found[-1] = msgspec.structs.replace(found[-1], last_seen=_date(day))
        else:
            found.append(Interval(username=names[place].name, first_seen=_date(day), last_seen=_date(day)))
        before = place
    return found


def _distances(days: Sequence[int]) -> list[int]:
    return [*days[:1], *(later - earlier for earlier, later in pairwise(days))]


def _date(day: int) -> date:
    return _EPOCH + timedelta(days=day)


def last_before(found: Sequence[Interval], day: date) -> Interval | None:
    """Return the interval that contains a day, else the last one before it, else None."""
    begun = [one for one in found if one.first_seen <= day]
    return begun[-1] if begun else None


def moment(at: int) -> datetime:
    """Return seconds since the epoch as an aware UTC time."""
    return datetime.fromtimestamp(at, UTC)
