"""What the lookup service says of a user, of a name, and of a day."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime

import msgspec

from twittomatic.sinks.lookup.history import Interval, intervals, last_before, moment
from twittomatic.sinks.lookup.store import Known, ProfileStore

_LONGEST_NAME = 255  # bytes, the most that any network gives


class Holder(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who had a name, and the days from the first to the last on which he was seen under it."""

    id: str
    first_seen: date
    last_seen: date


class ThatDay(msgspec.Struct, frozen=True, kw_only=True):
    """How it stood on a day.

    Attributes:
        day: The day.
        id: Who had the name, or the user himself.
        username: His name.
        first_seen: The first day on which he was seen under it.
        last_seen: The last one.
        certain: Whether the day lies between these two; else this is what was last seen before it.
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
        id: Decimal.
        username: The name under which he was last seen, empty where his profiles have none.
        seen_at: When his last profile came, RFC 3339, UTC.
        profile: That profile, as the network wrote it.
        names: Under which names he was seen, from the first to the last.
        holders: Where a name was asked for: who had it, from the first to the last.
        at: Where a day was asked for: how it stood then.
    """

    id: str
    username: str
    seen_at: datetime
    profile: msgspec.Raw
    names: list[Interval]
    holders: list[Holder] = []
    at: ThatDay | None = None


def by_id(store: ProfileStore, text: str, day: date | None) -> User:
    """Return a user.

    Args:
        store: Of profiles.
        text: His id.
        day: Also tell under which name he was seen on it.

    Raises:
        LookupError: he was never seen, or not by that day.
        ValueError: that is no id.
    """
    if not re.fullmatch(r"[0-9]{1,19}", text):
        raise ValueError(f"{_shown(text)} is no user id; give 1 to 19 digits")
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
    return _user(known, at=_that_day(known, one, day))


def by_name(store: ProfileStore, text: str, day: date | None) -> User:
    """Return who was seen last under a name, with everybody who ever was.

    Args:
        store: Of profiles.
        text: The name, upper and lower case alike, with or without @.
        day: Return instead who was seen under it on that day.

    Raises:
        LookupError: nobody was seen under it, or not by that day.
        ValueError: that can be no name.
    """
    name = text.strip().removeprefix("@")
    if not name or not name.isprintable() or len(name.encode(errors="replace")) > _LONGEST_NAME:
        raise ValueError(f"{_shown(text)} is no screen name")
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
    return _user(known, holders=holders, at=_that_day(known, one, day))


def _under(known: Known, name: str) -> list[Interval]:
    """Return when a user was seen under a name."""
    return [one for one in intervals(known.names) if one.username.lower() == name.lower()]


def _last(known: Known, day: date) -> Interval | None:
    """Return under which name a user was last seen by a day."""
    return last_before(intervals(known.names), day)


def day_of(text: str) -> date:
    """Read a day.

    Raises:
        ValueError: it is none.
    """
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        raise ValueError(f"at: {_shown(text)} is no day; give one such as 2026-01-31")
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"at: there is no day {text}") from None


def _that_day(known: Known, one: Interval, day: date) -> ThatDay:
    return ThatDay(
        day=day,
        id=str(known.user_id),
        username=one.username,
        first_seen=one.first_seen,
        last_seen=one.last_seen,
        certain=day <= one.last_seen,
    )


def _user(known: Known, holders: Sequence[Holder] = (), at: ThatDay | None = None) -> User:
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
