"""The columns of a table, with name, type and meaning, and batches of their values."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, TypeAlias

import msgspec
import numpy.typing as npt


class Type(StrEnum):
    """Type of a column's values. A missing value is None."""

    INT64 = "int64"
    INT32 = "int32"
    FLOAT = "float64"
    BOOLEAN = "boolean"
    TEXT = "text"
    JSON = "json"
    """A list or an object as JSON text."""
    TIME = "time"
    """An aware UTC `datetime`."""


class Column(msgspec.Struct, frozen=True):
    """A column of a table.

    Attributes:
        name: Name; that of the field for values from the network's records.
        type: Type of the values.
        meaning: Meaning, as a phrase for the reference.
        encoding: Parquet encoding; None leaves the choice to the writer. `RLE_DICTIONARY` is for columns with
            many equal values.
    """

    name: str
    type: Type
    meaning: str = ""
    encoding: str | None = None


Batch: TypeAlias = Mapping[str, "npt.NDArray[Any] | list[Any]"]
"""Rows of a table: the values of each column by its name, all of the same length.

Integers, floats and Booleans without gaps are NumPy arrays; everything else is a list.
"""


def rows_of(batch: Batch) -> int:
    """Return the number of rows of a batch."""
    return len(next(iter(batch.values()), ()))


def values_of(column: npt.NDArray[Any] | list[Any]) -> list[Any]:
    """Return the values of a column of a batch as Python objects."""
    return column if isinstance(column, list) else column.tolist()
