"""Columns of a table: a name, a type and a meaning each; and a batch of their values."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, TypeAlias

import msgspec
import numpy.typing as npt


class Type(StrEnum):
    """Type of a column's values; any of them may be missing, which is None in a list."""

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
        name: The name, as in the network's own records where it comes from one.
        type: The type of its values.
        meaning: What it says, as a phrase for the reference.
        encoding: Parquet's encoding; None leaves the choice to the writer. Of the values of `RLE_DICTIONARY`
            many are equal.
    """

    name: str
    type: Type
    meaning: str = ""
    encoding: str | None = None


Batch: TypeAlias = Mapping[str, "npt.NDArray[Any] | list[Any]"]
"""Some rows of a table: the values of each column by its name, all equally long.

Integers, floats and Booleans without gaps are NumPy arrays; everything else is a list.
"""


def rows_of(batch: Batch) -> int:
    """Return how many rows a batch has."""
    return len(next(iter(batch.values()), ()))
