"""Measure the follow graph of a dataset, and rank its users."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from twittomatic.dataset.dataset import Dataset
from twittomatic.dataset.graph import Graph, Nodes
from twittomatic.dataset.measures.catalog import MEASURES, Among, Measured
from twittomatic.dataset.measures.overlap import Overlap, overlap
from twittomatic.dataset.progress import Progress, no_progress
from twittomatic.dataset.tables.columns import Batch, Column, Type
from twittomatic.dataset.tables.nodes import node_table
from twittomatic.dataset.tables.table import Table
from twittomatic.storage.paths import Layout

_GROUP_USERS = 3
_PAIRS = 1 << 16  # rows of a batch
_PAIR_COLUMNS = (
    Column("user", Type.INT64, "user id"),
    Column("other", Type.INT64, "user id of another"),
    Column("shared", Type.INT64, "followers of both"),
    Column("jaccard", Type.FLOAT, "followers of both, divided by followers of either"),
)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Analysis:
    """The result of a measure on a dataset.

    Attributes:
        layout: The dataset.
        whole: The whole follow graph.
        graph: The graph that was measured: the whole one or a subgraph.
        among: Users that were measured: `crawled` or `all`.
        measured: Values of the measure.
        defects: A sentence about each file that was left out.
    """

    layout: Layout
    whole: Graph
    graph: Graph
    among: Among
    measured: Measured
    defects: Sequence[str] = ()

    @property
    def border(self) -> int:
        """Number of border users."""
        return int(np.count_nonzero(~self.whole.crawled))

    @property
    def incomplete(self) -> int:
        """Number of lists of followers that are not complete."""
        return (
            0
            if self.whole.lists is None
            else int(np.count_nonzero(self.whole.crawled & ~self.whole.complete))
        )

    def top(self, count: int) -> Nodes:
        """Return the nodes with the largest values in the first column, in descending order."""
        values = next(iter(self.measured.columns.values()))
        if self.measured.sizes is not None:
            values = self.graph.in_degrees()
        return _largest(values, count)

    def group_tops(self, groups: int) -> list[Nodes]:
        """Return the most followed users of each of the largest groups."""
        labels = next(iter(self.measured.columns.values()))
        followers = self.graph.in_degrees()
        tops = []
        for group in range(min(groups, len(self.measured.sizes if self.measured.sizes is not None else ()))):
            members = np.flatnonzero(labels == group)
            tops.append(members[_largest(followers[members], _GROUP_USERS)].astype(np.int32))
        return tops

    def table(self) -> Table:
        """Return the table of the measured users, with the columns of the measure."""
        return node_table(
            self.layout,
            self.graph,
            whole=self.whole,
            measures=self.measured.columns,
            on_defect=lambda error: None,  # of a profile, which only gives a name
        )


def analyze(
    directory: Path,
    name: str,
    among: Among | None = None,
    seed: int = 1,
    progress: Progress = no_progress,
) -> Analysis:
    """Measure the follow graph of a dataset. A crawl may be running.

    A file that cannot be read is left out and reported in `defects`.

    Args:
        directory: OUTPUT_DIRECTORY of a crawl.
        name: A measure of `MEASURES`.
        among: Users to measure; None selects those for whom the measure is meaningful.
        seed: Seed of measures that use random numbers.
        progress: Called with the current step.

    Raises:
        SettingsError: there is no such dataset, or a library is not installed.
        StorageUnavailable: the dataset cannot be read.
    """
    measure = MEASURES[name]
    among = among or measure.among
    progress("Reading the follower lists", 0, None)
    defects: list[str] = []
    whole = Dataset(directory).graph(on_defect=lambda error: defects.append(str(error)))
    graph = whole.subgraph(whole.crawled) if among == "crawled" else whole
    progress(f"{measure.title} of {graph.node_count:,} users, {graph.edge_count:,} edges", 0, None)
    return Analysis(
        layout=Layout.of_dataset(directory),
        whole=whole,
        graph=graph,
        among=among,
        measured=measure.compute(graph, seed),
        defects=defects,
    )


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Comparison:
    """The overlap of the followers of the most followed users of a dataset.

    Attributes:
        layout: The dataset.
        graph: The whole follow graph.
        overlap: The compared users, and the number of followers that they share.
        defects: A sentence about each file that was left out.
    """

    layout: Layout
    graph: Graph
    overlap: Overlap
    defects: Sequence[str] = ()

    def pairs(self, count: int) -> list[dict[str, Any]]:
        """Return the first rows of the table."""
        return list(islice(self.table(), count))

    def table(self) -> Table:
        """Return the table of pairs who share followers, sorted by descending number of shared followers."""
        found, ids = self.overlap, self.graph.ids
        first, second = np.triu_indices(len(found.nodes), 1)
        shared = found.shared[first, second]
        order = np.argsort(-shared, kind="stable")
        order = order[shared[order] > 0]
        jaccard = found.jaccard()

        def read() -> Iterator[Batch]:
            for begin in range(0, len(order), _PAIRS):
                some = order[begin : begin + _PAIRS]
                a, b = first[some], second[some]
                batch: dict[str, Any] = {"user": ids[found.nodes[a]], "other": ids[found.nodes[b]]}
                yield {**batch, "shared": shared[some], "jaccard": jaccard[a, b]}

        return Table("overlap", _PAIR_COLUMNS, read)


def compare(directory: Path, users: int, progress: Progress = no_progress) -> Comparison:
    """Compare the followers of the most followed users of a dataset. A crawl may be running.

    A file that cannot be read is left out and reported in `defects`.

    Args:
        directory: OUTPUT_DIRECTORY of a crawl.
        users: Number of users to compare.
        progress: Called with the current step.

    Raises:
        SettingsError: there is no such dataset.
        StorageUnavailable: the dataset cannot be read.
    """
    progress("Reading the follower lists", 0, None)
    defects: list[str] = []
    graph = Dataset(directory).graph(on_defect=lambda error: defects.append(str(error)))
    progress(f"Comparing the followers of {users:,} users", 0, None)
    return Comparison(
        layout=Layout.of_dataset(directory),
        graph=graph,
        overlap=overlap(graph, users),
        defects=defects,
    )


def _largest(values: Any, count: int) -> Nodes:
    """Return the indices of the largest values, in descending order; ties keep their order."""
    values = np.nan_to_num(values, nan=-np.inf) if values.dtype.kind == "f" else values
    if 0 < count < len(values):
        least = np.partition(values, len(values) - count)[len(values) - count]
        places = np.flatnonzero(values >= least)
    else:
        places = np.arange(len(values))
    order = np.argsort(-values[places].astype(np.float64), kind="stable")[:count]
    return places[order].astype(np.int32)
