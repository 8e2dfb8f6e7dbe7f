"""Read Google-style docstrings: the text, and what they say of each attribute."""

from __future__ import annotations

import inspect
import re


def text(subject: object, name: str) -> str:
    """Return a docstring without its sections such as `Attributes:`.

    Raises:
        LookupError: there is none.
    """
    documented = (
        vars(subject).get("__doc__") if isinstance(subject, type) else getattr(subject, "__doc__", None)
    )
    if not documented:
        raise LookupError(f"{name} has no docstring")
    return re.split(r"\n+(?:Attributes|Args|Returns|Yields|Raises):\n", inspect.cleandoc(documented))[
        0
    ].strip()


def attributes(subject: type) -> dict[str, str]:
    """Return what the `Attributes:` section of a class says, by name."""
    section = re.search(
        r"^Attributes:\n((?: .*\n?|\n)+)", inspect.cleandoc(subject.__doc__ or ""), re.MULTILINE
    )
    if not section:
        return {}
    entries = re.findall(r"^ {4}(\w+): (.*(?:\n {5,}.*)*)", section[1], re.MULTILINE)
    return {name: " ".join(meaning.split()) for name, meaning in entries}


def cell(markdown: str) -> str:
    """Return Markdown as it may be in a table: on one line, without bars."""
    return " ".join(markdown.split()).replace("|", "\\|")
