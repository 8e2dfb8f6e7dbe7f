"""Write the outputs of an export; each table is read once, even if several files contain it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from operator import attrgetter
from typing import BinaryIO, NamedTuple

from twittomatic.dataset.export.choice import Choice
from twittomatic.dataset.export.format import Format
from twittomatic.dataset.export.network import ArcBatch, Network
from twittomatic.dataset.export.registry import GRAPH_KINDS, GRAPHS, KINDS, TABLES
from twittomatic.dataset.export.size import check_size
from twittomatic.dataset.export.snapshot import Snapshot
from twittomatic.dataset.progress import Progress, no_progress
from twittomatic.dataset.tables.columns import rows_of
from twittomatic.dataset.tables.table import Table
from twittomatic.errors import SettingsError, StorageError
from twittomatic.storage.paths import Layout


class Output(NamedTuple):
    """A file to write.

    Attributes:
        format: Content and file format.
        stream: Stream to write to; it stays open.
    """

    format: Format
    stream: BinaryIO


@dataclass
class Exported:
    """The result of an export.

    Attributes:
        rows: Number of rows by table; for a graph, number of users and of edges.
        defects: A sentence about each file that was left out.
        warnings: Sentences about the outputs, such as the memory that Gephi needs.
    """

    rows: dict[str, int] = field(default_factory=dict)
    defects: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def note(self, error: StorageError) -> None:
        """Add a file that cannot be read to `defects`, once, even if several tables report it."""
        if str(error) not in self.defects:
            self.defects.append(str(error))


def export(
    layout: Layout,
    outputs: Sequence[Output],
    choice: Choice,
    progress: Progress = no_progress,
) -> Exported:
    """Write a dataset, or a part of it, into files for other tools. A crawl may be running.

    A file of the dataset that cannot be read is noted and left out as a whole.

    Args:
        layout: The dataset.
        outputs: Files to write.
        choice: Users, edges and columns to write.
        progress: Called with the name of a table or graph, and the rows or edges that are written.

    Raises:
        SettingsError: a column or a measure is unknown, a part of the choice is about no output, or a library
            is not installed.
        StorageUnavailable: the dataset cannot be read.
        OSError: a file cannot be written.
    """
    _check_effect([output.format for output in outputs], choice)
    exported = Exported()
    of_graph = {output.format for output in outputs if output.format.content in ("graph", "edges", "nodes")}
    snapshot = Snapshot(layout, choice, exported.note, one_graph=len({f.content for f in of_graph}) > 1)
    contents = sorted((o for o in outputs if not o.format.is_graph), key=attrgetter("format.content"))
    tables = {name: TABLES[name](snapshot) for name in dict.fromkeys(o.format.content for o in contents)}
    has_graph = any(output.format.is_graph and output.format.content == "graph" for output in outputs)
    _check_columns([*tables.values(), *([snapshot.nodes()] if has_graph else [])], choice.columns)
    for name, group in groupby(contents, key=attrgetter("format.content")):
        exported.rows[name] = _write_table(_selected(tables[name], choice.columns), list(group), progress)
    graphs = sorted((o for o in outputs if o.format.is_graph), key=attrgetter("format.content"))
    for name, group in groupby(graphs, key=attrgetter("format.content")):
        with GRAPHS[name](snapshot) as network:
            exported.warnings += check_size(network)
            for output in group:
                for piece in GRAPH_KINDS[output.format.kind](_reported(network, name, progress)):
                    output.stream.write(piece)
            exported.rows[f"users of {name}"] = network.node_count
            exported.rows[f"edges of {name}"] = network.edge_count
    return exported


def _reported(network: Network, name: str, progress: Progress) -> Network:
    """Return a network that reports progress whenever its edges are iterated over."""

    def edges() -> Iterator[ArcBatch]:
        count = 0
        for batch in network.edges():
            yield batch
            count += len(batch)
            progress(name, count, None)

    return replace(network, edges=edges)


def _write_table(table: Table, outputs: Sequence[Output], progress: Progress) -> int:
    writers = [KINDS[output.format.kind](output.stream, table.columns) for output in outputs]
    rows = 0
    for batch in table.batches():
        for writer in writers:
            writer.write(batch)
        rows += rows_of(batch)
        progress(table.name, rows, None)
    for writer in writers:
        writer.close()
    return rows


def _check_effect(formats: Sequence[Format], choice: Choice) -> None:
    """Refuse a choice that would change nothing in any output."""
    contents = {output.content for output in formats}
    if choice.measures and not ("nodes" in contents or "graph" in contents):
        raise SettingsError("--measures: these are of users; name nodes or a graph file among the outputs.")
    if (choice.filters or choice.dense) and not contents & {"edges", "nodes", "graph"}:
        raise SettingsError(
            "--among, --complete-only, --mutual, --min-degree, --top and --dense are about the follow graph; "
            "name edges, nodes or a graph file among the outputs."
        )


def _check_columns(tables: Sequence[Table], wanted: Sequence[str]) -> None:
    """Refuse a column that no table has, and a table that has none of the columns."""
    known = {column.name for table in tables for column in table.columns}
    for name in wanted:
        if name not in known:
            raise SettingsError(f"--columns: there is no column {name!r} here.", _columns_of(tables))
    for table in tables:
        if wanted and not {column.name for column in table.columns} & set(wanted):
            raise SettingsError(
                f"--columns: the table {table.name} has none of these columns.", _columns_of([table])
            )


def _columns_of(tables: Sequence[Table]) -> list[str]:
    return [f"{table.name}: {', '.join(column.name for column in table.columns)}" for table in tables]


def _selected(table: Table, wanted: Sequence[str]) -> Table:
    names = {column.name for column in table.columns}
    return table.select([name for name in wanted if name in names]) if wanted else table
