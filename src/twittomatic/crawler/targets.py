"""Targets as a user gives them: ids, @names, files of them."""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from twittomatic.errors import SettingsError

_ID = re.compile(r"[0-9]{1,19}")
_NAME = re.compile(r"@[A-Za-z0-9_]{1,15}")
_MOST_BYTES = 512 * 1024 * 1024  # 25 million ids
_GZIP_MAGIC = b"\x1f\x8b"


@dataclass(frozen=True, kw_only=True)
class Targets:
    """What was given, each once, in order.

    Attributes:
        ids: Decimal, without leading zeros.
        names: Lower case, without @.
    """

    ids: Sequence[str]
    names: Sequence[str]


def read(arguments: Iterable[str]) -> Targets:
    """Read TARGET arguments.

    Args:
        arguments: User ids, `@name`s, and files with one of these a line, plain or gzip; blank lines and
            what follows a `#` pass.

    Raises:
        SettingsError: one is none of these; in a file, with its number.
    """
    ids: dict[str, None] = {}
    names: dict[str, None] = {}
    for argument in arguments:
        if not _take(argument, ids, names):
            for number, line in enumerate(_lines(argument), start=1):
                text = line.partition("#")[0].strip()
                if text and not _take(text, ids, names):
                    raise SettingsError(
                        f"{argument}, line {number}: {_shown(text)} is neither a user id nor an @name; "
                        "nothing was started."
                    )
    return Targets(ids=list(ids), names=list(names))


def _take(text: str, ids: dict[str, None], names: dict[str, None]) -> bool:
    if _ID.fullmatch(text):
        ids[text.lstrip("0") or "0"] = None
        return True
    if _NAME.fullmatch(text):
        names[text[1:].lower()] = None
        return True
    return False


def _lines(argument: str) -> list[str]:
    path = Path(argument)
    if argument.startswith("@"):
        raise SettingsError(
            f"{_shown(argument)} is no screen name: after the @, 1 to 15 letters, digits and _."
        )
    try:
        with path.open("rb") as file:
            if file.peek(2).startswith(_GZIP_MAGIC):
                with gzip.open(file) as unpacked:
                    content = unpacked.read(_MOST_BYTES + 1)
            else:
                content = file.read(_MOST_BYTES + 1)
        if len(content) > _MOST_BYTES:
            raise SettingsError(f"{_shown(argument)} is too large for a list of targets.")
        return content.decode("utf-8-sig").splitlines()
    except (FileNotFoundError, ValueError) as error:
        if isinstance(error, UnicodeDecodeError):
            raise SettingsError(f"{_shown(argument)} is not a text file in UTF-8.") from None
        raise SettingsError(
            f"{_shown(argument)} is neither a user id, nor an @name, nor a file that exists."
        ) from None
    except (OSError, EOFError, zlib.error) as error:
        why = getattr(error, "strerror", None) or error
        raise SettingsError(f"{_shown(argument)} cannot be read ({why}).") from None


def _shown(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:60] + "…")
