"""The users of the follow graph as a table: names, counts, degrees, and completeness of their lists."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from twittomatic.dataset.graph.arrayfile import release
from twittomatic.dataset.graph.edgeblocks import follow_counts
from twittomatic.dataset.graph.profiles import read_node_profiles
from twittomatic.dataset.ids import UserIds
from twittomatic.dataset.lists import OnDefect
from twittomatic.dataset.tables.columns import Batch, Column, Type
from twittomatic.dataset.tables.edges import node_pairs
from twittomatic.dataset.tables.table import Table
from twittomatic.storage.paths import Layout

if TYPE_CHECKING:
    from twittomatic.dataset.graph import Graph

NUMBER: Final = Column("number", Type.INT32, "the user's number in the edges of `--dense`, from 0 on")
NODE_COLUMNS: Final = (
    Column("id", Type.INT64, "user id"),
    Column("name", Type.TEXT, "screen name in the newest profile"),
    Column("followers_count", Type.INT64, "followers on the network, by the newest profile"),
    Column("following_count", Type.INT64, "users followed on the network, by the newest profile"),
    Column("tweet_count", Type.INT64, "posts, by the newest profile"),
    Column("in_degree", Type.INT64, "followers in this graph"),
    Column("out_degree", Type.INT64, "users of this graph whom the user follows"),
    Column("depth", Type.INT32, "hops from a seed"),
    Column("crawled", Type.BOOLEAN, "whether the dataset has the list of followers"),
    Column("complete", Type.BOOLEAN, "whether this list is complete"),
    Column("claimed", Type.INT64, "followers that the network claimed when the list was downloaded"),
    Column(
        "coverage",
        Type.FLOAT,
        "length of the list, divided by `claimed`; where that is empty, by `followers_count`",
    ),
    Column("first_seen_at", Type.TIME, "when the first list with the user, or the user's own, had arrived"),
)
_FIELDS: Final = {
    "name": "username",
    "followers_count": "followers_count",
    "following_count": "following_count",
    "tweet_count": "posts_count",
}
_BATCH = 1 << 13  # nodes: as Python objects they take some megabytes
_UNKNOWN_DEPTH = np.iinfo(np.int16).max
_NEVER = np.iinfo(np.int32).max


def node_table(
    layout: Layout,
    graph: Graph,
    *,
    whole: Graph | None = None,
    dense: bool = False,
    measures: Mapping[str, npt.NDArray[Any]] | None = None,
    on_defect: OnDefect | None = None,
) -> Table:
    """Return the users of a graph as a table, sorted by id.

    Memory: 14 bytes for each user, beside the graph.

    Args:
        layout: The dataset.
        graph: The graph, or a part of it.
        whole: The graph of which `graph` is a part; `depth` and `first_seen_at` are computed on it.
        dense: Whether the first column is `number`.
        measures: Additional columns by name, parallel to `graph.ids`; those that the table already has, such
            as `in_degree`, are left out.
        on_defect: Called with the error about a file that cannot be read, which is left out; None raises it.
    """
    known = {column.name for column in NODE_COLUMNS}
    added = {name: values for name, values in (measures or {}).items() if name not in known}
    more = tuple(
        Column(name, Type.FLOAT if values.dtype.kind == "f" else Type.INT64, "see `twittomatic analyze`")
        for name, values in added.items()
    )

    def read() -> Iterator[Batch]:
        release(graph.ids)
        sightings = _Sightings(whole or graph)
        profiles = _Profiles(layout, graph, on_defect)
        out_degree = follow_counts(graph)
        for begin in range(0, graph.node_count, _BATCH):
            part = slice(begin, min(begin + _BATCH, graph.node_count))
            some = _some(graph, part)
            found = profiles.batch(part)
            batch: dict[str, Any] = {
                "number": np.arange(part.start, part.stop, dtype=np.int32),
                "id": some.ids,
                "in_degree": some.in_degrees(),
                "out_degree": out_degree[part].astype(np.int64),
                "crawled": some.crawled,
                "complete": some.complete,
                "claimed": _known(some.claimed, some.claimed >= 0),
                "coverage": _coverage(_lines(some), some.claimed, found["followers_count"]),
                **found,
                **sightings.batch(some.ids),
            }
            yield batch | {name: values[part] for name, values in (measures or {}).items()}
            release(some.ids)
            release(some.indptr)

    return Table("nodes", ((NUMBER,) if dense else ()) + NODE_COLUMNS + more, read)


def _some(graph: Graph, part: slice) -> Graph:
    """Return some nodes without their followers; what the graph says of each node is the same."""
    lists = graph.lists
    if lists is not None:
        rows = slice(*np.searchsorted(lists.nodes, [part.start, part.stop]).tolist())
        lists = replace(
            lists,
            nodes=lists.nodes[rows] - np.int32(part.start),
            lines=lists.lines[rows],
            endings=lists.endings[rows],
            claimed=lists.claimed[rows],
        )
    return replace(
        graph,
        ids=graph.ids[part],
        indptr=graph.indptr[part.start : part.stop + 1],
        crawled=graph.crawled[part],
        lists=lists,
    )


class _Sightings:
    """Depth and first sighting of each node, from its own list or from the lists that contain it."""

    def __init__(self, graph: Graph) -> None:
        self._ids = graph.ids
        self._depth = np.full(graph.node_count, _UNKNOWN_DEPTH, np.int16)
        self._seen = np.full(graph.node_count, _NEVER, np.int32)  # place of the moment in `_moments`
        self._moments = np.empty(0, np.int64)
        lists = graph.lists
        if lists is None:
            return
        order = np.argsort(lists.ended_at, kind="stable")
        self._moments = lists.ended_at[order]
        seen = np.empty(len(order), np.int32)
        seen[order] = np.arange(len(order), dtype=np.int32)
        seen[lists.ended_at <= 0] = _NEVER
        depth = np.minimum(lists.depth, _UNKNOWN_DEPTH - 1).astype(np.int16)
        depth[lists.depth < 0] = _UNKNOWN_DEPTH
        self._seen[lists.nodes], self._depth[lists.nodes] = seen, depth
        for followed, follower in node_pairs(graph):
            row = np.searchsorted(lists.nodes, followed)  # who has followers here has a list
            np.minimum.at(self._seen, follower, seen[row])
            border = ~graph.crawled[follower] & (depth[row] != _UNKNOWN_DEPTH)
            np.minimum.at(self._depth, follower[border], depth[row[border]] + np.int16(1))

    def batch(self, ids: UserIds) -> Batch:
        nodes = np.searchsorted(self._ids, ids)
        depths, places = self._depth[nodes].tolist(), self._seen[nodes].tolist()
        return {
            "depth": [None if depth == _UNKNOWN_DEPTH else depth for depth in depths],
            "first_seen_at": [
                None if place == _NEVER else datetime.fromtimestamp(self._moments[place] / 1e6, UTC)
                for place in places
            ],
        }


class _Profiles:
    """Name and counts in the newest profile of each node, batch by batch."""

    def __init__(self, layout: Layout, graph: Graph, on_defect: OnDefect | None) -> None:
        self._profiles = read_node_profiles(layout, graph, on_defect=on_defect)
        self._next = next(self._profiles, None)

    def batch(self, part: slice) -> dict[str, list[Any]]:
        """Return the columns of the next nodes; parts follow each other."""
        columns: dict[str, list[Any]] = {name: [None] * (part.stop - part.start) for name in _FIELDS}
        while self._next is not None and self._next.node < part.stop:
            for name, field in _FIELDS.items():
                columns[name][self._next.node - part.start] = getattr(self._next, field)
            self._next = next(self._profiles, None)
        return columns


def _lines(graph: Graph) -> npt.NDArray[np.int64]:
    """Return the length of the list of each node, -1 where there is none (shape n)."""
    lines = np.full(graph.node_count, -1)
    if graph.lists is not None:
        lines[graph.lists.nodes] = graph.lists.lines
    return lines


def _coverage(
    lines: npt.NDArray[np.int64], claimed: npt.NDArray[np.int64], counts: Sequence[Any]
) -> list[float | None]:
    """Return which part of its followers each node's list has, None if the list or both counts are missing.

    A crawl learns what a list claims only if it reads the profile first, which it does for targets. The
    profiles of the others are in the lists of whom they follow.
    """
    counted = np.array([-1 if count is None else count for count in counts], np.int64)
    whole = np.where(claimed >= 0, claimed, counted)
    share = np.where(lines == whole, 1.0, lines / np.maximum(whole, 1))
    return _known(share, (lines >= 0) & (whole >= 0))


def _known(values: npt.NDArray[Any], known: npt.NDArray[np.bool_]) -> list[Any]:
    """Return values as a list, with None for unknown ones."""
    return [
        value if is_known else None for value, is_known in zip(values.tolist(), known.tolist(), strict=True)
    ]
