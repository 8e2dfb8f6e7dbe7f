"""Read many follower lists. Short ones are parsed together, which is four times as fast."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import NamedTuple, TypeAlias

from twittomatic.dataset.ids import TEXT_BYTES, UserIds, joined, owner, read_user_ids, to_user_ids
from twittomatic.errors import StorageError
from twittomatic.storage.formats import read_short, read_text

_SHORT = 1 << 16  # maximum size in bytes of a file that is read in one call
_HELD = 1 << 20  # maximum number of ids of a list that is kept in memory while it is checked

OnDefect: TypeAlias = Callable[[StorageError], None]
"""Called with the error about a file that cannot be read, which is left out; reading continues."""


class FileVersion(NamedTuple):
    """Identifies a version of a file: it changes when the file is replaced."""

    size: int
    mtime_ns: int
    inode: int


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """Several whole lists, or a part of a long one.

    Attributes:
        owners: Id of the followed user of each list.
        versions: Version of the file of each list.
        counts: Number of ids of each list in this piece.
        ids: Ids of the followers, one list after the other (int64, shape of the sum of `counts`).
    """

    owners: list[int]
    versions: list[FileVersion]
    counts: list[int]
    ids: UserIds


class _Text(NamedTuple):
    path: str
    owner: int
    version: FileVersion
    text: bytes


class _Opened:
    """Records the version of the file that was opened last."""

    version: FileVersion

    def __call__(self, status: os.stat_result) -> None:
        self.version = FileVersion(status.st_size, status.st_mtime_ns, status.st_ino)


def read_lists(paths: Iterable[str], on_defect: OnDefect | None = None) -> Iterator[Piece]:
    """Yield follower lists in the order of `paths`, up to some ten thousand ids at a time.

    The pieces of a long list are consecutive. A list that is replaced during the read is read in the version
    that was opened; a file that no longer exists is left out.

    Args:
        paths: Paths of `.fws` files, as texts: to make a `Path` of each takes an eighth of the time.
        on_defect: Called with the error about a file that cannot be read; the whole list is left out. None
            raises the error.

    Raises:
        CorruptFile: a file is broken, or its name or a line in it is not a user id.
        StorageUnavailable: a file cannot be read.
    """
    short: list[_Text] = []
    size = 0
    for path in paths:
        try:
            user = owner(path)
            opened = _Opened()
            whole = read_short(path, _SHORT)
            if whole is not None and len(whole[0]) <= TEXT_BYTES:
                text, status = whole
                if size + len(text) > TEXT_BYTES:
                    yield from _parsed(short, on_defect)
                    short, size = [], 0
                opened(status)
                short.append(_Text(path, user, opened.version, text))
                size += len(text)
                continue
            texts = read_text(Path(path), opened=opened)
            begin, is_all = _begin(texts)
            if size + len(begin) > TEXT_BYTES or not is_all:
                yield from _parsed(short, on_defect)
                short, size = [], 0
            if is_all:
                short.append(_Text(path, user, opened.version, begin))
                size += len(begin)
            elif on_defect is None:
                for text in joined(chain([begin], texts)):
                    ids = to_user_ids(text, path)
                    yield Piece([user], [opened.version], [len(ids)], ids)
            else:
                yield from _long_and_sound(Path(path), user)
        except StorageError as error:
            if isinstance(error.__cause__, FileNotFoundError):
                continue
            if on_defect is None:
                raise
            on_defect(error)
    yield from _parsed(short, on_defect)


def _begin(texts: Iterator[bytes]) -> tuple[bytes, bool]:
    """Return the beginning of a list's text, and whether it is all of it."""
    begin: list[bytes] = []
    size = 0
    for text in texts:
        begin.append(text)
        size += len(text)
        if size > TEXT_BYTES:
            return b"".join(begin), False
    return b"".join(begin), True


def _parsed(texts: Sequence[_Text], on_defect: OnDefect | None) -> Iterator[Piece]:
    """Parse short lists together; if one of them is broken, parse each separately."""
    if not texts:
        return
    try:
        ids = to_user_ids(b"".join([one.text for one in texts]), texts[0].path)
    except StorageError as error:
        if len(texts) > 1:
            for one in texts:
                yield from _parsed([one], on_defect)
        elif on_defect is None:
            raise
        else:
            on_defect(error)
        return
    yield Piece(
        [one.owner for one in texts],
        [one.version for one in texts],
        [one.text.count(b"\n") for one in texts],
        ids,
    )


def _long_and_sound(path: Path, user: int) -> Iterator[Piece]:
    """Check a long list to its end, then yield it; start again if the file is replaced in between."""
    while True:
        opened, again = _Opened(), _Opened()
        held: list[UserIds] = []
        count = 0
        for ids in read_user_ids(path, opened=opened):
            count += len(ids)
            if count <= _HELD:
                held.append(ids)
            else:
                held.clear()
        pieces = iter(held) if held else read_user_ids(path, opened=again)
        first = list(islice(pieces, 1))  # opens the file
        if held or again.version == opened.version:
            for ids in chain(first, pieces):
                yield Piece([user], [opened.version], [len(ids)], ids)
            return
