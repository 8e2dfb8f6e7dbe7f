"""Blocks of follower lists during a build of the graph: numbered within the block, then within the graph."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import IO

import numpy as np
import numpy.typing as npt

from twittomatic.dataset.graph.graph import Nodes
from twittomatic.dataset.graph.numbering import Numbering
from twittomatic.dataset.ids import UserIds
from twittomatic.dataset.lists import Piece

BLOCK = 1 << 20
"""Edges of a block: some 40 MB while it is sorted."""

Counts = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """Some follower lists, sorted by the user who is followed.

    Attributes:
        owners: Ids of the followed users (int64); the list of the last one may continue in the next block.
        counts: Number of followers of each user in this block (int64, parallel to `owners`).
        followers: Node numbers of the followers, one list after the other, each list sorted and without
            duplicates (int32).
    """

    owners: UserIds
    counts: Counts
    followers: Nodes


@dataclass(frozen=True, slots=True, eq=False)
class _Stored:
    owners: UserIds
    counts: Counts
    offset: int
    users: int  # number of distinct followers in the block, whose ids are stored before the edges


class Spill:
    """Keeps lists in a temporary file until all ids are known: 4 bytes per edge, 8 bytes per user and block.

    Args:
        file: A file open for reading and writing, at its end.
        numbering: Collects all ids, as runs in the same file.
    """

    def __init__(self, file: IO[bytes], numbering: Numbering) -> None:
        self._file = file
        self._numbering = numbering
        self._stored: list[_Stored] = []

    def take(self, pieces: Iterable[Piece]) -> None:
        """Store lists, which must be sorted by owner.

        Raises:
            OSError: the file cannot be written.
        """
        pending: list[Piece] = []
        size = 0
        for piece in pieces:
            pending.append(piece)
            size += len(piece.ids)
            if size >= BLOCK:
                self._store(pending)
                pending, size = [], 0
        if pending:
            self._store(pending)

    def _store(self, pieces: list[Piece]) -> None:
        owners = np.array([owner for piece in pieces for owner in piece.owners], np.int64)
        counts = np.array([count for piece in pieces for count in piece.counts], np.int64)
        is_first = np.ones(len(owners), np.bool_)
        np.not_equal(owners[1:], owners[:-1], out=is_first[1:])  # pieces of a long list follow each other
        place = np.repeat(np.cumsum(is_first) - 1, counts)
        ids = np.concatenate([piece.ids for piece in pieces])
        pieces.clear()
        owners = owners[is_first]
        users, codes = _coded(ids)
        del ids
        keys = place << 32 | codes
        del place, codes
        keys.sort()
        is_new = np.ones(len(keys), np.bool_)
        np.not_equal(keys[1:], keys[:-1], out=is_new[1:])
        keys = keys[is_new]
        counts = np.bincount(keys >> 32, minlength=len(owners))
        self._stored.append(_Stored(owners, counts, self._numbering.add(users), len(users)))
        self._file.write((keys & (2**32 - 1)).astype(np.int32).data)
        self._numbering.add(owners)

    def blocks(self, ids: UserIds) -> Iterator[Block]:
        """Yield the stored lists with the node numbers of their followers.

        Args:
            ids: The ids of all nodes, sorted.
        """
        self._file.flush()
        for stored in self._stored:
            self._file.seek(stored.offset)
            users = np.frombuffer(self._file.read(stored.users * 8), np.int64)
            edges = int(stored.counts.sum())
            codes = np.frombuffer(self._file.read(edges * 4), np.int32)
            numbers = np.searchsorted(ids, users).astype(np.int32)
            yield Block(stored.owners, stored.counts, numbers[codes])


def _coded(ids: UserIds) -> tuple[UserIds, npt.NDArray[np.int64]]:
    """Return the sorted unique ids, and the index of each id among them."""
    order = np.argsort(ids)
    ordered = ids[order]
    is_first = np.ones(len(ids), np.bool_)
    np.not_equal(ordered[1:], ordered[:-1], out=is_first[1:])
    codes = np.empty(len(ids), np.int64)
    codes[order] = np.cumsum(is_first) - 1
    return ordered[is_first], codes


def merged(one: Iterator[Block], other: Iterator[Block]) -> Iterator[Block]:
    """Merge two sequences of blocks by owner; they have no owner in common."""
    left, right = next(one, None), next(other, None)
    while left is not None and right is not None:
        if left.owners[0] < right.owners[0]:
            head, left = _cut(left, int(right.owners[0]))
            yield head
            left = left or next(one, None)
        else:
            head, right = _cut(right, int(left.owners[0]))
            yield head
            right = right or next(other, None)
    for block, rest in ((left, one), (right, other)):
        if block is not None:
            yield block
            yield from rest


def _cut(block: Block, owner: int) -> tuple[Block, Block | None]:
    """Split a block into the lists before an owner, and the rest."""
    row = int(np.searchsorted(block.owners, owner))
    if row == len(block.owners):
        return block, None
    edge = int(block.counts[:row].sum())
    return (
        Block(block.owners[:row], block.counts[:row], block.followers[:edge]),
        Block(block.owners[row:], block.counts[row:], block.followers[edge:]),
    )


def whole_lists(blocks: Iterable[Block]) -> Iterator[Block]:
    """Join lists that continue in the next block, sort them again and remove duplicates."""
    waiting: list[Block] = []  # parts of one list
    for block in blocks:
        if waiting and block.owners[0] != waiting[0].owners[0]:
            yield _joined(waiting)
            waiting = []
        if waiting:
            head, rest = _cut(block, int(block.owners[0]) + 1)
            waiting.append(head)
        else:
            rest = block
        if rest is not None:
            if waiting:
                yield _joined(waiting)
            head, last = _cut(rest, int(rest.owners[-1]))
            if len(head.owners):
                yield head
            assert last is not None
            waiting = [last]
    if waiting:
        yield _joined(waiting)


def _joined(parts: list[Block]) -> Block:
    if len(parts) == 1:
        return parts[0]
    followers = np.concatenate([part.followers for part in parts])
    owners = parts[0].owners
    parts.clear()
    followers.sort()
    is_first = np.ones(len(followers), np.bool_)
    np.not_equal(followers[1:], followers[:-1], out=is_first[1:])
    followers = followers[is_first]
    return Block(owners, np.array([len(followers)], np.int64), followers)
