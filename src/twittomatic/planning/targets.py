"""Targets as a user gives them: ids, @names, profile URLs, lists of them in files and on standard input."""

from __future__ import annotations

import gzip
import sys
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, cast

from twittomatic.errors import SettingsError
from twittomatic.model import is_address
from twittomatic.networks import registry
from twittomatic.networks.base import GivenTarget, NetworkClass
from twittomatic.planning import tables, textlines
from twittomatic.planning.textlines import clean
from twittomatic.planning.userids import UserIds

_GZIP_MAGIC = b"\x1f\x8b"
_NEITHER = "is neither a user id, nor an @name"
_NAMED = 20  # bad lines that an error names
_BATCH = 10_000  # ids that are strings at a time


@dataclass(frozen=True, kw_only=True)
class Targets:
    """The targets that were given, in order and without duplicates.

    Attributes:
        ids: User ids, decimal, without leading zeros.
        names: Screen names, lower case, without @.
        addresses: Address of each user id that was given by its address; see `twittomatic.model.User`.
        refresh_names: Whether to resolve names again that are already known.
    """

    ids: Sequence[str]
    names: Sequence[str]
    addresses: Mapping[str, str] = field(default_factory=dict)
    refresh_names: bool = False

    def __bool__(self) -> bool:
        return bool(self.ids or self.names)


def read(
    arguments: Iterable[str],
    *,
    column: str | None = None,
    refresh_names: bool = False,
    stdin: BinaryIO | None = None,
    network: str = registry.DEFAULT,
) -> Targets:
    """Read TARGET arguments.

    Args:
        arguments: User ids, `@name`s and profile URLs, also several with commas between them; files with one
            or several of these per line, plain or gzip, in which blank lines and everything after a `#` are
            ignored; `-` for such a file on standard input. Quotes and invisible characters around a target
            are ignored too.
        column: Name of the column to read; files are then read as CSV.
        refresh_names: Copied into the result.
        stdin: Replaces standard input.
        network: Value of NETWORK; the network decides what identifies a user.

    Raises:
        SettingsError: there is no such network, or something is none of these; the message lists
            everything that is not, with line numbers.
    """
    reading = _Reading(registry.network_class(network))
    sources: list[str] = []
    for argument in arguments:
        if argument == "-":
            if "standard input" in sources:
                raise SettingsError("-: standard input can be read only once.")
            sources.append("standard input")
            with _explained("standard input"):
                reading.source("standard input", _unpacked(stdin or _stdin()), column)
        elif reading.is_file(argument):
            sources.append(_shown(argument))
            with _explained(_shown(argument)), Path(argument).open("rb") as file:
                reading.source(argument, _unpacked(file), column)
        else:
            reading.argument(argument)
    if column is not None and not sources:
        raise SettingsError(
            f"--column {column}: name the CSV file that has this column, or - for standard input."
        )
    return reading.targets(sources, refresh_names=refresh_names)


