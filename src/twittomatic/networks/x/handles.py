"""Read one user of X as people write it: an id, a screen name, the URL of a profile."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, unquote, urlsplit

from twittomatic.networks.base import GivenTarget

_LARGEST_ID = 2**63 - 1
_NAME = re.compile(r"[A-Za-z0-9_]{1,15}")
_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?(?:[eE]\+?[0-9]+)?")  # digits alone are an id
_HOST = re.compile(r"(?:https?:)?(?://)?(?:(?:www|mobile|m)\.)?(?:x|twitter)\.com(?=[/?]|$)", re.IGNORECASE)
_NO_PROFILES = frozenset(
    (
        *("about", "compose", "download", "explore", "hashtag", "home", "i", "intent", "jobs", "login"),
        *("logout", "messages", "notifications", "privacy", "search", "settings", "share", "signup", "tos"),
    )
)
_NOT_OF_ONE_USER = frozenset(("communities", "lists", "moments"))  # their URLs show more than the user
_ABSENT = frozenset(("na", "nan", "none", "null", "nil"))  # how programs write a missing value


def parse(text: str, *, bare_names: bool = False) -> GivenTarget:
    """Read one user.

    Args:
        text: Without spaces and quotes around it.
        bare_names: Whether a name may lack its @, since nothing else than users can be meant.

    Raises:
        ValueError: the text is not valid; the message continues the text: "is neither ...".
    """
    if text.isascii() and text.isdigit():
        return GivenTarget(user_id=_decimal(text))
    if text.startswith("@"):
        if not _NAME.fullmatch(text, 1):
            raise ValueError("is not a screen name, which is @ and 1 to 15 letters, digits or _")
        return GivenTarget(name=text[1:].lower())
    host = _HOST.match(text)
    if host:
        return _of_url(text[host.end() :])
    if "://" in text:
        raise ValueError("is not the URL of a profile on x.com or twitter.com")
    if _NUMBER.fullmatch(text):
        raise ValueError("is a number, but not an id: a spreadsheet may have rounded it; export ids as text")
    if not _NAME.fullmatch(text):
        raise ValueError("is neither a user id, nor an @name, nor the URL of a profile")
    if not bare_names:
        raise ValueError(f"is neither a user id, nor an @name; for the user of that name write @{text}")
    if text.lower() in _ABSENT:
        raise ValueError(f"seems to stand for a missing value; if it is a name, write @{text}")
    return GivenTarget(name=text.lower())


def _decimal(text: str) -> str:
    digits = text.lstrip("0") or "0"
    if len(digits) > 19 or int(digits) > _LARGEST_ID:
        raise ValueError(f"is too large for a user id, which is at most {_LARGEST_ID}")
    return digits


def _of_url(rest: str) -> GivenTarget:
    """Read the user from the rest of a profile's URL, without its host."""
    parts = urlsplit(f"//x{rest}")
    words = [unquote(word) for word in parts.path.split("/") if word]
    match [word.lower() for word in words[:2]]:
        case ["i", "user"] if len(words) > 2 and words[2].isascii() and words[2].isdigit():
            return GivenTarget(user_id=_decimal(words[2]))
        case ["intent", "user" | "follow"]:
            query = {key: values[0] for key, values in parse_qs(parts.query).items()}
            user_id, name = query.get("user_id", ""), query.get("screen_name", "")
            if user_id.isascii() and user_id.isdigit():
                return GivenTarget(user_id=_decimal(user_id))
        case [first, *more] if first not in _NO_PROFILES and not _NOT_OF_ONE_USER.intersection(more):
            name = words[0]
        case _:
            name = ""
    name = name.removeprefix("@")
    if not _NAME.fullmatch(name):
        raise ValueError("is not the URL of a user's profile")
    return GivenTarget(name=name.lower())
