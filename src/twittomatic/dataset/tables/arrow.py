"""Convert a table to Arrow: its schema, record batches, and whole tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from twittomatic.dataset.extras import require
from twittomatic.dataset.tables.columns import Batch, Column, Type

if TYPE_CHECKING:
    import pyarrow


def arrow_schema(columns: Sequence[Column]) -> pyarrow.Schema:
    """Return the Arrow schema of some columns."""
    pa = require("pyarrow", "parquet")
    types = {
        Type.INT64: pa.int64(),
        Type.INT32: pa.int32(),
        Type.FLOAT: pa.float64(),
        Type.BOOLEAN: pa.bool_(),
        Type.TEXT: pa.string(),
        Type.JSON: pa.string(),
        Type.TIME: pa.timestamp("us", tz="UTC"),
    }
    return pa.schema([pa.field(column.name, types[column.type]) for column in columns])


def arrow_batch(schema: pyarrow.Schema, batch: Batch) -> pyarrow.RecordBatch:
    """Return a batch as Arrow, with the columns of a schema."""
    pa = require("pyarrow", "parquet")
    return pa.record_batch([pa.array(batch[field.name], field.type) for field in schema], schema)


def arrow_table(columns: Sequence[Column], batches: Iterable[Batch]) -> Any:
    """Return all batches as one `pyarrow.Table`.

    Raises:
        SettingsError: pyarrow is not installed.
    """
    pa = require("pyarrow", "parquet")
    schema = arrow_schema(columns)
    return pa.Table.from_batches([arrow_batch(schema, batch) for batch in batches], schema)
