"""The Python API: every name in `twittomatic.__all__`."""

from __future__ import annotations

import inspect

import twittomatic
from generators import docstrings


def markdown() -> str:
    names = getattr(twittomatic, "__all__", [])
    return "\n\n".join(_section(name) for name in names if not name.startswith("__"))


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
    return _directive("autoclass", name, ":members:")


def _directive(kind: str, name: str, *options: str) -> str:
    lines = [f".. {kind}:: twittomatic.{name}", *(f"   {option}" for option in options)]
    return "\n".join(["```{eval-rst}", *lines, "```"])
