"""The tables, the kinds of files, and the graphs that can be exported.

To add a table, write a function that takes a `Snapshot` and returns a `Table`; to add a format of tables, a
`Writer`; to add a format of graphs, a function that takes a `Network` and yields bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import BinaryIO, Final, Protocol

from twittomatic.dataset.export.gexf import gexf
from twittomatic.dataset.export.graphml import graphml
from twittomatic.dataset.export.graphology import graphology
from twittomatic.dataset.export.kinds.csv import CsvWriter
from twittomatic.dataset.export.kinds.gzip import compressed
from twittomatic.dataset.export.kinds.jsonl import JsonLinesWriter
from twittomatic.dataset.export.kinds.parquet import ParquetWriter
from twittomatic.dataset.export.network import Network
from twittomatic.dataset.export.pajek import pajek
from twittomatic.dataset.export.snapshot import Snapshot
from twittomatic.dataset.tables.columns import Batch, Column
from twittomatic.dataset.tables.table import Table


class Writer(Protocol):
    """Writes the batches of a table into a file."""

    def write(self, batch: Batch) -> None:
        """Write a batch, which contains all columns."""

    def close(self) -> None:
        """Write the end of the file; the stream stays open. Not called after an error."""


MakeWriter = Callable[[BinaryIO, Sequence[Column]], Writer]
WriteGraph = Callable[[Network], Iterator[bytes]]

TABLES: Final[Mapping[str, Callable[[Snapshot], Table]]] = {
    "edges": Snapshot.edges,
    "nodes": Snapshot.nodes,
    "profiles": Snapshot.profiles,
    "posts": Snapshot.posts,
    "interactions": Snapshot.interactions,
}
"""Tables by their names."""

KINDS: Final[Mapping[str, MakeWriter]] = {
    ".parquet": ParquetWriter,
    ".csv": CsvWriter,
    ".csv.gz": compressed(CsvWriter),
    ".jsonl": JsonLinesWriter,
    ".jsonl.gz": compressed(JsonLinesWriter),
}
"""Kinds of files of a table, by their extensions."""

GRAPHS: Final[Mapping[str, Callable[[Snapshot], AbstractContextManager[Network]]]] = {
    "graph": Snapshot.follow_network,
    "interactions": Snapshot.interaction_network,
}
"""Graphs by their names; a stem that names none of them means `graph`, the follow graph."""

GRAPH_KINDS: Final[Mapping[str, WriteGraph]] = {
    ".gexf": gexf,
    ".graphml": graphml,
    ".net": pajek,
    ".json": graphology,
}
"""Kinds of files of a graph, by their extensions."""
