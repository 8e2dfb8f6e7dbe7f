"""A table that is read in batches, or as a whole into Arrow, pandas or polars."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from twittomatic.dataset.extras import require
from twittomatic.dataset.tables.arrow import arrow_table
from twittomatic.dataset.tables.columns import Batch, Column, values_of

if TYPE_CHECKING:
    import pandas
    import polars
    import pyarrow


class Tabular(ABC):
    """Base class of everything that can be converted to an Arrow table or a data frame."""

    @abstractmethod
    def table(self) -> Table:
        """Return the data as a table, which is read in batches."""

    def to_arrow(self) -> pyarrow.Table:
        """Return the whole table as a `pyarrow.Table`. Needs the extra `parquet`.

        Ids are int64 and exact. Memory: the whole table; an edge takes 16 bytes.
        """
        table = self.table()
        return arrow_table(table.columns, table.batches())

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """Export the whole table through the Arrow PyCapsule interface, which polars and others use."""
        return self.to_arrow().__arrow_c_stream__(requested_schema)

    def to_pandas(self) -> pandas.DataFrame:
        """Return the whole table as a pandas `DataFrame`. Needs the extra `pandas`.

        Ids are int64 and exact. A column of integers with gaps has pandas' type `Int64`, and a column of
        Booleans with gaps has `boolean`, since pandas would make floats or objects of them. Memory: that of
        Arrow, and the text columns a second time while they are converted.
        """
        pd = require("pandas", "pandas")
        pa = require("pyarrow", "pandas")
        nullable = {
            pa.int32(): pd.Int32Dtype(),
            pa.int64(): pd.Int64Dtype(),
            pa.bool_(): pd.BooleanDtype(),
        }
        table = self.to_arrow()
        columns = {
            name: column.to_pandas(types_mapper=nullable.get if column.null_count else None)
            for name, column in zip(table.column_names, table.columns, strict=True)
        }
        frame: pandas.DataFrame = pd.DataFrame(columns, copy=False)
        return frame

    def to_polars(self) -> polars.DataFrame:
        """Return the whole table as a polars `DataFrame`. Needs the extras `polars` and `parquet`.

        Ids are Int64 and exact. Memory: that of Arrow, whose buffers polars takes over.
        """
        frame: polars.DataFrame = require("polars", "polars").from_arrow(self.to_arrow())
        return frame


class Table(Tabular):
    """Rows with the same columns. Each iteration reads them again, and yields them as dicts.

    Args:
        name: Name of the table.
        columns: Its columns, in order.
        read: Returns an iterator over its batches. Each batch has all columns.
    """

    def __init__(self, name: str, columns: Sequence[Column], read: Callable[[], Iterable[Batch]]) -> None:
        self.name = name
        self.columns = tuple(columns)
        self._read = read

    def __repr__(self) -> str:
        return f"Table({self.name!r}, {len(self.columns)} columns)"

    def table(self) -> Table:
        """Return the table itself."""
        return self

    def batches(self) -> Iterator[Batch]:
        """Yield the rows in batches: the values of each column by its name."""
        yield from self._read()

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Yield each row as a dict of values by column name; missing values are None."""
        names = [column.name for column in self.columns]
        for batch in self._read():
            columns = [values_of(batch[name]) for name in names]
            for row in zip(*columns, strict=True):
                yield dict(zip(names, row, strict=True))

    def select(self, names: Sequence[str]) -> Table:
        """Return a table with only these columns, in this order."""
        by_name = {column.name: column for column in self.columns}
        chosen = [by_name[name] for name in names]

        def read() -> Iterator[Batch]:
            for batch in self._read():
                yield {name: batch[name] for name in names}

        return Table(self.name, chosen, read)
