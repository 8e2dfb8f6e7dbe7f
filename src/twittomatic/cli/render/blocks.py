"""A page of headings, facts, plots, tables and remarks, for a terminal or as Markdown.

Both are rendered from the same sections, so that they cannot differ. Texts may come from the network, so
control characters are escaped in both, and special characters in Markdown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from twittomatic.storage.verify import printable

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~!&@])")
_ENDLESS = 10_000
_GAP = 3  # spaces between columns
_PROSE = 110  # columns of a sentence; longer lines are hard to read


@dataclass(frozen=True, kw_only=True)
class Facts:
    """Labels, each with a value."""

    rows: Sequence[tuple[str, str]]


@dataclass(frozen=True, kw_only=True)
class Plot:
    """A drawing of characters, with a title above, which may be empty, and remarks below."""

    title: str
    lines: Sequence[str]
    remarks: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class Plots:
    """Plots that are shown side by side if there is room."""

    plots: Sequence[Plot]


@dataclass(frozen=True, kw_only=True)
class Cells:
    """A table.

    Attributes:
        columns: Names of the columns; a name may be empty.
        rows: Rows, with a cell for each column.
        right: Indices of the columns that are aligned to the right.
        dispensable: Groups of columns that are left out, in this order, if there is no room.
        wraps: Index of the column whose text may wrap, None for none.
        note: A remark below the table.
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    right: frozenset[int] = frozenset()
    dispensable: Sequence[frozenset[int]] = ()
    wraps: int | None = None
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Remarks:
    """Sentences, one below the other."""

    sentences: Sequence[str]


Block: TypeAlias = Facts | Plots | Cells | Remarks


@dataclass(frozen=True, kw_only=True)
class Section:
    """Blocks under a heading, with a note beside it."""

    heading: str
    blocks: Sequence[Block]
    note: str = ""


class Page:
    """Sections for a terminal.

    Args:
        sections: Sections from top to bottom.
    """

    def __init__(self, sections: Sequence[Section]) -> None:
        self._sections = sections

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Render the sections, fitted to the width of the terminal."""
        for number, section in enumerate(self._sections):
            if number:
                yield Text()
            heading = Text.assemble((printable(section.heading), "bold cyan"))
            if section.note:
                heading.append(f"  {printable(section.note)}", style="dim")
            yield heading
            for block in section.blocks:
                yield from _drawn(block, console, options)


def markdown(title: str, sections: Sequence[Section]) -> str:
    """Return sections as Markdown with GitHub's tables."""
    parts = [f"# {_escaped(title)}"]
    for section in sections:
        parts.append(f"## {_escaped(section.heading)}")
        if section.note:
            parts.append(f"{_escaped(section.note)}.")
        for block in section.blocks:
            parts.extend(_written(block))
    return "\n\n".join(parts) + "\n"


def _drawn(block: Block, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
    match block:
        case Facts(rows=rows):
            grid = Table.grid(padding=(0, _GAP, 0, 0))
            grid.add_column(style="dim", no_wrap=True)
            grid.add_column(overflow="fold")
            for label, value in rows:
                grid.add_row(_text(label), _text(value))
            yield grid
        case Plots(plots=plots):
            yield _side_by_side([_drawn_plot(plot) for plot in plots], options)
        case Cells():
            yield _fitting(block, console, options)
            if block.note:
                yield Text(printable(block.note), style="dim")
        case Remarks(sentences=sentences):
            grid = Table.grid(padding=(0, 1, 0, 0))
            for sentence in sentences:
                grid.add_row(Text("•", style="yellow"), _text(sentence))
            grid.width = min(options.max_width, _PROSE)
            yield grid


def _drawn_plot(plot: Plot) -> Text:
    lines = [
        *([Text(printable(plot.title))] if plot.title else []),
        *(Text(line, style="cyan", no_wrap=True) for line in plot.lines),
        *(Text(printable(remark), style="dim") for remark in plot.remarks),
    ]
    return Text("\n").join(lines)


def _side_by_side(plots: Sequence[Text], options: ConsoleOptions) -> Table:
    width = sum(max(map(len, plot.plain.split("\n"))) + _GAP for plot in plots) - _GAP
    grid = Table.grid(padding=(0, _GAP, 0, 0))
    if width <= options.max_width:
        grid.add_row(*plots)
    else:
        for plot in plots:
            grid.add_row(plot)
    return grid


def _fitting(cells: Cells, console: Console, options: ConsoleOptions) -> Table:
    """Return a table, without the dispensable columns that do not fit."""
    room = options.update(max_width=_ENDLESS)
    without: frozenset[int] = frozenset()
    table = _table(cells, without)
    for more in cells.dispensable:
        if Measurement.get(console, room, table).maximum <= options.max_width:
            break
        without |= more
        table = _table(cells, without)
    return table


def _table(cells: Cells, without: frozenset[int]) -> Table:
    table = Table(box=None, padding=(0, _GAP, 0, 0), header_style="dim", pad_edge=False)
    shown = [place for place in range(len(cells.columns)) if place not in without]
    for place in shown:
        table.add_column(
            cells.columns[place],
            justify="right" if place in cells.right else "left",
            overflow="fold",
            no_wrap=place != cells.wraps,
        )
    for row in cells.rows:
        table.add_row(*[_text(row[place]) for place in shown])
    return table


def _written(block: Block) -> Iterator[str]:
    match block:
        case Facts(rows=rows):
            yield _written_table(("", ""), rows)
        case Plots(plots=plots):
            for plot in plots:
                if plot.title:
                    yield f"{_escaped(plot.title)}:"
                yield "\n".join(["```text", *plot.lines, "```"])
                yield from (f"{_escaped(remark)}." for remark in plot.remarks)
        case Cells(columns=columns, rows=rows, right=right, note=note):
            yield _written_table(columns, rows, right)
            if note:
                yield f"{_escaped(note)}."
        case Remarks(sentences=sentences):
            yield "\n".join(f"- {_escaped(sentence)}" for sentence in sentences)


def _written_table(
    columns: Sequence[str], rows: Sequence[Sequence[str]], right: frozenset[int] = frozenset()
) -> str:
    ruler = ["--:" if place in right else "---" for place in range(len(columns))]
    lines = [
        _row(map(_escaped, columns)),
        f"|{'|'.join(ruler)}|",
        *(_row(map(_escaped, row)) for row in rows),
    ]
    return "\n".join(lines)


def _row(cells: Iterator[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _text(text: str) -> Text:
    return Text(printable(text))


def _escaped(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", printable(text))
