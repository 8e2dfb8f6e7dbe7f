"""Tables that drop a column before they cut off a number, and the console that prints them."""

from __future__ import annotations

import os
from collections.abc import Sequence

from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

PAPER_WIDTH = 200  # columns if there is no terminal, so that lines are not wrapped
_ENDLESS = 10_000
_LEAST = {
    "COLUMNS": 20,
    "LINES": 5,
}  # smaller values mean that the size is unknown, such as 0 without a terminal
_USUAL = 80, 25


def console(*, stderr: bool = False) -> Console:
    """Return a console that is as wide as the terminal, or wide enough for all lines."""
    environment = {name: text for name, text in os.environ.items() if _is_credible(name, text)}
    found = Console(highlight=False, stderr=stderr, _environ=environment)
    if found.is_terminal:
        width, height = found.size
        if width >= _LEAST["COLUMNS"] and height >= _LEAST["LINES"]:
            return found  # which follows when the terminal is resized
        return Console(
            highlight=False,
            stderr=stderr,
            width=width if width >= _LEAST["COLUMNS"] else _USUAL[0],
            height=height if height >= _LEAST["LINES"] else _USUAL[1],
        )
    if "COLUMNS" in environment:
        return found
    return Console(highlight=False, stderr=stderr, width=PAPER_WIDTH, _environ=environment)


def _is_credible(name: str, text: str) -> bool:
    """Return whether a variable of the environment has a credible value."""
    return name not in _LEAST or (text.isdecimal() and int(text) >= _LEAST[name])


class NumberTable:
    """A table of numbers: the first column has names, the others are aligned to the right.

    Args:
        columns: Names of the columns.
        rows: A cell for each column.
        dispensable: Columns that may be left out if there is no room, in this order.
    """

    def __init__(
        self, columns: Sequence[str], rows: Sequence[Sequence[Text]], dispensable: Sequence[str]
    ) -> None:
        self._columns = columns
        self._rows = rows
        self._dispensable = dispensable

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw as many columns as there is room for."""
        room = options.update(max_width=_ENDLESS)
        for count in range(len(self._dispensable) + 1):
            table = self._table(self._dispensable[:count])
            if Measurement.get(console, room, table).maximum <= options.max_width:
                break
        yield table

    def _table(self, without: Sequence[str]) -> Table:
        table = Table(box=None, padding=(0, 3, 0, 0), header_style="dim")
        shown = [index for index, name in enumerate(self._columns) if name not in without]
        for index in shown:
            table.add_column(self._columns[index], justify="right" if index else "left", overflow="fold")
        for row in self._rows:
            table.add_row(*[row[index] for index in shown])
        return table
