"""What the text of a setting may be: each returns the value, or raises ValueError saying what is allowed."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from twittomatic.model import MICROS_PER_USD

UNLIMITED_DEPTH: Final = 1_000_000  # deeper than any path in a graph of 1e9 users
_HOST: Final = re.compile(
    r"[a-z0-9._-]+|[0-9a-f:.]+(%[a-z0-9]+)?"
)  # other letters are spelled in more than one way; there is punycode
_UNSPEAKABLE: Final = re.compile(r"[\s\\\x00-\x20\x7f]")  # which one reader of an address skips, another not
_UNIT_S: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}


def text(allowed: str, pattern: str) -> Callable[[str], str]:
    matcher = re.compile(pattern)

    def parse(text: str) -> str:
        if not matcher.fullmatch(text):
            raise ValueError(allowed)
        return text

    return parse


def path(text: str) -> Path:
    """A path, in which `~` and `~USER` at its start are a home directory."""
    if not text or "\0" in text:
        raise ValueError("a path")
    try:
        return Path(text).expanduser()
    except RuntimeError:
        raise ValueError("a path without ~, since the home directory that it means is unknown") from None


def optional_path(text: str) -> Path | None:
    return path(text) if text else None


def integer(lowest: int, highest: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,12}", text) or not lowest <= int(text) <= highest:
            raise ValueError(f"a whole number from {lowest} to {highest}")
        return int(text)

    return parse


def limit(text: str) -> int | None:
    if text in ("", "none"):
        return None
    try:
        return integer(1, 10**12 - 1)(text)
    except ValueError:
        raise ValueError("a whole number of at least 1, or none") from None


def depth(text: str) -> int:
    if text == "unlimited":
        return UNLIMITED_DEPTH
    try:
        return integer(0, UNLIMITED_DEPTH)(text)
    except ValueError:
        raise ValueError(f"a whole number from 0 to {UNLIMITED_DEPTH}, or unlimited") from None


def age(text: str) -> float | None:
    """A time span as seconds, None for `never`."""
    if text == "never":
        return None
    match = re.fullmatch(r"([0-9]{1,9})([smhdw])", text)
    if not match:
        raise ValueError("never, or a whole number and its unit: 90s, 15m, 12h, 30d or 8w")
    return float(int(match[1]) * _UNIT_S[match[2]])


def seconds(lowest: float, highest: float) -> Callable[[str], float]:
    def parse(text: str) -> float:
        allowed = f"seconds from {lowest:g} to {highest:g}"
        try:
            value = float(text)
        except ValueError:
            raise ValueError(allowed) from None
        if not lowest <= value <= highest:
            raise ValueError(allowed)
        return value

    return parse


def share(text: str) -> float:
    if not re.fullmatch(r"[0-9]{1,3}(\.[0-9]{1,9})?|\.[0-9]{1,9}", text) or not 0 <= float(text) <= 1:
        raise ValueError("a number from 0 to 1, such as 0.5")
    return float(text)


def budget(text: str) -> int | None:
    """Dollars as micro-dollars."""
    if text in ("", "none"):
        return None
    allowed = "dollars, more than 0 and at most 1e9, such as 25 or 12.50"
    try:
        value = float(text)
    except ValueError:
        raise ValueError(allowed) from None
    if not math.isfinite(value) or not 0 < value <= 1e9:
        raise ValueError(allowed)
    return math.floor(value * MICROS_PER_USD + 1e-6)


def choice(*allowed: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in allowed:
            raise ValueError(" or ".join(allowed))
        return text

    return parse


def switch(text: str) -> bool:
    if text.lower() not in ("true", "false", "yes", "no", "1", "0"):
        raise ValueError("true or false")
    return text.lower() in ("true", "yes", "1")


def url(*schemes: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        try:
            parts = urlsplit(text)
            usable = parts.scheme in schemes and bool(_HOST.fullmatch(parts.hostname or ""))
            usable = usable and parts.port != 0 and not _UNSPEAKABLE.search(text)
            # A password with / ? or # in it ends the host early, and its rest would be shown as a path.
            usable = usable and "@" not in parts.path + parts.query + parts.fragment
        except ValueError:
            usable = False
        if not usable:
            raise ValueError(" or ".join(f"{scheme}://HOST" for scheme in schemes))
        return text.rstrip("/")

    return parse


def redis_url(text: str) -> str:
    if not text:
        return text
    scheme = text.partition("://")[0]
    if scheme not in ("redis", "rediss", "unix", "redis+sentinel") or text == f"{scheme}://":
        raise ValueError("empty, or redis:// rediss:// unix:// redis+sentinel://h:p,h:p/service")
    if scheme == "redis+sentinel" and not re.fullmatch(
        r"redis\+sentinel://([^@/]*@)?[^/,:]+:\d+(,[^/,:]+:\d+)*/[^/]+(/\d+)?", text
    ):
        raise ValueError("redis+sentinel://host:port,host:port/service")
    if scheme == "unix":
        place, mark, query = text.removeprefix("unix://").partition("?")
        if place.startswith("~"):
            place = str(path(place))
        if not place.startswith("/") and "@/" not in place:
            raise ValueError("unix:///PATH, the whole path of the server's socket")
        return f"unix://{place}{mark}{query}"
    return text
