"""Read one column of a CSV file by its name."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from itertools import chain
from typing import BinaryIO

from twittomatic.planning.textlines import clean, with_ends

_DELIMITERS = ",;\t|"
_SEPARATOR = re.compile(r"sep=(.)\s*", re.IGNORECASE)  # first line that Excel reads and writes
_SHOWN = 20  # columns that an error lists


class TableError(Exception):
    """The file is not a table with this column; the message says why."""


def column(file: BinaryIO, name: str) -> Iterator[tuple[int, str]]:
    """Yield the values of a column, each with the number of the line on which its row begins.

    The delimiter is a comma, semicolon, tab or bar, whichever makes `name` a field of the header.

    Args:
        file: The file, which begins with a header.
        name: Name of the column; case matters only if two columns differ in nothing else.

    Raises:
        TableError: there is no such column, or more than one, or the file is not CSV.
        TooLarge, UnicodeDecodeError, OSError: see `textlines.lines`.
    """
    lines, skipped, delimiters = with_ends(file), 0, _DELIMITERS
    header = ""
    for header in lines:
        skipped += 1
        separator = _SEPARATOR.fullmatch(header)
        if separator:
            delimiters = separator[1]
        elif header.strip():
            break
    delimiter, place = _find(header, delimiters, name)
    rows = csv.reader(chain([header], lines), delimiter=delimiter)
    try:
        next(rows)
        begins = skipped + rows.line_num
        for row in rows:
            if place < len(row):
                yield begins, row[place]
            begins = skipped + rows.line_num
    except csv.Error as error:
        raise TableError(f"line {skipped + rows.line_num - 1} is not CSV ({error})") from None


def _find(header: str, delimiters: str, name: str) -> tuple[str, int]:
    """Return the delimiter and the position of the column."""
    best: list[str] = []
    for delimiter in delimiters:
        fields = [clean(field) for field in next(csv.reader([header], delimiter=delimiter), [])]
        for change in (str, str.lower):
            places = [place for place, field in enumerate(fields) if change(field) == change(clean(name))]
            if len(places) > 1:
                raise TableError(f"more than one column is named {name!r}")
            if places:
                return delimiter, places[0]
        best = max(best, fields, key=len)
    shown = ", ".join(map(repr, best[:_SHOWN])) + (", …" if len(best) > _SHOWN else "")
    raise TableError(f"there is no column {name!r}; its columns are {shown or 'none'}")
