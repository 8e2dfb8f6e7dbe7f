"""The follow graph as pairs of arrays, read list by list in bounded memory."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NoReturn

import numpy as np

from twittomatic.dataset.ids import UserIds
from twittomatic.dataset.lists import OnDefect, Piece, read_lists
from twittomatic.dataset.tables import Table, Tabular
from twittomatic.dataset.tables.edges import edge_table
from twittomatic.storage.paths import Layout

BATCH = 1 << 17
"""Edges of a batch: 2 MB, which a processor's cache holds; neither 2**15 nor 2**20 reads faster."""


@dataclass(frozen=True, slots=True, eq=False)
class EdgeBatch:
    """Some edges of the follow graph. `len(batch)` is how many.

    Attributes:
        follower: Users who follow (NumPy int64).
        followed: The user that each of them follows, parallel to `follower` (NumPy int64).
    """

    follower: UserIds
    followed: UserIds

    def __len__(self) -> int:
        return len(self.follower)


class Edges(Tabular):
    """All edges of a dataset, as an iterable of `EdgeBatch`. Each iteration reads the files anew.

    The edges of a list are adjacent and in the network's order; lists are sorted by the path of their file.
    A list that a crawl replaces meanwhile is the old one or the new one, never a part of each.

    Args:
        layout: The dataset's directories.
        batch: Edges of a batch. One may have up to 131,072 more, and the last one has fewer.
        shard: `(i, n)` gives the lists of the i-th of n shards, so that n processes read the dataset
            together. A user's list is in the same shard whenever the dataset is read.
        on_defect: What to do about a file that cannot be read: such a list is left out as a whole. None
            raises its error.
    """

    def __init__(
        self,
        layout: Layout,
        batch: int = BATCH,
        *,
        shard: tuple[int, int] = (0, 1),
        on_defect: OnDefect | None = None,
    ) -> None:
        if batch < 1:
            raise ValueError(f"batch={batch}: give at least 1")
        if not 0 <= shard[0] < shard[1]:
            raise ValueError(f"shard={shard}: give (i, n) with 0 <= i < n")
        self._layout = layout
        self._batch = batch
        self._shard = shard
        self._on_defect = on_defect

    def __array__(self, *_: object, **__: object) -> NoReturn:
        """Refuse to become one array; NumPy and pandas would otherwise make an element of each batch.

        Raises:
            TypeError: always.
        """
        raise TypeError(
            "The edges come in batches: use edges.to_pandas(), or iterate and use batch.follower and "
            "batch.followed."
        )

    def table(self) -> Table:
        """Return the edges as a table, which is read in batches."""
        return edge_table(self)

    def __repr__(self) -> str:
        return f"Edges('{self._layout.output}')"

    def __iter__(self) -> Iterator[EdgeBatch]:
        """Read the follow graph.

        Raises:
            CorruptFile: a file is broken; it is named.
            StorageUnavailable: a file cannot be read.
        """
        pieces: list[Piece] = []
        count = 0
        number, shards = self._shard
        entries = self._layout.entries("fws")
        if shards > 1:
            entries = (one for one in entries if zlib.crc32(one.name[:-4].encode()) % shards == number)
        for piece in read_lists((entry.path for entry in entries), self._on_defect):
            pieces.append(piece)
            count += len(piece.ids)
            if count >= self._batch:
                yield _batch(pieces)
                pieces, count = [], 0
        if count:
            yield _batch(pieces)


def _batch(pieces: list[Piece]) -> EdgeBatch:
    owners = np.array([user for piece in pieces for user in piece.owners], np.int64)
    counts = [count for piece in pieces for count in piece.counts]
    follower = pieces[0].ids if len(pieces) == 1 else np.concatenate([piece.ids for piece in pieces])
    return EdgeBatch(follower, np.repeat(owners, counts))
