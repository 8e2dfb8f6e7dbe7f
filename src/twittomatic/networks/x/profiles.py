"""Present a stored profile to SELECT and PRIORITY: with every field, each always of the same type.

An expression such as `followers_count >= 100 && !protected` must be defined for every profile, whatever X
left out, in either dialect. So each field has a default, which also replaces values of a wrong type. The
counts are lifted out of `public_metrics`; `entities` are left out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Annotated, Any, cast

import msgspec

from twittomatic.networks.base import Counts

Count = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
"""Range of an integer in an expression."""

EXAMPLE = b"""{"id":"22013880","name":"Ada of Pisa","username":"ada","created_at":"2009-02-26T10:00:00.000Z",
"description":"Counts bridges","location":"Pisa","url":"https://example.org/","protected":true,"verified":true,
"verified_type":"blue","profile_image_url":"https://example.org/a.png","public_metrics":{"followers_count":2000,
"following_count":300,"tweet_count":4000,"listed_count":50,"like_count":6000,"media_count":70}}"""
"""A profile on which the branches of an expression are taken that an empty one does not take."""

_RFC3339 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?(?:Z|[+-][0-9]{2}:[0-9]{2})"
)
_DATES: tuple[Callable[[str], datetime], ...] = (
    datetime.fromisoformat,
    lambda text: datetime.strptime(text, "%a %b %d %H:%M:%S %z %Y"),  # X's API before version 2
    parsedate_to_datetime,
    lambda text: datetime.fromtimestamp(float(text) / (1000 if float(text) > 1e11 else 1), UTC),
)
_NEVER = "1970-01-01T00:00:00.000Z"  # so that timestamp(created_at) is always one


class _Metrics(msgspec.Struct):
    followers_count: Count = 0
    following_count: Count = 0
    listed_count: Count = 0
    like_count: Count = 0
    media_count: Count = 0
    tweet_count: Count = 0
    post_count: Count = 0


class _Affiliation(msgspec.Struct):
    badge_url: str = ""
    description: str = ""
    url: str = ""
    user_id: list[str] = []


class _Withheld(msgspec.Struct):
    country_codes: list[str] = []
    scope: str = ""


class _Profile(msgspec.Struct):
    id: str = ""
    name: str = ""
    username: str = ""
    created_at: str = _NEVER
    description: str = ""
    location: str = ""
    url: str = ""
    protected: bool = False
    verified: bool = False
    verified_type: str = "none"
    verified_followers_count: Count = 0
    is_identity_verified: bool = False
    parody: bool = False
    subscription_type: str = "None"
    profile_image_url: str = ""
    profile_banner_url: str = ""
    pinned_tweet_id: str = ""
    pinned_post_id: str = ""
    most_recent_tweet_id: str = ""
    most_recent_post_id: str = ""
    affiliation: _Affiliation = msgspec.field(default_factory=_Affiliation)
    withheld: _Withheld = msgspec.field(default_factory=_Withheld)
    public_metrics: _Metrics = msgspec.field(default_factory=_Metrics)


class _Named(msgspec.Struct):
    username: str = ""


_decode = msgspec.json.Decoder(_Profile).decode
_decode_named = msgspec.json.Decoder(_Named).decode
_fields: Callable[[msgspec.Struct], dict[str, Any]] = msgspec.structs.asdict
_BROKEN = (msgspec.MsgspecError, ValueError, RecursionError)
_BOTH_NAMES = (
    ("tweet_count", "post_count"),
    ("pinned_tweet_id", "pinned_post_id"),
    ("most_recent_tweet_id", "most_recent_post_id"),
)


def lifted(record: bytes) -> Mapping[str, object]:
    """Return the fields of a profile for an expression; never fails, whatever the record holds.

    By default texts are empty, counts 0, flags false, `verified_type` is `none`, `subscription_type` is
    `None`, and `created_at` is the beginning of 1970, in X's own format. A field that the two dialects name
    differently has both names. `affiliation` and `withheld` are maps with all their fields.

    Args:
        record: The JSON object of a user, as X wrote it.
    """
    try:
        profile = _decode(record)
    except _BROKEN:
        profile = _salvaged(record)
    view = _fields(profile)
    if not _RFC3339.fullmatch(profile.created_at):
        view["created_at"] = _rfc3339(profile.created_at)
    view.update(_fields(view.pop("public_metrics")))
    view["affiliation"] = _fields(profile.affiliation)
    view["withheld"] = _fields(profile.withheld)
    for older, newer in _BOTH_NAMES:
        view[older] = view[newer] = view[older] or view[newer]
    return view


class _Counted(msgspec.Struct):
    protected: Any = False
    public_metrics: Any = None


_decode_counted = msgspec.json.Decoder(_Counted).decode


def counts_of(record: bytes) -> Counts:
    """Return the counts in a profile; a count that is missing or malformed is None."""
    try:
        profile = _decode_counted(record)
    except _BROKEN:
        return Counts()
    metrics = profile.public_metrics if isinstance(profile.public_metrics, dict) else {}
    posts = _count(metrics.get("tweet_count"))
    return Counts(
        followers=_count(metrics.get("followers_count")),
        posts=_count(metrics.get("post_count")) if posts is None else posts,
        unavailable="protected" if _flag(profile.protected) else None,
    )


def _count(value: object) -> int | None:
    """Read a count: an integer, an integral float, or either as text."""
    with suppress(*_BROKEN):
        count = msgspec.convert(value, int | float | None, strict=False) if value is not True else None
        if isinstance(count, int | float) and 0 <= count < 2**40 and count == int(count):
            return int(count)
    return None


def _flag(value: object) -> bool:
    with suppress(*_BROKEN):
        return msgspec.convert(value, bool, strict=False)
    return False


def name_of(record: bytes) -> str:
    """Return the screen name in a profile, empty if it has none; never fails."""
    try:
        return _decode_named(record).username
    except _BROKEN:
        return _salvaged(record).username


def _salvaged(record: bytes) -> _Profile:
    """Decode a profile field by field, with the default for each that has a wrong type."""
    try:
        return cast("_Profile", _fitting(_Profile, json.loads(record.decode(errors="replace"))))
    except _BROKEN:
        return _Profile()


def _fitting(kind: type[msgspec.Struct], content: Any) -> msgspec.Struct:
    fields = {}
    for field in msgspec.structs.fields(kind):
        if isinstance(content, dict) and field.name in content:
            value = content[field.name]
            if isinstance(field.type, type) and issubclass(field.type, msgspec.Struct):
                fields[field.name] = _fitting(field.type, value)
            else:
                with suppress(*_BROKEN):  # X writes some numbers as text, others write ids as numbers
                    number = field.type is str and isinstance(value, int | float)
                    clean = str(value) if number and not isinstance(value, bool) else _clean(value)
                    fields[field.name] = msgspec.convert(clean, field.type, strict=False)
    return kind(**fields)


def _rfc3339(text: str) -> str:
    """Return a time in the format of X's API v2; the beginning of 1970 if it cannot be read."""
    for read in _DATES:
        with suppress(*_BROKEN, OverflowError, OSError, TypeError, IndexError):
            moment = read(text.strip())
            moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
            return moment.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"
    return _NEVER


def _clean(value: Any) -> Any:
    """Replace lone surrogates, which cannot be encoded."""
    if isinstance(value, str):
        return value.encode(errors="replace").decode()
    return [_clean(item) for item in value] if isinstance(value, list) else value
