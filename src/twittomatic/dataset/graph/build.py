"""Build the `Graph` of a dataset from its cache and the lists that changed since."""

from __future__ import annotations

import secrets
import tempfile
from array import array
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from twittomatic.dataset.graph.arrayfile import ArrayFile, ArrayWriter
from twittomatic.dataset.graph.blocks import Block, Spill, merged, whole_lists
from twittomatic.dataset.graph.cache import GraphCache
from twittomatic.dataset.graph.facts import read_facts
from twittomatic.dataset.graph.graph import Graph, Nodes, node_ranges
from twittomatic.dataset.graph.numbering import Numbering
from twittomatic.dataset.ids import LARGEST_ID, UserIds
from twittomatic.dataset.lists import OnDefect, Piece, read_lists
from twittomatic.errors import CorruptFile, StorageError
from twittomatic.storage.paths import Layout

_FILE = "follow"
_RANGE = 1 << 20  # nodes that are processed together
_MOST_NODES = 2**31 - 1

Table = npt.NDArray[np.int64]
"""One row per list, sorted by user: id of the followed user, and size, mtime in ns and inode of the file."""


def build_graph(layout: Layout, on_defect: OnDefect | None = None) -> Graph:
    """Return the follow graph of a dataset, mapped from a file in the dataset's cache.

    Only lists that changed since the last call are read. If the dataset is not writable, all lists are read,
    and the graph is mapped from a temporary file.

    Args:
        layout: The dataset's directories.
        on_defect: Called with the error about a list that cannot be read, which is left out, and about a
            journal file with broken lines, which are skipped. None raises the former, and ignores the latter.

    Raises:
        CorruptFile: a file is broken; it is named.
        StorageUnavailable: a file cannot be read, or the disk is full.
    """
    there = _lists(layout, on_defect)
    cache = GraphCache(layout, is_kept=bool(len(there)))  # a directory without a list is perhaps no dataset
    file = _current(layout, cache, there, on_defect)
    ids, indptr, owners = file["ids"], file["indptr"], file["lists"].reshape(-1, 5)[:, 0]
    crawled = np.zeros(len(ids), np.bool_)
    nodes = np.searchsorted(ids, owners).astype(np.int32)
    crawled[nodes] = True
    return Graph(
        ids=ids,
        indptr=indptr,
        followers=file["followers"],
        crawled=crawled,
        lists=read_facts(layout, cache, file, nodes, on_defect),
    )


def _current(layout: Layout, cache: GraphCache, there: Table, on_defect: OnDefect | None) -> ArrayFile:
    """Return the array file of the current lists, from the cache or built anew."""
    cached = _usable(cache.open(_FILE))
    known = cached["lists"].reshape(-1, 5) if cached else np.empty((0, 5), np.int64)
    row = np.minimum(np.searchsorted(known[:, 0], there[:, 0]), max(0, len(known) - 1))
    is_known = (known[row, :4] == there).all(axis=1) if len(known) else np.zeros(len(there), np.bool_)
    if cached and is_known.all() and len(there) == len(known):
        return cached
    changed = there[~is_known, 0]
    kept = np.zeros(len(known), np.bool_)
    kept[row[is_known]] = True
    build = _Build(layout, cached, kept, changed, on_defect)
    try:
        return cache.write(_FILE, build.fill)
    except _NothingNewError:
        assert cached
        return cached


class _NothingNewError(Exception):
    """All changed lists are broken, so the cached file is up to date."""


def _usable(file: ArrayFile | None) -> ArrayFile | None:
    """Return a file if its arrays are consistent, otherwise None."""
    try:
        if (
            file is None
            or len(file["indptr"]) != len(file["ids"]) + 1
            or file["indptr"][-1] != len(file["followers"])
            or len(file["lists"]) % 5
        ):
            return None
    except (KeyError, ValueError, TypeError):
        return None
    return file


def _lists(layout: Layout, on_defect: OnDefect | None) -> Table:
    """Return the follower lists that exist now."""
    numbers = array("Q")
    for entry in layout.entries("fws"):
        stem = entry.name[:-4]
        user = int(stem)
        try:
            if str(user) != stem or user > LARGEST_ID:
                raise CorruptFile(f"{entry.path}: its name is not a user id.")
            status = entry.stat()
        except FileNotFoundError:
            continue
        except StorageError as error:
            if on_defect is None:
                raise
            on_defect(error)
            continue
        numbers.extend((user, status.st_size, status.st_mtime_ns, status.st_ino))
    table = np.array(numbers).view(np.int64).reshape(-1, 4)
    table = table[np.argsort(table[:, 0])]
    is_last = np.ones(len(table), np.bool_)  # a file may be listed twice while it is replaced
    np.not_equal(table[1:, 0], table[:-1, 0], out=is_last[:-1])
    return table[is_last]


