"""SELECT and PRIORITY: CEL expressions on a profile.

CEL (https://cel.dev) always terminates, and sees nothing but the profile; `cel` is an implementation in Rust.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from twittomatic.errors import SettingsError
from twittomatic.networks.base import Records

if TYPE_CHECKING:
    import cel

_PLACE = re.compile(r"ERROR: <input>:(\d+):(\d+): ([^\n]*?)(?:, expecting.*| expecting.*)?$", re.MULTILINE)
_UNKNOWN = re.compile(r"Undefined variable or function: '([^']*)'")
_PASSING = (
    TypeError,
    ValueError,
    RuntimeError,
    ArithmeticError,
    KeyError,
)  # what cel raises when it evaluates


class Selection:
    """The two expressions, compiled and tried.

    Missing fields of a profile have defaults. If an expression still fails on a profile, for example by a
    division by zero, the profile is not selected, or is ranked last.

    Args:
        select: SELECT; empty selects all profiles.
        priority: PRIORITY; empty if nothing is ranked.
        network: Shows profiles to the expressions.
        scored: Scores a profile instead of PRIORITY.

    Raises:
        SettingsError: an expression is not valid CEL, uses an unknown field, or has the wrong type.
    """

    def __init__(
        self,
        select: str,
        priority: str,
        network: Records,
        *,
        scored: Callable[[bytes], float] | None = None,
    ) -> None:
        self._lifted = network.lifted
        self._select = _compiled("SELECT", select, network, bool) if select else None
        self._priority = _compiled("PRIORITY", priority, network, float) if priority and not scored else None
        self._scored = scored

    @property
    def is_needed(self) -> bool:
        """Whether profiles must be evaluated at all."""
        return self._select is not None or self.ranks

    @property
    def ranks(self) -> bool:
        """Whether profiles are scored."""
        return self._priority is not None or self._scored is not None

    def score(self, profile: bytes) -> float | None:
        """Return the score of a profile: 0 without PRIORITY, None if the profile is not selected.

        Args:
            profile: As the network wrote it.
        """
        fields = dict(self._lifted(profile)) if self._select is not None or self._priority is not None else {}
        if self._select is not None:
            try:
                if self._select.execute(fields) is not True:
                    return None
            except _PASSING:
                return None
        if self._scored is not None:
            return self._scored(profile)
        if self._priority is None:
            return 0.0
        try:
            value = float(self._priority.execute(fields))
        except _PASSING:
            return -math.inf
        return -math.inf if math.isnan(value) else value


def _compiled(name: str, text: str, network: Records, kind: type) -> cel.Program:
    import cel  # a quarter of the import time of a crawl, and few need it

    try:
        program = cel.compile(text)
    except Exception as error:  # noqa: BLE001 - the parser has no error class
        raise SettingsError(f"{name}: {_syntax(text, str(error))}") from None
    allowed = (bool,) if kind is bool else (int, float)
    for profile in (b"{}", network.example_profile):
        try:
            value = program.execute(dict(network.lifted(profile)))
        except ArithmeticError:
            continue  # with this profile; others may work
        except Exception as error:  # noqa: BLE001 - as above
            raise SettingsError(f"{name}: {_meaning(text, str(error), network)}") from None
        if not isinstance(value, allowed) or (kind is float and isinstance(value, bool)):
            wanted = "true or false" if kind is bool else "a number"
            raise SettingsError(f"{name}: {text!r} gives {type(value).__name__}, not {wanted}.")
    return program


def _syntax(text: str, message: str) -> str:
    places = _PLACE.findall(message)
    if not places:
        return f"{text!r} is not a CEL expression."
    line, column, what = places[-1]
    return f"{text!r} is not a CEL expression: line {line}, column {int(column) + 1}: {what[:120].strip()}."


def _meaning(text: str, message: str, network: Records) -> str:
    unknown = _UNKNOWN.search(message)
    if not unknown:
        return f"{text!r} cannot be evaluated: {message.splitlines()[0].partition(', so common')[0][:200]}"
    name = unknown[1]
    place = re.search(rf"\b{re.escape(name)}\b", text)
    column = place.start() + 1 if place else 1
    return (
        f"{text!r}, column {column}: a profile has no field {name!r}; "
        f"the fields are {', '.join(sorted(network.lifted(b'{}')))}."
    )
