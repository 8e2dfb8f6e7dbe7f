"""JSON Lines: an object for each row, without the values that are missing.

Integers are numbers. Those beyond 2^53 are rounded by JavaScript and by `jq` before version 1.7.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, BinaryIO

import msgspec

from twittomatic.clock import rfc3339_ms
from twittomatic.dataset.tables.columns import Batch, Column, Type, values_of

_encode_lines = msgspec.json.Encoder().encode_lines


class JsonLinesWriter:
    """Writes a table as JSON Lines.

    Args:
        stream: The file.
        columns: Columns of the table.
    """

    def __init__(self, stream: BinaryIO, columns: Sequence[Column]) -> None:
        self._stream = stream
        self._columns = columns

    def write(self, batch: Batch) -> None:
        """Write a line for each row."""
        names = [column.name for column in self._columns]
        values = [_values(batch[column.name], column.type) for column in self._columns]
        rows = [
            {name: value for name, value in zip(names, row, strict=True) if value is not None}
            for row in zip(*values, strict=True)
        ]
        self._stream.write(_encode_lines(rows))

    def close(self) -> None:
        """Do nothing: every line is written."""


def _values(values: Any, kind: Type) -> Sequence[Any]:
    values = values_of(values)
    if kind is Type.TIME:
        return [None if value is None else rfc3339_ms(value) for value in values]
    if kind is Type.JSON:
        return [None if value is None else msgspec.Raw(value.encode()) for value in values]
    return list(values)
