"""The tables of a dataset: edges, nodes, profiles, posts, interactions. Each is read in batches of columns.

A `Table` names its columns and yields them in batches, in bounded memory. The same table becomes an Arrow
table, a pandas or polars data frame, or a file that `twittomatic.dataset.export` writes.
"""

from twittomatic.dataset.tables.columns import Batch, Column, Type
from twittomatic.dataset.tables.table import Table, Tabular

__all__ = ["Batch", "Column", "Table", "Tabular", "Type"]