@dataclass
class _Reading:
    """The targets read so far, and the errors in them."""

    network: NetworkClass
    ids: UserIds = field(default_factory=UserIds)
    addresses: dict[str, str] = field(default_factory=dict)
    names: dict[str, None] = field(default_factory=dict)
    pending: list[str] = field(default_factory=list)
    bad: list[str] = field(default_factory=list)
    bad_count: int = 0

    def is_file(self, argument: str) -> bool:
        """Return whether an argument names a file, or something else that would be read as one.

        Raises:
            SettingsError: it could also be a user.
        """
        if not _exists(argument):
            return False
        is_user = self._is_target(argument)
        if (
            is_user and not Path(argument).is_dir()
        ):  # a dataset has directories such as 22, which nobody means by it
            raise SettingsError(
                f"{_shown(argument)} is a user, and a file of this name is here as well: write "
                f"{_shown('./' + argument)} to read the file, or rename it to crawl the user."
            )
        return not is_user

    def _is_target(self, argument: str) -> bool:
        parts = _parts(argument)
        try:
            for part in parts:
                self.network.read_target(part)
        except ValueError:
            return False
        return bool(parts)

    def argument(self, argument: str) -> None:
        """Read an argument that is not a file: one target, or several separated by commas."""
        for part in _parts(argument) or [argument]:
            try:
                self.take(self.network.read_target(part))
            except ValueError as why:
                reason = str(why).replace(_NEITHER, f"{_NEITHER}, nor a file that exists")
                self.complain(f"{_shown(part)} {reason}")

    def source(self, name: str, file: BinaryIO, column: str | None) -> None:
        """Read the lines of a file, or one of its columns."""
        if column is None:
            self.lines(name, file)
            return
        for number, value in tables.column(file, column):
            text = clean(value)
            if text:
                self.one(f"{name}, line {number}", text, bare_names=True)

    def lines(self, name: str, file: BinaryIO) -> None:
        """Read the lines of a list."""
        widths: set[int] = set()
        count = 0
        for number, line in textlines.lines(file):
            text = line.partition("#")[0]
            parts = _parts(text)
            if not parts:
                continue
            count += 1
            widths.add(len(parts))
            for part in parts:
                self.one(f"{name}, line {number}", part)
        if count > 1 and len(widths) == 1 and widths != {1} and not self.bad_count:
            raise SettingsError(
                f"{_shown(name)}: each line has {widths.pop()} targets, as in a table; name the column to "
                "read with --column, or put one target on a line. Nothing was started."
            )

    def one(self, place: str, text: str, *, bare_names: bool = False) -> None:
        """Read one target of a line."""
        try:
            self.take(self.network.read_target(text, bare_names=bare_names))
        except ValueError as why:
            self.complain(f"{place}: {_shown(text)} {why}")

    def take(self, handle: GivenTarget) -> None:
        """Add a target."""
        if handle.name:
            self.names[handle.name] = None
            return
        if handle.address:
            if not is_address(handle.address):
                raise ValueError("has an address that is too long, or holds a character that none has")
            self.addresses[handle.user_id] = handle.address
        self.pending.append(handle.user_id)
        if len(self.pending) >= _BATCH:
            self.flush()

    def complain(self, sentence: str) -> None:
        """Record something that is not a target."""
        self.bad_count += 1
        if len(self.bad) < _NAMED:
            self.bad.append(sentence)

    def flush(self) -> None:
        """Move the pending ids into compact storage."""
        self.ids.extend(self.pending)
        self.pending.clear()

    def targets(self, sources: Sequence[str], *, refresh_names: bool) -> Targets:
        """Return what was read.

        Raises:
            SettingsError: something was not a target, or the files that were given hold none.
        """
        if self.bad_count == 1:
            raise SettingsError(f"{self.bad[0]}; nothing was started.")
        if self.bad_count:
            more = self.bad_count - len(self.bad)
            rest = [f"and {more:,} more"] if more else []
            raise SettingsError(
                f"{self.bad_count:,} targets cannot be read; nothing was started:", [*self.bad, *rest]
            )
        self.flush()
        found = Targets(
            ids=self.ids, names=list(self.names), addresses=self.addresses, refresh_names=refresh_names
        )
        if sources and not found:
            raise SettingsError(
                f"{', '.join(sources)}: there is no target in it; put a user id or an @name on each line. "
                "Nothing was started."
            )
        return found


def _parts(text: str) -> list[str]:
    """Split a text at commas and drop empty parts."""
    return [part for part in map(clean, text.split(",")) if part]


def _exists(argument: str) -> bool:
    try:
        return bool(argument) and Path(argument).exists()
    except (OSError, ValueError):  # a name too long for one, or with a byte that none has
        return False


def _stdin() -> BinaryIO:
    if sys.stdin is None:
        raise SettingsError("-: there is no standard input.")
    return sys.stdin.buffer


def _unpacked(file: BinaryIO) -> BinaryIO:
    peek = getattr(file, "peek", None)
    if peek and peek(2).startswith(_GZIP_MAGIC):
        return cast(BinaryIO, gzip.GzipFile(fileobj=file))
    return file


@contextmanager
def _explained(name: str) -> Iterator[None]:
    """Translate the errors of reading a file into sentences for the user."""
    try:
        yield
    except textlines.TooLarge:
        raise SettingsError(f"{name} is too large for a list of targets.") from None
    except UnicodeDecodeError:
        raise SettingsError(f"{name} is not a text file in UTF-8.") from None
    except tables.TableError as error:
        raise SettingsError(f"{name}: {error}; nothing was started.") from None
    except (OSError, EOFError, zlib.error) as error:
        why = getattr(error, "strerror", None) or error
        raise SettingsError(f"{name} cannot be read ({why}).") from None


def _shown(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:60] + "…")
