"""Measure a dataset on Spark: export it, or use an existing export, and collect the top users."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twittomatic.dataset.export import Choice, Format, Output, export
from twittomatic.dataset.extras import require
from twittomatic.dataset.measures import spark
from twittomatic.dataset.measures.catalog import Among
from twittomatic.dataset.progress import Progress, no_progress
from twittomatic.dataset.tables.columns import Batch, Column, Type
from twittomatic.dataset.tables.table import Table
from twittomatic.errors import SettingsError
from twittomatic.storage.paths import Layout

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

_ROWS = 1 << 16  # of a batch
_COLUMNS = ("follower", "followed", "id", "name", "crawled")


@dataclass(frozen=True, kw_only=True, slots=True)
class SparkAnalysis:
    """A measure of a dataset, computed by Spark.

    Attributes:
        among: Users that were measured: `crawled` or `all`.
        users: Number of users.
        edges: Number of edges, each once.
        border: Number of border users.
        facts: Values for the whole graph, and parameters.
        top: Rows of the users with the largest values: id, name, crawled, and the columns of the measure.
        sizes: Number of users of the largest groups in descending order, if the measure partitions the users.
        defects: A sentence about each file that was left out.
    """

    among: Among
    users: int
    edges: int
    border: int
    facts: Mapping[str, int | float | None]
    top: list[dict[str, Any]]
    sizes: list[int] | None = None
    defects: list[str] = field(default_factory=list)


def analyze_on_spark(
    directory: Path,
    name: str,
    *,
    among: Among,
    master: str,
    parquet: str | None = None,
    top: int = 20,
    to_url: str | None = None,
    write: Callable[[Table], None] | None = None,
    progress: Progress = no_progress,
) -> SparkAnalysis:
    """Measure a follow graph on Spark, with the same result as the embedded engine.

    Args:
        directory: OUTPUT_DIRECTORY of a crawl, which is exported first if `parquet` is None.
        name: A measure of `spark.MEASURES`.
        among: Users to measure.
        master: Spark's URL of the cluster, or `local[N]`.
        parquet: Directory or URL of an export: `edges.parquet` and `nodes.parquet`.
        top: Number of users to collect.
        to_url: URL to which Spark's executors write the columns of all users as Parquet.
        write: Called with the table of all users, which is read through this process.
        progress: Called with the current step.

    Raises:
        SettingsError: a library or Java is not installed, the master cannot be reached, or there is no
            export.
        StorageUnavailable: the dataset cannot be read.
    """
    errors = require("pyspark.errors", "spark")
    defects: list[str] = []
    with _exported(directory, parquet, defects, progress) as place:
        progress("Starting Spark", 0, None)
        with spark.session(master) as session:
            try:
                graph = spark.SparkGraph.read(session, place, among)
                border = graph.border
            except errors.AnalysisException as error:
                raise SettingsError(
                    f"{place}: Spark finds no export of edges and nodes there ({error.getCondition()})."
                ) from None
            progress("Measuring", 0, None)
            found = spark.MEASURES[name](graph)
            columns = [column for column in found.frame.columns if column != "id"]
            frame = graph.nodes.join(found.frame, "id").cache()
            sizes = None
            if name == "components":
                counts = frame.groupBy("component").count().orderBy("count", ascending=False)
                sizes = [row["count"] for row in counts.limit(top).collect()]
            if to_url is not None:
                frame.write.parquet(to_url)
            if write is not None:
                write(_table(frame))
            rows = frame.orderBy([columns[0], "id"], ascending=[False, True]).limit(top).collect()
            return SparkAnalysis(
                among=among,
                users=graph.nodes.count(),
                edges=graph.edges.count(),
                border=border,
                facts=found.facts,
                top=[row.asDict() for row in rows],
                sizes=sizes,
                defects=defects,
            )


@contextmanager
def _exported(directory: Path, parquet: str | None, defects: list[str], progress: Progress) -> Iterator[str]:
    if parquet is not None:
        yield parquet
        return
    progress("Exporting the dataset for Spark", 0, None)
    with tempfile.TemporaryDirectory(prefix="twittomatic-spark-") as place:
        with open(f"{place}/edges.parquet", "wb") as edges, open(f"{place}/nodes.parquet", "wb") as nodes:  # noqa: PTH123
            outputs = [Output(Format("edges", ".parquet"), edges), Output(Format("nodes", ".parquet"), nodes)]
            done = export(Layout.of_dataset(directory), outputs, Choice(columns=_COLUMNS))
            defects += done.defects
        yield place


def _table(frame: DataFrame) -> Table:
    types = {"bigint": Type.INT64, "double": Type.FLOAT, "string": Type.TEXT, "boolean": Type.BOOLEAN}
    columns = [Column(name, types[kind]) for name, kind in frame.dtypes]

    def read() -> Iterator[Batch]:
        left = frame.orderBy("id").toLocalIterator()
        while rows := list(islice(left, _ROWS)):
            values = zip(*rows, strict=True)
            yield {column.name: list(some) for column, some in zip(columns, values, strict=True)}

    return Table("nodes", columns, read)
