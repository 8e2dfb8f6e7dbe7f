"""The interactions of the timelines as a network for graph files."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import IO, Final

import msgspec
import numpy as np

from twittomatic.dataset.export.network import (
    ArcBatch,
    Attribute,
    Network,
    NodeBatch,
    Value,
    attribute_values,
)
from twittomatic.dataset.graph import Graph
from twittomatic.dataset.graph.profiles import read_node_profiles
from twittomatic.dataset.ids import UserIds
from twittomatic.dataset.interactions import KINDS, Interaction, read_interactions
from twittomatic.dataset.tables.columns import Type
from twittomatic.errors import StorageError
from twittomatic.storage.errors import translate_errors
from twittomatic.storage.paths import Layout

_DESCRIPTION = (
    "Who refers to whom in posts: an edge goes from the author to the user who is retweeted, answered, "
    "quoted or mentioned, and its weight is how often."
)
_COUNTS: Final = tuple(Attribute(name, "long") for name in ("retweets", "replies", "quotes", "mentions"))
_EDGE_ATTRIBUTES: Final = (*_COUNTS, Attribute("first_at", "string"), Attribute("last_at", "string"))
_NODE_ATTRIBUTES: Final = (Attribute("has_timeline", "boolean"),)
OnDefect = Callable[[StorageError], None] | None

_BATCH = 1 << 15  # nodes or edges


class _Edge(msgspec.Struct, array_like=True):
    """Interactions with one user: `target` is an id, or the name of a user without one."""

    target: int | str
    counts: list[int]
    first_at: datetime | None
    last_at: datetime | None


class _Timeline(msgspec.Struct, array_like=True):
    source: int
    edges: list[_Edge]


@contextmanager
def interaction_network(layout: Layout, on_defect: OnDefect = None) -> Iterator[Network]:
    """Yield the interactions as a network with one edge per pair of users.

    The timelines are read once. Their edges are kept in a temporary file, some 40 bytes each, since all users
    must be known before the first edge is written. If a post has only the name of a user, the id is looked
    up in the posts and profiles that have both; users without an id are left out. Memory: some 200 bytes per
    user.

    Args:
        layout: The dataset.
        on_defect: Called with the error about a file that cannot be read, which is left out; None raises it.

    Raises:
        CorruptFile: a timeline is broken; it is named.
        StorageUnavailable: a timeline cannot be read, or the temporary file cannot be written.
    """
    with translate_errors(Path(tempfile.gettempdir())), tempfile.TemporaryFile() as file:
        spool = _Spool(file)
        for timeline in read_interactions(layout, on_defect):
            spool.add(timeline)
        yield spool.network(layout, on_defect)


class _Spool:
    """Collects edges in a temporary file, timeline by timeline, and the users in memory."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._names: dict[int, str] = {}
        self._with_timeline: set[int] = set()
        self._encode = msgspec.msgpack.Encoder().encode
        self._decode = msgspec.msgpack.Decoder(_Timeline).decode

    def add(self, rows: list[Interaction]) -> None:
        """Add the interactions of a timeline."""
        source = rows[0].source
        self._with_timeline.add(source)
        self._names[source] = rows[0].source_name or self._names.get(source, "")
        edges: dict[int | str, _Edge] = {}
        for row in rows:
            target = row.target_name or "" if row.target is None else row.target
            if row.target is not None:
                self._names[row.target] = self._names.get(row.target) or row.target_name or ""
            edge = edges.setdefault(target, _Edge(target, [0] * len(KINDS), row.first_at, row.last_at))
            edge.counts[KINDS.index(row.kind)] += row.count
            _widen(edge, row.first_at, row.last_at)
        text = self._encode(_Timeline(source, [*edges.values()]))
        self._file.write(len(text).to_bytes(4, "little") + text)

    def network(self, layout: Layout, on_defect: OnDefect) -> Network:
        """Return the network. Call it once, after the last `add`."""
        self._file.flush()
        ids = np.sort(np.fromiter(self._names, np.int64, len(self._names)))
        for user_id, name in _profile_names(layout, ids, self._names, on_defect):
            self._names[user_id] = name
        found = {name.lower(): user_id for user_id, name in self._names.items() if name}

        def nodes() -> Iterator[NodeBatch]:
            for begin in range(0, len(ids), _BATCH):
                some = ids[begin : begin + _BATCH]
                labels = ["@" + self._names[i] if self._names[i] else "" for i in some.tolist()]
                yield NodeBatch(some, labels, [[i in self._with_timeline for i in some.tolist()]])

        def arcs() -> Iterator[ArcBatch]:
            rows: list[tuple[int, _Edge]] = []
            for timeline in self._timelines():
                rows += [(timeline.source, edge) for edge in _resolved(timeline.edges, found)]
                if len(rows) >= _BATCH:
                    yield _arcs(ids, rows)
                    rows = []
            if rows:
                yield _arcs(ids, rows)

        return Network(
            description=_DESCRIPTION,
            ids=ids,
            edge_count=sum(sum(1 for _ in _resolved(each.edges, found)) for each in self._timelines()),
            nodes=nodes,
            edges=arcs,
            node_attributes=_NODE_ATTRIBUTES,
            edge_attributes=_EDGE_ATTRIBUTES,
            is_weighted=True,
        )

    def _timelines(self) -> Iterator[_Timeline]:
        self._file.seek(0)
        while length := self._file.read(4):
            yield self._decode(self._file.read(int.from_bytes(length, "little")))


