"""One user as people write them: an id, a screen name, the URL of a profile."""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

_LARGEST_ID = 2**63 - 1
_NAME = re.compile(r"[A-Za-z0-9_]{1,15}")
_QUOTES = " \t\"'`“”„«»‘’<>"
_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?(?:[eE]\+?[0-9]+)?")  # in digits alone it is an id
_HOST = re.compile(r"(?:https?:)?(?://)?(?:(?:www|mobile|m)\.)?(?:x|twitter)\.com(?=[/?]|$)", re.IGNORECASE)
_NO_PROFILES = frozenset(
    (
        *("about", "compose", "download", "explore", "hashtag", "home", "i", "intent", "jobs", "login"),
        *("logout", "messages", "notifications", "privacy", "search", "settings", "share", "signup", "tos"),
    )
)
_NOT_OF_ONE_USER = frozenset(
    ("communities", "lists", "moments")
)  # what their URLs show is more than the user
_ABSENT = frozenset(("na", "nan", "none", "null", "nil"))  # what programs write where there is no value


class Handle(NamedTuple):
    """A user: by a decimal id without leading zeros, or by a lower-case screen name without @."""

    user_id: str = ""
    name: str = ""


def clean(text: str) -> str:
    """Remove what is pasted along with an id or a name: spaces, quotes, invisible characters."""
    if not text.isascii():
        text = "".join(letter for letter in text if unicodedata.category(letter) != "Cf").strip()
    return text.strip().strip(_QUOTES)


def parse(text: str, *, bare_names: bool = False) -> Handle:
    """Read one user.

    Args:
        text: As `clean` returns it.
        bare_names: Whether a name may lack its @, since nothing else than users can be meant.

    Raises:
        ValueError: the text is none; its message goes on from the text: "is neither ...".
    """
    if text.isascii() and text.isdigit():
        return Handle(user_id=_decimal(text))
    if text.startswith("@"):
        if not _NAME.fullmatch(text, 1):
            raise ValueError("is not a screen name, which is @ and 1 to 15 letters, digits or _")
        return Handle(name=text[1:].lower())
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
    return Handle(name=text.lower())


def _decimal(text: str) -> str:
    digits = text.lstrip("0") or "0"
    if len(digits) > 19 or int(digits) > _LARGEST_ID:
        raise ValueError(f"is too large for a user id, which is at most {_LARGEST_ID}")
    return digits


def _of_url(rest: str) -> Handle:
    """Return whose page an address on the network is, of which the host was cut off."""
    parts = urlsplit(f"//x{rest}")
    words = [unquote(word) for word in parts.path.split("/") if word]
    match [word.lower() for word in words[:2]]:
        case ["i", "user"] if len(words) > 2 and words[2].isascii() and words[2].isdigit():
            return Handle(user_id=_decimal(words[2]))
        case ["intent", "user" | "follow"]:
            query = {key: values[0] for key, values in parse_qs(parts.query).items()}
            user_id, name = query.get("user_id", ""), query.get("screen_name", "")
            if user_id.isascii() and user_id.isdigit():
                return Handle(user_id=_decimal(user_id))
        case [first, *more] if first not in _NO_PROFILES and not _NOT_OF_ONE_USER.intersection(more):
            name = words[0]
        case _:
            name = ""
    name = name.removeprefix("@")
    if not _NAME.fullmatch(name):
        raise ValueError("is not the URL of a user's profile")
    return Handle(name=name.lower())
