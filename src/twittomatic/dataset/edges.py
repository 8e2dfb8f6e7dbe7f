"""The follow graph as pairs of arrays, read list by list in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NoReturn

import numpy as np

from twittomatic.dataset.ids import UserIds, owner, read_user_ids
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


class Edges:
    """All edges of a dataset, as an iterable of `EdgeBatch`. Each iteration reads the files anew.

    The edges of a list are adjacent and in the network's order; lists are sorted by the path of their file.

    Args:
        layout: The dataset's directories.
        batch: Edges of a batch. One may have up to 131,072 more, and the last one has fewer.
    """

    def __init__(self, layout: Layout, batch: int = BATCH) -> None:
        if batch < 1:
            raise ValueError(f"batch={batch}: give at least 1")
        self._layout = layout
        self._batch = batch

    def __array__(self, *_: object, **__: object) -> NoReturn:
        """Refuse to become one array; NumPy and pandas would otherwise make an element of each batch.

        Raises:
            TypeError: always.
        """
        raise TypeError(
            "The edges come in batches: use edges.to_pandas(), or iterate and use batch.follower and "
            "batch.followed."
        )

    def __iter__(self) -> Iterator[EdgeBatch]:
        """Read the follow graph.

        Raises:
            CorruptFile: a file is broken; it is named.
            StorageUnavailable: a file cannot be read.
        """
        pieces: list[UserIds] = []
        owners: list[int] = []
        count = 0
        for path in self._layout.files("fws"):
            followed = owner(path)
            for ids in read_user_ids(path):
                pieces.append(ids)
                owners.append(followed)
                count += len(ids)
                if count >= self._batch:
                    yield _joined(pieces, owners)
                    pieces, owners, count = [], [], 0
        if count:
            yield _joined(pieces, owners)


def _joined(pieces: list[UserIds], owners: list[int]) -> EdgeBatch:
    follower = pieces[0] if len(pieces) == 1 else np.concatenate(pieces)
    return EdgeBatch(follower, np.repeat(np.array(owners, np.int64), [len(piece) for piece in pieces]))
