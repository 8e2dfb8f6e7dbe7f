"""HTML representation of a dataset or a graph in a notebook: its size, and a hint at the next call."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape


def card(title: str, facts: Mapping[str, int], hint: str) -> str:
    """Return a small HTML table; every text is escaped.

    Args:
        title: Heading.
        facts: Numbers by name.
        hint: A sentence with a call, shown below.
    """
    rows = "".join(
        f'<tr><td style="text-align:left">{escape(name)}</td><td>{value:,}</td></tr>'
        for name, value in facts.items()
    )
    return f"<div><strong>{escape(title)}</strong><table>{rows}</table><small>{escape(hint)}</small></div>"
