"""Targets as a user gives them: ids, @names, files of them."""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from twittomatic.errors import SettingsError
from twittomatic.fetch.fetcher import Fetcher
from twittomatic.networks.base import Network, Request

_ID = re.compile(r"[0-9]{1,19}")
_NAME = re.compile(r"@[A-Za-z0-9_]{1,15}")
_MOST_BYTES = 512 * 1024 * 1024  # 25 million ids
_GZIP_MAGIC = b"\x1f\x8b"
_NOBODY = "?"  # what is remembered of a name that the network does not know, before the reason
_REASONS = {"deleted": "no such user", "unavailable": "the network says nothing of this user"}


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


async def resolve(
    targets: Targets,
    *,
    known: Callable[[Sequence[str]], Awaitable[Mapping[str, str]]],
    remember: Callable[[Mapping[str, str]], Awaitable[None]],
    fetcher: Fetcher,
    network: Network,
    report: Callable[[str], None],
) -> list[str]:
    """Return the ids of all targets; names are looked up, 100 a request, and remembered.

    Args:
        targets: As `read` returned them.
        known: Tells what is known of names: the id, or `?` and the reason.
        remember: Keeps what was found, before the next request.
        fetcher: Asks the network.
        network: The network.
        report: Told of each name that the network does not know; the others go on.

    Raises:
        TwittomaticError: see `Fetcher.page`.
    """
    found = dict(await known(targets.names))
    unknown = [name for name in targets.names if name not in found]
    while unknown:
        wanted = unknown[: network.users_per_request]

        def ask(size: int, wanted: Sequence[str] = wanted) -> Request:
            return network.users_by_name(wanted[:size])

        fetched = await fetcher.page(ask, len(wanted), purpose="seeds")
        page = fetched.page
        answers = {
            network.name_of(record).lower(): str(int(user_id))
            for user_id, record in zip(page.ids, page.records, strict=True)
        }
        answers |= {name.lower(): _NOBODY + reason for name, reason in page.missing.items()}
        answers = {name: answers.get(name, f"{_NOBODY}unavailable") for name in wanted[: fetched.size]}
        await remember(answers)
        await fetched.settle()
        found |= answers
        unknown = unknown[fetched.size :]
    for name in targets.names:
        if found[name].startswith(_NOBODY):
            reason = found[name].removeprefix(_NOBODY)
            report(f"@{name}: {_REASONS.get(reason, reason)}; the others go on.")
    named = [found[name] for name in targets.names if not found[name].startswith(_NOBODY)]
    return list(dict.fromkeys([*targets.ids, *named]))


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
