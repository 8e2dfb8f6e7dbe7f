"""What there is to know about one setting beside its type and its default."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import KW_ONLY, dataclass, replace
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from numbers import Real
from pathlib import Path
from typing import Any, cast, get_type_hints

import msgspec

from twittomatic.errors import SettingsError
from twittomatic.parsing import Parser, without_password


class Section(StrEnum):
    """Groups of settings, in the order in which they are listed."""

    PLACES = "Files and state"
    NETWORK = "The network"
    CRAWL = "What is crawled"
    WORK = "How processes work"
    SERVICES = "Services beside a crawl"


@dataclass(frozen=True)
class Option:
    """One setting, as `Annotated` metadata of a field of `Settings`.

    Attributes:
        section: The group in which it is listed.
        parse: Turns its text into the value, or raises ValueError with what is allowed.
        meaning: One sentence, with the unit.
        why: The reason for the default, or what it costs to change it.
        unit: Unit of the value, empty when it has none.
        secret: True if the value must never be shown.
        has_flag: False if it may not be given on the command line, which other users of a machine can read.
        name: Upper case, as in the environment after its prefix; derived from the field.
        default: The text that gives the default, empty when there is none; derived from the field.
    """

    section: Section
    parse: Parser[Any]
    _: KW_ONLY
    meaning: str
    why: str
    unit: str = ""
    secret: bool = False
    has_flag: bool = True
    name: str = ""
    default: str = ""

    @property
    def key(self) -> str:
        """Its name in the configuration file and as an attribute of `Settings`."""
        return self.name.lower()

    @property
    def flag(self) -> str:
        """Its name on the command line."""
        return "--" + self.key.replace("_", "-")

    @property
    def allowed(self) -> str:
        """What its value may be, as it ends the sentence "give ..."."""
        return self.parse.allowed

    def value(self, given: object, place: str) -> object:
        """Return the checked value of what was given.

        Args:
            given: Text, or a Python value, such as the default has.
            place: Where it was given, for the error.

        Raises:
            SettingsError: it is not allowed.
        """
        try:
            return self.parse(self.text(given))
        except ValueError as reason:
            shown = "the given value" if self.secret else _shortened(given)
            raise SettingsError(f"{place}: {shown} is not allowed; give {reason}.") from None

    def text(self, given: object) -> str:
        """Return a Python value as the text that gives it.

        Raises:
            ValueError: no text does; the message says what is allowed.
        """
        if given is None and self.parse.none is not None:
            return self.parse.none
        text = as_text(given)
        if text is None:
            raise ValueError(self.allowed)
        return text


def as_text(given: object) -> str | None:
    """Write a value as text, as in the environment; None for a value that no setting has."""
    if isinstance(given, bool):
        return "true" if given else "false"
    if isinstance(given, str | Path):
        return str(given)
    if isinstance(given, Real | Decimal) and not is_endless(given):
        return str(given)
    if isinstance(given, timedelta):
        return f"{given.total_seconds():.15g}s"
    if isinstance(given, list | tuple) and all(isinstance(item, str) for item in given):
        return ",".join(cast("list[str]", given))
    return None


def is_endless(value: object) -> bool:
    """Return whether a value is an integer beyond any setting; Python refuses to write the longest ones."""
    return isinstance(value, int) and abs(value) >= 2**64


def options_of(declared: type[msgspec.Struct]) -> tuple[Option, ...]:
    """Return the options of a class whose fields are declared with them, sorted by section."""
    return tuple(sorted(_options(declared), key=lambda option: list(Section).index(option.section)))


def _options(declared: type[msgspec.Struct]) -> Iterator[Option]:
    hints = get_type_hints(declared, include_extras=True)
    for field in msgspec.structs.fields(declared):
        for metadata in getattr(hints[field.name], "__metadata__", ()):
            if isinstance(metadata, Option):
                yield replace(metadata, name=field.name.upper(), default=metadata.text(field.default))


def _shortened(given: object) -> str:
    if isinstance(given, int) and is_endless(given):
        return "this number"
    if isinstance(given, str):
        given = without_password(given)
        return repr(given if len(given) <= 80 else given[:80] + "…")
    shown = without_password(repr(given))
    return shown if len(shown) <= 80 else shown[:80] + "…"
