"""Users of the follow graph as a table: what the dataset knows of each."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import msgspec
import numpy as np
import numpy.typing as npt

from twittomatic.dataset.completeness import read_completeness
from twittomatic.dataset.ids import UserIds
from twittomatic.dataset.tables.columns import Batch, Column, Type
from twittomatic.dataset.tables.defects import decoded_files
from twittomatic.dataset.tables.edges import node_pairs
from twittomatic.dataset.tables.profiles import newest_first
from twittomatic.dataset.tables.table import Table
from twittomatic.errors import StorageError
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
    Column("coverage", Type.FLOAT, "length of the list, divided by `claimed`"),
    Column("first_seen_at", Type.TIME, "when the first list with the user, or the user's own, had arrived"),
)
_BATCH = 1 << 16  # nodes
_UNKNOWN_DEPTH = np.iinfo(np.int16).max
_NEVER = np.iinfo(np.int64).max

OnDefect = Callable[[StorageError], None]


class _Profile(msgspec.Struct):
    id: str
    username: Any = None
    public_metrics: Any = None


_decode = msgspec.json.Decoder(_Profile).decode


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

    Memory: some 30 bytes for each user, and 50 more where the dataset has a profile.

    Args:
        layout: The dataset.
        graph: The graph, or a part of it.
        whole: The graph that `graph` is a part of; depth and first sight are computed on it.
        dense: Whether the first column is `number`.
        measures: More columns by their names, parallel to `graph.ids`; one that is there already, such as
            `in_degree`, is left out.
        on_defect: Called with the error about a file that cannot be read, which is left out; None raises it.
    """
    known = {column.name for column in NODE_COLUMNS}
    added = {name: values for name, values in (measures or {}).items() if name not in known}
    more = tuple(
        Column(name, Type.FLOAT if values.dtype.kind == "f" else Type.INT64, "see `twittomatic analyze`")
        for name, values in added.items()
    )

    def read() -> Iterator[Batch]:
        lists = _Lists(layout, whole or graph)
        names = _Names(layout, graph.ids, on_defect)
        in_degree, out_degree = graph.in_degrees(), graph.out_degrees()
        for begin in range(0, graph.node_count, _BATCH):
            part = slice(begin, min(begin + _BATCH, graph.node_count))
            batch: dict[str, Any] = {"id": graph.ids[part]}
            if dense:
                batch["number"] = np.arange(part.start, part.stop, dtype=np.int32)
            batch |= {**names.batch(part), **lists.batch(graph.ids[part])}
            batch |= {"in_degree": in_degree[part], "out_degree": out_degree[part]}
            batch["crawled"] = graph.crawled[part]
            yield batch | {name: values[part] for name, values in added.items()}

    return Table("nodes", ((NUMBER,) if dense else ()) + NODE_COLUMNS + more, read)


def complete_lists(layout: Layout) -> UserIds:
    """Return the users whose list of followers is there and complete, sorted."""
    rows = read_completeness(layout)
    return np.array([r.user_id for r in rows if r.list == "followers" and r.is_complete and r.file], np.int64)


class _Lists:
    """What the journal says of lists of followers, and what follows from it for the users in them."""

    def __init__(self, layout: Layout, graph: Graph) -> None:
        self._ids = graph.ids
        rows = [row for row in read_completeness(layout) if row.list == "followers"]
        places, known = _places(graph.ids, np.array([row.user_id for row in rows], np.int64))
        rows = [row for row, is_known in zip(rows, known, strict=True) if is_known]
        self._row_of = dict(zip(places[known].tolist(), rows, strict=True))
        self._depth = np.full(graph.node_count, _UNKNOWN_DEPTH, np.int16)
        self._seen = np.full(graph.node_count, _NEVER, np.int64)
        for node, row in self._row_of.items():
            if graph.crawled[node]:
                self._depth[node] = row.depth
            self._seen[node] = round(row.ended_at.timestamp() * 1e6)
        self._spread(graph)

    def _spread(self, graph: Graph) -> None:
        """Set the depth and the first sight of followers from those of the users whom they follow."""
        depth, seen = self._depth.copy(), self._seen.copy()
        for followed, follower in node_pairs(graph):
            np.minimum.at(seen, follower, self._seen[followed])
            border = ~graph.crawled[follower] & (self._depth[followed] != _UNKNOWN_DEPTH)
            np.minimum.at(depth, follower[border], self._depth[followed[border]] + np.int16(1))
        self._depth, self._seen = depth, seen

    def batch(self, ids: UserIds) -> Batch:
        nodes = np.searchsorted(self._ids, ids)
        rows = [self._row_of.get(node) for node in nodes.tolist()]
        return {
            "depth": [None if d == _UNKNOWN_DEPTH else d for d in self._depth[nodes].tolist()],
            "complete": np.array([row is not None and row.is_complete for row in rows], np.bool_),
            "claimed": [None if row is None else row.claimed for row in rows],
            "coverage": [row.records / row.claimed if row and row.claimed else None for row in rows],
            "first_seen_at": [
                None if us == _NEVER else datetime.fromtimestamp(us / 1e6, UTC)
                for us in self._seen[nodes].tolist()
            ],
        }


class _Names:
    """Name and counts in the newest profile of each user, where the dataset has one."""

    def __init__(self, layout: Layout, ids: UserIds, on_defect: OnDefect | None) -> None:
        self._entry = np.full(len(ids), -1, np.int32)
        self._counts = {name: array("q") for name in ("followers_count", "following_count", "tweet_count")}
        self._text = bytearray()
        self._ends = array("q", [0])
        for page in decoded_files(newest_first(layout.profiles()), _decode, on_defect):
            profiles = [profile for _, profile in page if profile.id.isascii() and profile.id.isdecimal()]
            numbers = np.array([int(profile.id) for profile in profiles], np.uint64).astype(np.int64)
            places, known = _places(ids, numbers)
            for place, is_known, profile in zip(places.tolist(), known.tolist(), profiles, strict=True):
                if is_known and self._entry[place] < 0:
                    self._entry[place] = len(self._ends) - 1
                    self._add(profile)

    def _add(self, profile: _Profile) -> None:
        if isinstance(profile.username, str):
            self._text += profile.username.encode("utf-8", "replace")
        self._ends.append(len(self._text))
        metrics = profile.public_metrics if isinstance(profile.public_metrics, dict) else {}
        for name, counts in self._counts.items():
            count = metrics.get(name)
            counts.append(count if type(count) is int and 0 <= count < 2**63 else -1)

    def batch(self, part: slice) -> Batch:
        entries = self._entry[part].tolist()
        text, ends = self._text, self._ends
        names = [text[ends[e] : ends[e + 1]].decode() or None if e >= 0 else None for e in entries]
        counts = {
            name: [counts[e] if e >= 0 and counts[e] >= 0 else None for e in entries]
            for name, counts in self._counts.items()
        }
        return {"name": names, **counts}


def _places(ids: UserIds, wanted: UserIds) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """Return where ids are among sorted ids, and which of them are there at all."""
    if not len(ids):
        return np.zeros(len(wanted), np.int64), np.zeros(len(wanted), np.bool_)
    places = np.minimum(np.searchsorted(ids, wanted), len(ids) - 1)
    return places, ids[places] == wanted
