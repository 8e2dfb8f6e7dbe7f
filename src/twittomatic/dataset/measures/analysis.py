"""Measure a dataset: the graph, the measure, and the users at the top with their names."""

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
    """A measure of a dataset.

    Attributes:
        layout: The dataset.
        whole: The whole follow graph.
        graph: The graph that was measured, a part of it.
        among: Which part: `crawled` users or `all`.
        measured: What was found.
        defects: What is wrong with each file that was left out.
    """

    layout: Layout
    whole: Graph
    graph: Graph
    among: Among
    measured: Measured
    defects: Sequence[str] = ()

    @property
    def border(self) -> int:
        """Users of the dataset whose followers it does not have."""
        return int(np.count_nonzero(~self.whole.crawled))

    @property
    def incomplete(self) -> int:
        """Lists of followers that are here and have not all that the network had."""
        return (
            0
            if self.whole.lists is None
            else int(np.count_nonzero(self.whole.crawled & ~self.whole.complete))
        )

    def top(self, count: int) -> Nodes:
        """Return the nodes with the largest values in the first column, the largest first."""
        values = next(iter(self.measured.columns.values()))
        if self.measured.sizes is not None:
            values = self.graph.in_degrees()
        return _largest(values, count)

    def group_tops(self, groups: int) -> list[Nodes]:
        """Return for each of the largest parts the users in it with the most followers."""
        labels = next(iter(self.measured.columns.values()))
        followers = self.graph.in_degrees()
        tops = []
        for group in range(min(groups, len(self.measured.sizes if self.measured.sizes is not None else ()))):
            members = np.flatnonzero(labels == group)
            tops.append(members[_largest(followers[members], _GROUP_USERS)].astype(np.int32))
        return tops

    def table(self) -> Table:
        """Return a table of all users that were measured, with the columns of the measure."""
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

    A file that cannot be read is noted and left out.

    Args:
        directory: OUTPUT_DIRECTORY of a crawl.
        name: A measure of `MEASURES`.
        among: Users to measure; None takes those among whom the measure means something.
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
        layout=Layout(directory, directory / ".tmp"),
        whole=whole,
        graph=graph,
        among=among,
        measured=measure.compute(graph, seed),
        defects=defects,
    )


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Comparison:
    """Followers that the most followed users of a dataset share.

    Attributes:
        layout: The dataset.
        graph: The whole follow graph.
        overlap: Who was compared, and what they share.
        defects: What is wrong with each file that was left out.
    """

    layout: Layout
    graph: Graph
    overlap: Overlap
    defects: Sequence[str] = ()

    def pairs(self, count: int) -> list[dict[str, Any]]:
        """Return the first rows of the table."""
        return list(islice(self.table(), count))

    def table(self) -> Table:
        """Return a table of the pairs who share any followers, those who share most first."""
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
    """Compare the followers of a dataset's most followed users. A crawl may be running.

    A file that cannot be read is noted and left out.

    Args:
        directory: OUTPUT_DIRECTORY of a crawl.
        users: How many of them.
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
        layout=Layout(directory, directory / ".tmp"),
        graph=graph,
        overlap=overlap(graph, users),
        defects=defects,
    )


def _largest(values: Any, count: int) -> Nodes:
    """Return where the largest values are, the largest first; of equal ones, the first."""
    values = np.nan_to_num(values, nan=-np.inf) if values.dtype.kind == "f" else values
    if 0 < count < len(values):
        least = np.partition(values, len(values) - count)[len(values) - count]
        places = np.flatnonzero(values >= least)
    else:
        places = np.arange(len(values))
    order = np.argsort(-values[places].astype(np.float64), kind="stable")[:count]
    return places[order].astype(np.int32)