def _profile_names(
    layout: Layout, ids: UserIds, names: dict[int, str], on_defect: OnDefect
) -> Iterator[tuple[int, str]]:
    """Yield id and name of each user whose name is in a profile, but in no post."""
    unnamed = ids[np.array([not names[user_id] for user_id in ids.tolist()], np.bool_)]
    users = Graph(
        ids=unnamed,
        indptr=np.zeros(len(unnamed) + 1, np.int64),
        followers=np.empty(0, np.int32),
        crawled=np.zeros(len(unnamed), np.bool_),
    )
    for profile in read_node_profiles(layout, users, on_defect=on_defect):
        if profile.username:
            yield profile.user_id, profile.username


def _resolved(edges: list[_Edge], found: dict[str, int]) -> Iterator[_Edge]:
    """Merge the edges to the same user; replace names by ids, and drop edges whose name is unknown."""
    by_user: dict[int, _Edge] = {}
    for edge in edges:
        target = edge.target if isinstance(edge.target, int) else found.get(edge.target.lower())
        if target is None:
            continue
        known = by_user.setdefault(target, edge)
        if known is edge:
            edge.target = target
        else:
            known.counts = [a + b for a, b in zip(known.counts, edge.counts, strict=True)]
            _widen(known, edge.first_at, edge.last_at)
    yield from by_user.values()


def _widen(edge: _Edge, first_at: datetime | None, last_at: datetime | None) -> None:
    if first_at is not None:
        edge.first_at = min(edge.first_at or first_at, first_at)
    if last_at is not None:
        edge.last_at = max(edge.last_at or last_at, last_at)


def _arcs(ids: UserIds, rows: list[tuple[int, _Edge]]) -> ArcBatch:
    source = np.searchsorted(ids, np.array([source for source, _ in rows], np.int64))
    target = np.searchsorted(ids, np.array([edge.target for _, edge in rows], np.int64))
    counts: list[Sequence[Value]] = list(zip(*(edge.counts for _, edge in rows), strict=True))
    times = [
        attribute_values([edge.first_at for _, edge in rows], Type.TIME),
        attribute_values([edge.last_at for _, edge in rows], Type.TIME),
    ]
    weights = [sum(edge.counts) for _, edge in rows]
    return ArcBatch(source.astype(np.int32), target.astype(np.int32), weights, [*counts, *times])