class _Build:
    """A build of the graph into a file.

    Args:
        layout: The dataset's directories.
        cached: The cached graph, None if there is none.
        kept: Mask of its lists that have not changed.
        changed: Users whose lists must be read, sorted.
        on_defect: As for `build_graph`.
    """

    def __init__(
        self,
        layout: Layout,
        cached: ArrayFile | None,
        kept: npt.NDArray[np.bool_],
        changed: UserIds,
        on_defect: OnDefect | None,
    ) -> None:
        self._layout = layout
        self._cached = cached
        self._kept = kept
        self._changed = changed
        self._on_defect = on_defect
        self._told: set[str] = set()

    def fill(self, writer: ArrayWriter, directory: Path) -> dict[str, object]:
        """Write the arrays `ids`, `followers`, `indptr` and `lists`."""
        old = _Old(self._cached, self._kept) if self._cached and self._kept.any() else None
        with tempfile.TemporaryFile(dir=directory) as file:
            numbering = Numbering(file)
            spill = Spill(file, numbering)
            rows: dict[int, list[int]] = {}
            spill.take(_noted(self._read(), rows))
            if not rows and self._cached and self._kept.all():
                raise _NothingNewError
            if old:
                old.number(numbering)
            writer.begin("ids", "<i8")
            for some in numbering.union():
                writer.append(some)
            ids = writer.mapped("ids")
            if len(ids) > _MOST_NODES:
                raise OverflowError(f"{len(ids)} nodes; at most {_MOST_NODES} can be numbered")
            owners, counts = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
            writer.begin("followers", "<i4")
            for block in whole_lists(merged(old.blocks(ids) if old else iter(()), spill.blocks(ids))):
                writer.append(block.followers)
                owners.append(block.owners)
                counts.append(block.counts)
        _write_places(writer, ids, np.concatenate(owners), np.concatenate(counts))
        new = (
            np.array([(user, *rows[user]) for user in sorted(rows)], np.uint64).reshape(-1, 5).view(np.int64)
        )
        table = np.concatenate([old.lists, new]) if old else new
        writer.add("lists", table[np.argsort(table[:, 0])].ravel(), "<i8")
        return {"version": secrets.token_hex(8)}

    def _read(self) -> Iterator[Piece]:
        paths = (str(self._layout.file(str(user), "fws")) for user in self._changed.tolist())
        return read_lists(paths, self._tell if self._on_defect else None)

    def _tell(self, error: StorageError) -> None:
        """Report a defect once, even if the graph has to be built twice."""
        if self._on_defect and str(error) not in self._told:
            self._told.add(str(error))
            self._on_defect(error)


def _noted(pieces: Iterable[Piece], rows: dict[int, list[int]]) -> Iterator[Piece]:
    """Record version and number of lines of each list that is read."""
    for piece in pieces:
        for user, version, count in zip(piece.owners, piece.versions, piece.counts, strict=True):
            rows.setdefault(user, [*version, 0])[3] += count
        yield piece


def _write_places(writer: ArrayWriter, ids: UserIds, owners: UserIds, counts: npt.NDArray[np.int64]) -> None:
    """Write `indptr`: the start of the followers of each node."""
    nodes = np.searchsorted(ids, owners)
    place = 0
    writer.begin("indptr", "<i8")
    writer.append(np.zeros(1, np.int64))
    for first in range(0, len(ids), _RANGE):
        ends = np.zeros(min(_RANGE, len(ids) - first), np.int64)
        some = slice(*np.searchsorted(nodes, [first, first + _RANGE]).tolist())
        ends[nodes[some] - first] = counts[some]
        np.cumsum(ends, out=ends)
        ends += place
        place = int(ends[-1])
        writer.append(ends)


class _Old:
    """The unchanged lists of a cached graph.

    Attributes:
        lists: Their rows in the table of lists, with the number of lines.
    """

    def __init__(self, file: ArrayFile, kept: npt.NDArray[np.bool_]) -> None:
        self._ids: UserIds = file["ids"]
        self._indptr: npt.NDArray[np.int64] = file["indptr"]
        self._followers: Nodes = file["followers"]
        table = file["lists"].reshape(-1, 5)
        self.lists = table[kept]
        self._all_kept = bool(kept.all())
        self._is_kept = np.zeros(len(self._ids), np.bool_)
        self._is_kept[np.searchsorted(self._ids, self.lists[:, 0])] = True

    def number(self, numbering: Numbering) -> None:
        """Add the ids of the followers in these lists, and of their owners."""
        if self._all_kept:
            numbering.add(self._ids)
            return
        is_used = self._is_kept.copy()
        for _, _, followers in self._ranges():
            is_used[followers] = True
        for first in range(0, len(self._ids), _RANGE):
            numbering.add(self._ids[first : first + _RANGE][is_used[first : first + _RANGE]])

    def blocks(self, ids: UserIds) -> Iterator[Block]:
        """Yield these lists with the node numbers of the new graph.

        Args:
            ids: The ids of all nodes of the new graph.
        """
        number = np.empty(len(self._ids), np.int32)
        for first in range(0, len(number), _RANGE):
            number[first : first + _RANGE] = np.searchsorted(ids, self._ids[first : first + _RANGE])
        for nodes, counts, followers in self._ranges():
            if len(nodes):
                yield Block(self._ids[nodes], counts, number[followers])

    def _ranges(self) -> Iterator[tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], Nodes]]:
        """Yield nodes whose lists are unchanged, the number of followers of each, and these followers."""
        for first, last in node_ranges(self._indptr):
            is_kept = self._is_kept[first:last]
            nodes = np.flatnonzero(is_kept)
            if not len(nodes):
                continue
            counts = np.diff(self._indptr[first : last + 1])
            followers = self._followers[self._indptr[first] : self._indptr[last]]
            if int(counts[nodes].sum()) < len(followers):
                followers = followers[np.repeat(is_kept, counts)]
            yield nodes + first, counts[nodes], followers
