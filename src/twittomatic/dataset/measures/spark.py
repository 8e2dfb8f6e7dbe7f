"""PageRank, weak components, degrees and reciprocity on Spark, from exported Parquet, without a jar.

The definitions are those of the embedded engine, in DataFrame operations. Spark cannot read `.fws` files: it
takes them for plain text.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from twittomatic.dataset.extras import require
from twittomatic.dataset.measures.rank import DAMPING, MOST_ITERATIONS, TOLERANCE
from twittomatic.errors import SettingsError

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

_LOCAL = {
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    "spark.sql.shuffle.partitions": "8",
}


@contextmanager
def session(master: str, options: Mapping[str, str] | None = None) -> Iterator[SparkSession]:
    """Open a Spark session for a block; on this machine, it listens on the loopback interface only.

    Args:
        master: Spark's URL of a cluster, or `local[N]` for N threads of this machine.
        options: Additional Spark settings.

    Raises:
        SettingsError: PySpark or Java is not installed, or the master cannot be reached.
    """
    sql = require("pyspark.sql", "spark")
    errors = require("pyspark.errors", "spark")
    if master.startswith("local"):
        os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    settings = {
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        **(_LOCAL if master.startswith("local") else {}),
        **(options or {}),
    }
    builder = sql.SparkSession.builder.master(master).appName("twittomatic")
    for name, value in settings.items():
        builder = builder.config(name, value)
    try:
        spark = builder.getOrCreate()
    except errors.PySparkRuntimeError as error:
        raise SettingsError(
            f"Spark does not start ({error.getCondition()}): check --master, and that Java 17 or newer is on "
            "PATH or in JAVA_HOME."
        ) from None
    spark.sparkContext.setLogLevel("ERROR")
    try:
        yield spark
    finally:
        spark.stop()


@dataclass(frozen=True, kw_only=True)
class SparkGraph:
    """A follow graph in Spark.

    Attributes:
        edges: Columns `follower` and `followed` (long), each edge once.
        nodes: Columns `id` (long), `name` and `crawled`, a row for each user, also for users without edges.
        border: Number of border users, whether or not they are in `nodes`.
    """

    edges: DataFrame
    nodes: DataFrame
    border: int

    @property
    def ids(self) -> DataFrame:
        """Column `id` of every user."""
        return self.nodes.select("id")

    @classmethod
    def read(cls, spark: SparkSession, directory: str, among: str = "all") -> SparkGraph:
        """Read `edges.parquet` and `nodes.parquet` that `twittomatic export` wrote.

        Args:
            spark: A session.
            directory: Directory of the files, readable by all machines of the cluster, or a URL.
            among: `crawled` leaves out border users.
        """
        place = directory.rstrip("/")
        edges = spark.read.parquet(f"{place}/edges.parquet").select("follower", "followed").distinct()
        nodes = spark.read.parquet(f"{place}/nodes.parquet").select("id", "name", "crawled")
        border = nodes.where("not crawled").count()
        if among == "crawled":
            nodes = nodes.where("crawled")
            for end in ("follower", "followed"):
                edges = edges.join(nodes.select(nodes["id"].alias(end)), end, "left_semi")
            edges = edges.select("follower", "followed")
        return cls(edges=edges.cache(), nodes=nodes.cache(), border=border)


@dataclass(frozen=True, kw_only=True)
class SparkMeasured:
    """The values of a measure.

    Attributes:
        frame: Column `id` and the columns of the measure, one row per user.
        facts: Values for the whole graph.
    """

    frame: DataFrame
    facts: Mapping[str, int | float | None]


def pagerank(graph: SparkGraph, damping: float = DAMPING, tolerance: float = TOLERANCE) -> SparkMeasured:
    """Return the PageRank of each user, as the embedded engine does.

    Only users with followers are visited in each iteration: the rank of the others is constant, and their
    contribution is computed once.
    """
    f = require("pyspark.sql.functions", "spark")
    edges, n = graph.edges, graph.nodes.count()
    if n == 0:
        return SparkMeasured(frame=graph.ids.withColumn("pagerank", f.lit(0.0)), facts={"iterations": 0})
    shares = edges.groupBy("follower").agg((f.lit(damping) / f.count("*")).alias("share"))
    received = edges.select(f.col("followed").alias("follower")).distinct()
    outside = edges.join(received, "follower", "left_anti").join(shares, "follower")
    fixed = outside.groupBy("followed").agg(f.sum("share").alias("fixed"))
    users = (
        received.join(shares, "follower", "left")
        .join(fixed.withColumnRenamed("followed", "follower"), "follower", "left")
        .select(
            f.col("follower").alias("id"),
            f.coalesce("share", f.lit(0.0)).alias("share"),
            (1 + f.coalesce("fixed", f.lit(0.0))).alias("fixed"),
        )
        .localCheckpoint()
    )
    within = edges.join(received, "follower", "left_semi").select("follower", "followed").cache()
    count = users.count()
    total = _value(users.agg(f.coalesce(f.sum("fixed"), f.lit(0.0))))
    whole = n - count + total
    least, iterations, converged = 1.0 / whole, 0, count == 0
    ranks = users.select("id", "share", "fixed", (f.col("fixed") / whole).alias("rank"))
    while not converged and iterations < MOST_ITERATIONS:
        passed = ranks.select(f.col("id").alias("follower"), (f.col("rank") * f.col("share")).alias("passed"))
        sums = within.join(passed, "follower").groupBy("followed").agg(f.sum("passed").alias("received"))
        stepped = (
            ranks.join(sums.withColumnRenamed("followed", "id"), "id", "left")
            .select("id", "share", "fixed", "rank", f.coalesce("received", f.lit(0.0)).alias("received"))
            .localCheckpoint()
        )
        least = (1.0 - _value(stepped.agg(f.sum("received")))) / whole
        following = f.lit(least) * f.col("fixed") + f.col("received")
        change = _value(stepped.agg(f.sum(f.abs(following - f.col("rank")))))
        ranks = stepped.select("id", "share", "fixed", following.alias("rank"))
        iterations += 1
        converged = change <= tolerance
    frame = graph.ids.join(ranks.select("id", "rank"), "id", "left").select(
        "id", f.coalesce("rank", f.lit(least)).alias("pagerank")
    )
    return SparkMeasured(frame=frame, facts={"damping": damping, "iterations": iterations})


def _value(frame: DataFrame) -> float:
    """Return the only value of a frame."""
    row: Any = frame.first()
    return float(row[0])


def components(graph: SparkGraph) -> SparkMeasured:
    """Return the weakly connected components; the smallest user id of a component is its label.

    In each round a user takes the smallest label among its neighbors, and then the label of that user.
    """
    f = require("pyspark.sql.functions", "spark")
    one_way = graph.edges.select(f.col("follower").alias("id"), f.col("followed").alias("other"))
    ties = one_way.union(one_way.select("other", "id")).distinct().cache()
    names = graph.ids.select("id", f.col("id").alias("name"))
    changed = True
    while changed:
        of_other = names.select(f.col("id").alias("other"), "name")
        least = ties.join(of_other, "other").groupBy("id").agg(f.min("name").alias("near"))
        nearer = names.join(least, "id", "left").select(
            "id", "name", f.least("name", f.coalesce("near", "name")).alias("near")
        )
        jump = nearer.select(f.col("id").alias("near"), f.col("near").alias("further"))
        stepped = (
            nearer.join(jump, "near", "left")
            .select("id", "name", f.least("near", f.coalesce("further", "near")).alias("following"))
            .localCheckpoint()
        )
        changed = not stepped.where("following <> name").isEmpty()
        names = stepped.select("id", f.col("following").alias("name"))
    frame = names.select("id", f.col("name").alias("component"))
    return SparkMeasured(frame=frame, facts={"components": frame.select("component").distinct().count()})


def degrees(graph: SparkGraph) -> SparkMeasured:
    """Return the in-degree and out-degree of each user."""
    f = require("pyspark.sql.functions", "spark")
    frame = graph.ids
    for end, name in (("followed", "in_degree"), ("follower", "out_degree")):
        counts = graph.edges.groupBy(f.col(end).alias("id")).agg(f.count("*").alias(name))
        frame = frame.join(counts, "id", "left")
    frame = frame.select(
        "id", *(f.coalesce(name, f.lit(0)).alias(name) for name in ("in_degree", "out_degree"))
    )
    return SparkMeasured(frame=frame, facts={})


def reciprocity(graph: SparkGraph) -> SparkMeasured:
    """Return the number of mutual edges of each user, and their share of the followers."""
    f = require("pyspark.sql.functions", "spark")
    edges = graph.edges.where("follower <> followed")
    back = edges.select(f.col("followed").alias("follower"), f.col("follower").alias("followed"))
    mutual = edges.join(back, ["follower", "followed"], "left_semi")
    followers = edges.groupBy(f.col("followed").alias("id")).agg(f.count("*").alias("followers"))
    counts = mutual.groupBy(f.col("followed").alias("id")).agg(f.count("*").alias("mutual"))
    frame = (
        graph.ids.join(followers, "id", "left")
        .join(counts, "id", "left")
        .select(
            "id",
            f.coalesce("mutual", f.lit(0)).alias("mutual"),
            (f.coalesce("mutual", f.lit(0)) / f.col("followers")).alias("reciprocity"),
        )
    )
    of_all, answered = edges.count(), mutual.count()
    share = answered / of_all if of_all else None
    facts = {"share of follows that are mutual": share, "mutual pairs": answered // 2}
    return SparkMeasured(frame=frame, facts=facts)


MEASURES: Final[Mapping[str, Callable[[SparkGraph], SparkMeasured]]] = {
    "degrees": degrees,
    "pagerank": pagerank,
    "components": components,
    "reciprocity": reciprocity,
}
"""The measures that Spark can compute, by name."""
