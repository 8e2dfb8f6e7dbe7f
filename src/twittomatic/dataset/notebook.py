"""What a notebook shows of a dataset or a graph: its size, and what to do next."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape


def card(title: str, facts: Mapping[str, int], hint: str) -> str:
    """Return a small HTML table; every text is escaped.

    Args:
        title: What it is.
        facts: Numbers by name.
        hint: A sentence with a call.
    """
    rows = "".join(
        f'<tr><td style="text-align:left">{escape(name)}</td><td>{value:,}</td></tr>'
        for name, value in facts.items()
    )
    return f"<div><strong>{escape(title)}</strong><table>{rows}</table><small>{escape(hint)}</small></div>"
