"""Parsers of settings: text to value, or ValueError that says what is allowed."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final, Generic, TypeVar
from urllib.parse import urlsplit

from twittomatic.model import MICROS_PER_USD

T = TypeVar("T")
UNLIMITED_DEPTH: Final = 1_000_000  # deeper than any path in a graph of 1e9 users
# Other letters have more than one spelling; use punycode.
_HOST: Final = re.compile(r"[a-z0-9._-]+|[0-9a-f:.]+(%[a-z0-9]+)?")
_AMBIGUOUS: Final = re.compile(r"[\s\\\x00-\x20\x7f]")  # some URL parsers skip them, others do not
_USERINFO: Final = re.compile(r"""//[^"']*@""")
_UNIT_S: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}


@dataclass(frozen=True)
class Parser(Generic[T]):
    """Turns the text of a setting into its value.

    Attributes:
        allowed: What the text may be, as it ends the sentence "give ...".
        read: Returns the value, or raises ValueError.
        none: The text that means None, None when no text does.
    """

    allowed: str
    read: Callable[[str], T]
    none: str | None = None

    def __call__(self, text: str) -> T:
        """Return the value of a text.

        Raises:
            ValueError: the text is not allowed; the message says what is.
        """
        try:
            return self.read(text)
        except _NotAllowed as reason:
            raise ValueError(str(reason)) from None
        except ValueError:
            raise ValueError(self.allowed) from None


class _NotAllowed(ValueError):
    """A text that is not allowed for a reason that the parser's `allowed` does not cover."""


any_text: Final = Parser("any text", str.strip)


def text(allowed: str, pattern: str) -> Parser[str]:
    """Accept a text that matches a regular expression."""
    matcher = re.compile(pattern)

    def read(text: str) -> str:
        return _require(matcher.fullmatch(text), text)

    return Parser(allowed, read)


def integer(lowest: int, highest: int) -> Parser[int]:
    """Accept a whole number within bounds."""

    def read(text: str) -> int:
        number = int(_require(re.fullmatch(r"[0-9]{1,12}", text), text))
        return _require(lowest <= number <= highest, number)

    return Parser(f"a whole number from {lowest} to {highest}", read)


def seconds(lowest: float, highest: float) -> Parser[float]:
    """Accept a number of seconds within bounds."""

    def read(text: str) -> float:
        value = float(text)
        return _require(lowest <= value <= highest, value)

    return Parser(f"seconds from {lowest:g} to {highest:g}", read)


def choice(*allowed: str) -> Parser[str]:
    """Accept one of some words."""

    def read(text: str) -> str:
        return _require(text in allowed, text)

    return Parser(" or ".join(allowed), read)


def url(*schemes: str, password: bool = False) -> Parser[str]:
    """Accept a URL that all URL parsers read the same way.

    Args:
        schemes: The schemes that are allowed.
        password: Whether `user:password@` may precede the host.
    """

    def read(text: str) -> str:
        parts = urlsplit(text)
        usable = parts.scheme in schemes and bool(_HOST.fullmatch(parts.hostname or ""))
        if usable and not password and "@" in parts.netloc:
            raise _NotAllowed(f"{parts.scheme}://HOST without user:password@, which the server would not get")
        usable = usable and parts.port != 0 and not _AMBIGUOUS.search(text)
        # A password with / ? or # in it ends the host early, and its rest would be shown as a path.
        return _require(usable and "@" not in parts.path + parts.query + parts.fragment, text).rstrip("/")

    return Parser(" or ".join(f"{scheme}://HOST" for scheme in schemes), read)


def without_password(text: str) -> str:
    """Replace `user:password@` in a URL, or in a sentence with one, even if it is malformed."""
    return _USERINFO.sub("//***@", text)


def micros(usd: float) -> int:
    """Return dollars as micro-dollars, rounded down."""
    return math.floor(usd * MICROS_PER_USD + 1e-6)


def _require(condition: object, value: T) -> T:
    if not condition:
        raise ValueError
    return value


def _path(text: str) -> Path:
    _require(text and "\0" not in text, text)
    try:
        return Path(text).expanduser()
    except RuntimeError:
        raise _NotAllowed("a path without ~, since the home directory that it means is unknown") from None


path: Final = Parser("a path", _path)
"""Accepts a path, in which `~` and `~USER` at the start are a home directory."""

optional_path: Final = Parser("a path", lambda text: _path(text) if text else None, none="")
"""Accepts a path, or the empty text for None."""

limit: Final = Parser(
    "a whole number of at least 1, or none",
    lambda text: None if text in ("", "none") else integer(1, 10**12 - 1)(text),
    none="none",
)
"""Accepts a limit, or `none`."""

depth: Final = Parser(
    f"a whole number from 0 to {UNLIMITED_DEPTH}, or unlimited",
    lambda text: UNLIMITED_DEPTH if text == "unlimited" else integer(0, UNLIMITED_DEPTH)(text),
)
"""Accepts a number of hops, or `unlimited`."""


def _age(text: str) -> timedelta | None:
    if text == "never":
        return None
    match = re.fullmatch(r"([0-9]{1,9})([smhdw])", text)
    if not match:
        raise ValueError
    return timedelta(seconds=int(match[1]) * _UNIT_S[match[2]])


age: Final = Parser("never, or a whole number and its unit: 90s, 15m, 12h, 30d or 8w", _age, none="never")
"""Accepts a time span, or `never` for None."""


def _share(text: str) -> float:
    value = float(_require(re.fullmatch(r"[0-9]{1,3}(\.[0-9]{1,9})?|\.[0-9]{1,9}", text), text))
    return _require(0 <= value <= 1, value)


share: Final = Parser("a number from 0 to 1, such as 0.5", _share)
"""Accepts a fraction of a whole."""


def _budget(text: str) -> float | None:
    if text in ("", "none"):
        return None
    value = float(text)
    return _require(math.isfinite(value) and 0 < value <= 1e9, value)


budget: Final = Parser("dollars, more than 0 and at most 1e9, such as 25 or 12.50", _budget, none="")
"""Accepts dollars, or `none`."""


def _switch(text: str) -> bool:
    word = text.lower()
    _require(word in ("true", "false", "yes", "no", "1", "0"), word)
    return word in ("true", "yes", "1")


switch: Final = Parser("true or false", _switch)
"""Accepts true or false, also as yes and no, 1 and 0."""


def _redis_url(text: str) -> str:
    if not text:
        return text
    scheme = text.partition("://")[0]
    _require(scheme in ("redis", "rediss", "unix", "redis+sentinel") and text != f"{scheme}://", text)
    if scheme == "redis+sentinel" and not re.fullmatch(
        r"redis\+sentinel://([^@/]*@)?[^/,:]+:\d+(,[^/,:]+:\d+)*/[^/]+(/\d+)?", text
    ):
        raise _NotAllowed("redis+sentinel://host:port,host:port/service")
    if scheme == "unix":
        place, mark, query = text.removeprefix("unix://").partition("?")
        if place.startswith("~"):
            place = str(_path(place))
        if not place.startswith("/") and "@/" not in place:
            raise _NotAllowed("unix:///PATH, the whole path of the server's socket")
        return f"unix://{place}{mark}{query}"
    return text


redis_url: Final = Parser("empty, or redis:// rediss:// unix:// redis+sentinel://h:p,h:p/service", _redis_url)
"""Accepts the address of a Redis or Valkey server, or the empty text for the embedded one."""
