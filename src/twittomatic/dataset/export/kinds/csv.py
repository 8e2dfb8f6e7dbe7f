"""CSV as RFC 4180 with a header, UTF-8, and one line for each row.

Missing values are empty, Booleans are `true` and `false`, times are RFC 3339. As in twarc-csv, a line feed
in a text is written as `\\n` and a carriage return is dropped, so that every tool that reads lines finds a
row on each.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from typing import Any, BinaryIO, Final

import numpy as np

from twittomatic.clock import rfc3339_ms
from twittomatic.dataset.tables.columns import Batch, Column, Type, rows_of, values_of

_INTEGERS: Final = (Type.INT32, Type.INT64)


class CsvWriter:
    """Writes a table as CSV.

    Args:
        stream: The file.
        columns: Columns of the table.
    """

    def __init__(self, stream: BinaryIO, columns: Sequence[Column]) -> None:
        self._stream = stream
        self._columns = columns
        self._is_numbers = all(column.type in _INTEGERS for column in columns)
        self._write_rows([[column.name for column in columns]])

    def write(self, batch: Batch) -> None:
        """Write a line for each row."""
        values = [batch[column.name] for column in self._columns]
        if self._is_numbers and all(isinstance(one, np.ndarray) for one in values):
            flat = np.column_stack(values).ravel().tolist()
            line = ",".join(["%d"] * len(values)) + "\n"
            self._stream.write((line * rows_of(batch) % tuple(flat)).encode())
            return
        texts = [
            _texts(values_of(one), column.type) for one, column in zip(values, self._columns, strict=True)
        ]
        self._write_rows(zip(*texts, strict=True))

    def close(self) -> None:
        """Do nothing: every line is written."""

    def _write_rows(self, rows: Any) -> None:
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows(rows)
        self._stream.write(text.getvalue().encode("utf-8", "replace"))


def _texts(values: Sequence[Any], kind: Type) -> Sequence[Any]:
    """Return values as the `csv` module takes them; it writes None as nothing."""
    change = _CHANGES.get(kind)
    return [None if value is None else change(value) for value in values] if change else values


def _on_one_line(text: str) -> str:
    return text.replace("\r", "").replace("\n", "\\n")


_CHANGES: Final[dict[Type, Callable[[Any], str]]] = {
    Type.BOOLEAN: lambda value: "true" if value else "false",
    Type.TEXT: _on_one_line,
    Type.TIME: rfc3339_ms,
    Type.FLOAT: lambda value: "" if value != value else repr(value),
}
