"""Answers of the lookup service: a user by id or name, now or on a given day."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime

import msgspec

from twittomatic.sinks.lookup.history import Interval, intervals, last_before, moment
from twittomatic.sinks.lookup.store import Known, ProfileStore

_MAX_NAME_BYTES = 255  # the longest name of any network


class Holder(msgspec.Struct, frozen=True, kw_only=True):
    """A user who had a name, and the first and last day on which the user was seen under it."""

    id: str
    first_seen: date
    last_seen: date


class DayAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Who had a name, or which name a user had, on a given day.

    Attributes:
        day: The day.
        id: The user's id.
        username: The user's name on that day.
        first_seen: The first day on which the user was seen under it.
        last_seen: The last day on which the user was seen under it.
        certain: Whether the day lies between these two; otherwise this is the last observation before it.
    """

    day: date
    id: str
    username: str
    first_seen: date
    last_seen: date
    certain: bool


class User(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A user.

    Attributes:
        id: The user id in decimal.
        username: The most recently seen name, empty if no profile has one.
        seen_at: When the most recent profile was fetched.
        profile: That profile, as received from the network.
        names: All names under which the user was seen, oldest first.
        holders: For a query by name: all users seen under it, oldest first.
        at: For a query with a day: the answer for that day.
    """

    id: str
    username: str
    seen_at: datetime
    profile: msgspec.Raw
    names: list[Interval]
    holders: list[Holder] = []
    at: DayAnswer | None = None


def by_id(store: ProfileStore, text: str, day: date | None) -> User:
    """Return a user by id.

    Args:
        store: The profile store.
        text: The id.
        day: If given, the answer includes the user's name on that day.

    Raises:
        LookupError: The user was never seen, or not by that day.
        ValueError: The text is not an id.
    """
    if not re.fullmatch(r"[0-9]{1,19}", text):
        raise ValueError(f"{_shown(text)} is not a user id; give 1 to 19 digits")
    [known] = store.users([int(text)])
    if known is None:
        raise LookupError(f"user {text} was never seen")
    if day is None:
        return _user(known)
    if not known.names:
        raise LookupError(f"user {text} was never seen under a name")
    one = _last(known, day)
    if one is None:
        raise LookupError(f"user {text} was not seen by {day}")
    return _user(known, at=_day_answer(known, one, day))


def by_name(store: ProfileStore, text: str, day: date | None) -> User:
    """Return the user most recently seen under a name, with all users ever seen under it.

    Args:
        store: The profile store.
        text: The name, case-insensitive, with or without @.
        day: If given, return the user who had the name on that day instead.

    Raises:
        LookupError: No user was seen under the name, or not by that day.
        ValueError: The text cannot be a name.
    """
    name = text.strip().removeprefix("@")
    if not name or not name.isprintable() or len(name.encode(errors="replace")) > _MAX_NAME_BYTES:
        raise ValueError(f"{_shown(text)} is not a screen name")
    found = store.holders(name)
    if not found:
        raise LookupError(f"nobody was ever seen as @{name}")
    held = {known.user_id: _under(known, name) for known in found}
    holders = sorted(
        (
            Holder(id=str(user_id), first_seen=one.first_seen, last_seen=one.last_seen)
            for user_id, ones in held.items()
            for one in ones
        ),
        key=lambda one: (one.first_seen, one.last_seen),
    )
    if day is None:
        return _user(found[0], holders=holders)
    begun = [(one, known) for known in found if (one := last_before(held[known.user_id], day))]
    if not begun:
        raise LookupError(f"nobody was seen as @{name} by {day}")
    still = [(one, known) for one, known in begun if day <= one.last_seen or one == _last(known, day)]
    one, known = max(still or begun, key=lambda pair: (min(pair[0].last_seen, day), pair[0].first_seen))
    if not still and (other := _last(known, day)):
        raise LookupError(
            f"nobody had the name @{name} on {day}: user {known.user_id}, last seen under it on "
            f"{one.last_seen}, was seen as @{other.username} by then"
        )
    return _user(known, holders=holders, at=_day_answer(known, one, day))


def _under(known: Known, name: str) -> list[Interval]:
    """Return the intervals in which a user was seen under a name."""
    return [one for one in intervals(known.names) if one.username.lower() == name.lower()]


def _last(known: Known, day: date) -> Interval | None:
    """Return the last interval that began by a day."""
    return last_before(intervals(known.names), day)


def day_of(text: str) -> date:
    """Parse a day.

    Raises:
        ValueError: The text is not a day.
    """
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        raise ValueError(f"at: {_shown(text)} is not a day; give one such as 2026-01-31")
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"at: there is no day {text}") from None


def _day_answer(known: Known, one: Interval, day: date) -> DayAnswer:
    return DayAnswer(
        day=day,
        id=str(known.user_id),
        username=one.username,
        first_seen=one.first_seen,
        last_seen=one.last_seen,
        certain=day <= one.last_seen,
    )


def _user(known: Known, holders: Sequence[Holder] = (), at: DayAnswer | None = None) -> User:
    newest = max(known.names, key=lambda one: one.at, default=None)
    return User(
        id=str(known.user_id),
        username=newest.name if newest else "",
        seen_at=moment(known.at),
        profile=msgspec.Raw(known.record),
        names=intervals(known.names),
        holders=list(holders),
        at=at,
    )


def _shown(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:40] + "…")
