"""The newest profile of each node of a graph, gathered in bounded memory from all profiles of a dataset."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import IO, Any, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from twittomatic.dataset.graph.graph import Graph, Nodes
from twittomatic.dataset.ids import LARGEST_ID
from twittomatic.dataset.lists import OnDefect
from twittomatic.errors import CorruptFile, StorageError
from twittomatic.model import NO_JSON
from twittomatic.storage.errors import translate_errors
from twittomatic.storage.formats import read_pages
from twittomatic.storage.paths import Layout

_FEW = 1 << 16  # nodes among which the oldest profile found is looked up for each file
_PART = 1 << 13  # nodes whose profiles are sorted together: some 6 MB
_BUFFERED = 1 << 23  # bytes of profiles that are kept before they are written to a temporary file
_LINES = 1 << 10  # lines whose nodes are looked up together
_LENGTH_BYTES = 4


class NodeProfile(NamedTuple):
    """The newest profile of a node in the dataset. Missing fields are None.

    Attributes:
        node: Number of the node in the graph.
        user_id: The node's user.
        username: Screen name, without @.
        name: Display name.
        description: Bio.
        location: Location, as free text.
        created_at: When the account was created, RFC 3339, as sent by the network.
        protected: Whether only approved followers may read the posts.
        verified: Whether the account is verified.
        followers_count: Number of followers on the network.
        following_count: Number of users whom the user follows on the network.
        posts_count: Number of posts on the network.
        listed_count: Number of public lists on the network that contain the user.
        came_at: When the profile was downloaded, in seconds since the epoch.
    """

    node: int
    user_id: int
    username: str | None
    name: str | None
    description: str | None
    location: str | None
    created_at: str | None
    protected: bool | None
    verified: bool | None
    followers_count: int | None
    following_count: int | None
    posts_count: int | None
    listed_count: int | None
    came_at: int


def read_node_profiles(
    layout: Layout,
    graph: Graph,
    nodes: Nodes | npt.NDArray[np.bool_] | None = None,
    on_defect: OnDefect | None = None,
) -> Iterator[NodeProfile]:
    """Yield the newest profile of each node that has one in the dataset, sorted by node.

    Files of profiles are read once, the newest first; reading ends early when all profiles that were found
    are newer than the remaining files. Memory: 4 bytes per requested node, and some 20 MB regardless of the
    size of the dataset; above some 40,000 profiles, also a temporary file of about 200 bytes per profile.

    Args:
        layout: The dataset's directories.
        graph: The graph, or a part of it.
        nodes: Nodes to look for, in any order, or a mask of all nodes; None for all.
        on_defect: Called with the error about a broken file, whose remainder is left out. None raises it.

    Raises:
        CorruptFile: a file is broken.
        StorageUnavailable: a file cannot be read, or the temporary file cannot be written.
    """
    wanted = None if nodes is None else _sorted(nodes)
    ids = graph.ids if wanted is None else graph.ids[wanted]
    newest = np.zeros(len(ids), np.uint32)  # when the profile came, plus one; 0 if there is none
    files = sorted(_written(layout, on_defect), key=lambda file: (-file[0], file[1]))
    with _Heap(len(ids)) as heap:
        for written_at, path in files:
            if len(ids) <= _FEW and newest.min(initial=2**32 - 1) > written_at:
                break
            try:
                for came_at, lines in _pages(path):
                    _take(heap, ids, newest, came_at or written_at, _decoded(path, lines))
            except StorageError as error:
                if on_defect is None:
                    raise
                on_defect(error)
        for place, row in heap.sorted():
            node = place if wanted is None else int(wanted[place])
            yield NodeProfile(node, int(ids[place]), *row)


def _sorted(nodes: Nodes | npt.NDArray[np.bool_]) -> Nodes:
    if nodes.dtype == np.bool_:
        return np.flatnonzero(nodes).astype(np.int32)
    is_wanted = np.bincount(nodes).astype(np.bool_)
    return np.flatnonzero(is_wanted).astype(np.int32)


def _written(layout: Layout, on_defect: OnDefect | None) -> Iterator[tuple[int, Path]]:
    for path in layout.profiles():
        try:
            with translate_errors(path):
                yield int(path.stat().st_mtime), path
        except StorageError as error:
            if on_defect is None:
                raise
            on_defect(error)


def _pages(path: Path) -> Iterator[tuple[int, list[bytes]]]:
    """Yield the lines of a file in batches, each with its download time."""
    for came_at, lines in read_pages(path):
        rest = iter(lines)
        while some := list(islice(rest, _LINES)):
            yield came_at, some


class _Counts(msgspec.Struct):
    followers_count: int | None = None
    following_count: int | None = None
    tweet_count: int | None = None
    post_count: int | None = None
    listed_count: int | None = None


class _Profile(msgspec.Struct):
    id: str
    username: str | None = None
    name: str | None = None
    description: str | None = None
    location: str | None = None
    created_at: str | None = None
    protected: bool | None = None
    verified: bool | None = None
    public_metrics: _Counts | None = None


_decode = msgspec.json.Decoder(_Profile).decode
_decode_any = msgspec.json.Decoder(dict[str, Any]).decode


def _decoded(path: Path, lines: Sequence[bytes]) -> list[tuple[int, _Profile]]:
    decoded = []
    for line in lines:
        try:
            try:
                profile = _decode(line)
            except msgspec.ValidationError:  # a network may send anything in any field
                profile = _cleaned(_decode_any(line))
            user_id = int(profile.id) if profile.id.isascii() and profile.id.isdecimal() else -1
        except NO_JSON:
            user_id = -1
        if not 0 <= user_id <= LARGEST_ID:
            raise CorruptFile(f"{path}: a line is not a profile.")
        decoded.append((user_id, profile))
    return decoded


def _cleaned(record: dict[str, Any]) -> _Profile:
    """Return a profile without the fields that have an unexpected type."""
    metrics = record.get("public_metrics")
    counts = {
        name: value
        for name, value in (metrics if isinstance(metrics, dict) else {}).items()
        if name in _Counts.__struct_fields__ and type(value) is int
    }
    types = {"protected": bool, "verified": bool}
    fields = {
        name: record[name]
        for name in _Profile.__struct_fields__
        if name != "public_metrics" and type(record.get(name)) is types.get(name, str)
    }
    return _Profile(**{"id": "", **fields}, public_metrics=_Counts(**counts))


def _take(
    heap: _Heap,
    ids: npt.NDArray[np.int64],
    newest: npt.NDArray[np.uint32],
    came_at: int,
    profiles: Sequence[tuple[int, _Profile]],
) -> None:
    """Keep the profiles of wanted users that are newer than those found so far."""
    if not len(ids):
        return
    users = np.array([user_id for user_id, _ in profiles], np.int64)
    places = np.minimum(np.searchsorted(ids, users), len(ids) - 1)
    is_newer = (ids[places] == users) & (newest[places] <= min(came_at, 2**32 - 2))
    for row in np.flatnonzero(is_newer).tolist():
        place = int(places[row])
        if newest[place] <= came_at:  # the same user may be on the page twice
            newest[place] = min(came_at, 2**32 - 2) + 1
            profile = profiles[row][1]
            counts = profile.public_metrics or _Counts()
            heap.add(
                place,
                (
                    profile.username,
                    profile.name,
                    profile.description,
                    profile.location,
                    profile.created_at,
                    profile.protected,
                    profile.verified,
                    counts.followers_count,
                    counts.following_count,
                    counts.post_count if counts.tweet_count is None else counts.tweet_count,
                    counts.listed_count,
                    came_at,
                ),
            )


class _Heap:
    """Sorts rows by their places; many rows are kept in a temporary file.

    Args:
        places: Number of places.
    """

    def __init__(self, places: int) -> None:
        self._file: IO[bytes] | None = None
        parts = -(-places // _PART)
        self._buffers = [bytearray() for _ in range(parts)]
        self._chunks: list[list[tuple[int, int]]] = [[] for _ in range(parts)]  # offsets and lengths
        self._buffered = 0

    def __enter__(self) -> _Heap:
        return self

    def __exit__(self, *_: object) -> None:
        if self._file:
            self._file.close()

    def add(self, place: int, row: tuple[Any, ...]) -> None:
        """Add a row; it replaces an earlier one at the same place."""
        text = msgspec.msgpack.encode((place, row))
        buffer = self._buffers[place // _PART]
        buffer += len(text).to_bytes(_LENGTH_BYTES, "little")
        buffer += text
        self._buffered += len(text) + _LENGTH_BYTES
        if self._buffered > _BUFFERED:
            self._spill()

    def _spill(self) -> None:
        with translate_errors(Path(tempfile.gettempdir())):
            self._file = self._file or tempfile.TemporaryFile()  # noqa: SIM115
            for chunks, buffer in zip(self._chunks, self._buffers, strict=True):
                if buffer:
                    chunks.append((self._file.tell(), len(buffer)))
                    self._file.write(buffer)
                    buffer.clear()
        self._buffered = 0

    def sorted(self) -> Iterator[tuple[int, tuple[Any, ...]]]:
        """Yield the last row of each place that has one, sorted by place."""
        for chunks, buffer in zip(self._chunks, self._buffers, strict=True):
            rows: dict[int, tuple[Any, ...]] = {}
            for offset, length in chunks:
                assert self._file
                self._file.seek(offset)
                rows.update(_rows(self._file.read(length)))
            rows.update(_rows(bytes(buffer)))
            buffer.clear()
            for place in sorted(rows):
                yield place, rows[place]


def _rows(text: bytes) -> Iterator[tuple[int, tuple[Any, ...]]]:
    offset = 0
    while offset < len(text):
        length = int.from_bytes(text[offset : offset + _LENGTH_BYTES], "little")
        offset += _LENGTH_BYTES
        yield _unpack(text[offset : offset + length])
        offset += length


_unpack = msgspec.msgpack.Decoder(tuple[int, tuple[Any, ...]]).decode
