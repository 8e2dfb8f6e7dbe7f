"""The Python API: every name in `twittomatic.__all__`."""

from __future__ import annotations

import inspect

from sphinx.application import Sphinx

import twittomatic
from generators import docstrings
from twittomatic.dataset.tables import Tabular


def markdown() -> str:
    names = [name for name in twittomatic.__all__ if not name.startswith("__")]
    errors = [name for name in names if _is_error(name)]
    others = [name for name in names if name not in errors]
    return "\n\n".join(
        ["## Functions and classes", *map(_section, others), "## Exceptions", *map(_section, errors)]
    )


def _is_error(name: str) -> bool:
    subject = getattr(twittomatic, name)
    return isinstance(subject, type) and issubclass(subject, BaseException)


def _section(name: str) -> str:
    subject = getattr(twittomatic, name)
    docstrings.text(subject, f"twittomatic.{name}")
    if not isinstance(subject, type):
        return _directive("autofunction", name)
    if hasattr(subject, "_fields"):  # a named tuple: its docstring has the fields
        return _directive("autoclass", name)
    for member, value in vars(subject).items():
        if not member.startswith("_") and (inspect.isfunction(value) or isinstance(value, property)):
            docstrings.text(value, f"twittomatic.{name}.{member}")
    inherited = [":inherited-members:"] if issubclass(subject, Tabular) else []
    return _directive("autoexception" if _is_error(name) else "autoclass", name, ":members:", *inherited)


def mark_code(app: Sphinx, what: str, name: str, subject: object, options: object, lines: list[str]) -> None:
    """Make an indented example in a docstring a block of code."""
    for number, (line, after, first) in enumerate(zip(lines, lines[1:], lines[2:], strict=False)):
        if line.endswith(":") and not after and first.startswith(" "):
            lines[number] = line + ":"


def _directive(kind: str, name: str, *options: str) -> str:
    lines = [f".. {kind}:: twittomatic.{name}", *(f"   {option}" for option in options)]
    return "\n".join(["```{eval-rst}", *lines, "```"])
