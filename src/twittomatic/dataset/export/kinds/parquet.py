"""Parquet with row groups of a million rows, in constant memory.

int64 and not uint64, since Spark has no unsigned integers. Ids are random but for their first bits: splitting
their bytes into streams before Zstandard makes 7.4 bytes of an edge where pandas' default makes 8.1, and
numbers below the count of users, sorted, take 1.9.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from twittomatic.dataset.extras import require
from twittomatic.dataset.tables.arrow import arrow_batch, arrow_schema
from twittomatic.dataset.tables.columns import Batch, Column, rows_of

if TYPE_CHECKING:
    import pyarrow

_GROUP_ROWS: Final = 1 << 20
_GROUP_BYTES: Final = 1 << 26  # of wide rows in memory, such as those of posts
_LEVEL: Final = 1  # higher levels save less than 1 % of ids
_DICTIONARY: Final = "RLE_DICTIONARY"


class ParquetWriter:
    """Writes a table into a Parquet file.

    Args:
        stream: The file; it need not be seekable.
        columns: Columns of the table.

    Raises:
        SettingsError: pyarrow is not installed.
    """

    def __init__(self, stream: BinaryIO, columns: Sequence[Column]) -> None:
        parquet = require("pyarrow.parquet", "parquet")
        self._schema = arrow_schema(columns)
        encodings = {
            column.name: column.encoding for column in columns if column.encoding not in (None, _DICTIONARY)
        }
        dictionaries = [column.name for column in columns if column.name not in encodings]
        self._file = parquet.ParquetWriter(
            _Forward(stream),
            self._schema,
            compression="zstd",
            compression_level=_LEVEL,
            use_dictionary=dictionaries if encodings else True,
            column_encoding=encodings or None,
        )
        self._held: list[pyarrow.RecordBatch] = []
        self._rows = self._bytes = 0

    def write(self, batch: Batch) -> None:
        """Add a batch to the row group, and write the group when it is full."""
        held = arrow_batch(self._schema, batch)
        self._held.append(held)
        self._rows += rows_of(batch)
        self._bytes += held.nbytes
        if self._rows >= _GROUP_ROWS or self._bytes >= _GROUP_BYTES:
            self._write_group()

    def close(self) -> None:
        """Write the last row group and the footer."""
        self._write_group()
        self._file.close()

    def _write_group(self) -> None:
        if self._held:
            pa = require("pyarrow", "parquet")
            table = pa.Table.from_batches(self._held, self._schema)
            self._held, self._rows, self._bytes = [], 0, 0
            self._file.write_table(table, row_group_size=table.num_rows)


class _Forward:
    """Adapts a stream that cannot seek to pyarrow, which calls `tell` and closes the stream."""

    closed = False

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._at = 0

    def write(self, data: Any) -> int:
        if self._stream.closed:  # the export failed, and pyarrow's destructor writes a footer nevertheless
            return len(data)
        self._stream.write(data)
        self._at += len(data)
        return len(data)

    def tell(self) -> int:
        return self._at

    def flush(self) -> None:
        """Do nothing: the stream is closed by its owner."""

    def close(self) -> None:
        """Leave the stream open."""

    def writable(self) -> bool:
        return True

    def readable(self) -> bool:
        return False

    def seekable(self) -> bool:
        return False
