"""Under which names a user was seen, day by day: what answers who had a name on a day.

Names change hands, and sightings come in any order: of a list that took long after those of one that was
short, of a file that is read again. So every sighting is kept, to the day, and what is made of them depends
on nothing but them: adding one twice changes nothing, and the order in which they come does not matter.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import accumulate, pairwise

import msgspec

_DAY_S = 86_400
_EPOCH = date(1970, 1, 1)


class Name(msgspec.Struct, frozen=True, array_like=True):
    """A name, and the days on which a user was seen under it.

    Attributes:
        name: As it was spelled when it was seen last; upper and lower case are the same name.
        at: When that was, seconds since the epoch.
        days: Days since the epoch, ascending; each but the first counted from the one before it.
    """

    name: str
    at: int
    days: list[int]


class Interval(msgspec.Struct, frozen=True, kw_only=True):
    """The days from the first to the last on which a user was seen under a name, and under no other."""

    username: str
    first_seen: date
    last_seen: date


def add_sighting(names: Sequence[Name], name: str, at: int) -> list[Name] | None:
    """Return the names of a user with one more sighting, None where that changes nothing.

    Args:
        names: As an earlier call returned them.
        name: Seen now.
        at: When, seconds since the epoch.
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
    """Return under which names a user was seen, from the first day to the last; a name can come back."""
    sightings = []
    for place, one in enumerate(names):
        *earlier, last = accumulate(one.days)
        # Of two names on one day, one that was not seen later came first.
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
    """Return the interval that a day lies in, or else the last one before it, None where none is."""
    begun = [one for one in found if one.first_seen <= day]
    return begun[-1] if begun else None


def moment(at: int) -> datetime:
    """Return seconds since the epoch as an aware time, for an answer."""
    return datetime.fromtimestamp(at, UTC)
