"""The journal: one JSON line per commit, which proves what was downloaded and why it ended."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

import msgspec
from msgspec import Meta

from twittomatic.errors import StorageUnavailable
from twittomatic.faultpoint import reach
from twittomatic.model import NO_JSON, Ending, Module
from twittomatic.storage.errors import translate_errors
from twittomatic.storage.io import sync_directory
from twittomatic.storage.lock import shared
from twittomatic.storage.paths import Layout
from twittomatic.storage.tail import CUT_OFF, LONGEST_LINE, Block, JournalTail, Note

LONGEST_TOKEN = 4 * 1024  # characters of a pagination token; X's have about 20

_Count: TypeAlias = Annotated[int, Meta(ge=0, le=2**63 - 1)]
_Id: TypeAlias = Annotated[str, Meta(pattern=r"\A[0-9]{1,19}\Z")]
_File: TypeAlias = Annotated[
    str, Meta(pattern=r"\A(?:([0-9])/\1|([0-9]{2})/\2[0-9]{0,17})\.(?:fws|usr|twt)\Z")
]
_Moment: TypeAlias = Annotated[str, Meta(pattern=r"\A\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z\Z")]


class Entry(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One commit, or one target that was closed without a file. Types are checked when a line is read.

    Attributes:
        file: Path relative to OUTPUT_DIRECTORY, None if the target was closed without a file.
        module: The module that wrote it.
        user_id: The target.
        lines: Records in the file.
        bytes: Its size, compressed.
        crc32: CRC-32 of those bytes, 8 lower-case hexadecimal digits.
        requests: Pages asked for.
        cost_usd: Dollars they cost.
        began_at: RFC 3339 UTC time of the first page.
        ended_at: RFC 3339 UTC time when the list ended.
        ending: Why the list ended.
        reason: Why the target is unavailable, None if it is not.
        claimed: The count that the network claims, when known.
        received: Records that the network delivered, including repeated ones.
        first_id: For posts, the greatest id received; for other lists, the first.
        last_id: For posts, the smallest id received; for other lists, the last.
        token: Pagination token to continue a list that ended too early; None if it cannot be continued.
        depth: Hops from a seed.
        worker: The process that wrote the line.
        repaired_at: When `verify --repair` found the file in this state, RFC 3339 UTC; None for a commit.
    """

    file: _File | None
    module: Module
    user_id: _Id
    lines: _Count = 0
    bytes: _Count = 0
    crc32: Annotated[str, Meta(pattern=r"\A[0-9a-f]{8}\Z")] = "00000000"
    requests: _Count = 0
    cost_usd: float = 0.0
    began_at: _Moment
    ended_at: _Moment
    ending: Ending
    reason: Literal["protected", "suspended", "deleted", "unavailable"] | None = None
    claimed: int | None = None
    received: _Count = 0
    first_id: _Id | None = None
    last_id: _Id | None = None
    token: Annotated[str, Meta(max_length=LONGEST_TOKEN)] | None = None
    depth: _Count = 0
    worker: str
    repaired_at: _Moment | None = None


class Purchase(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One commit of profiles of its targets that a crawl bought; the other kind of journal line.

    Attributes:
        profiles: The file, relative to OUTPUT_DIRECTORY.
        lines: Records in the file.
        bytes: Its size, compressed; 0 if a repair found it lost.
        crc32: CRC-32 of those bytes, 8 lower-case hexadecimal digits.
        bought: The number of new records.
        cost_usd: Dollars that the new ones cost.
        ended_at: RFC 3339 UTC time of the commit.
        worker: The process that wrote the line.
    """

    profiles: Annotated[str, Meta(pattern=r"\Atargets/[A-Za-z0-9_-]{1,64}\.jsonl\.gz\Z")]
    lines: _Count = 0
    bytes: _Count = 0
    crc32: Annotated[str, Meta(pattern=r"\A[0-9a-f]{8}\Z")] = "00000000"
    bought: _Count = 0
    cost_usd: float = 0.0
    ended_at: _Moment
    worker: str


_decode_purchase = msgspec.json.Decoder(Purchase).decode
decode_line = msgspec.json.Decoder(Entry).decode
"""Decode one line as an entry; raises one of `NO_JSON` if it is not one."""


class Journal:
    """The journal file of one process, its only writer; calls may come from several threads.

    While it is open, the dataset cannot be repaired.

    Args:
        path: From `Layout.journal`.
        repairing: Whether the caller is the repair, which holds the lock of the dataset already.

    Raises:
        StorageUnavailable: the file cannot be opened, or a repair is running.
    """

    def __init__(self, path: Path, *, repairing: bool = False) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._presence = -1 if repairing else shared(path.parent.parent)
        try:
            with translate_errors(path):
                self._descriptor = _open(path)
        except StorageUnavailable:
            self._leave()
            raise
        self._size = os.fstat(self._descriptor).st_size
        sync_directory(path.parent)

    def append(self, *entries: Entry | Purchase) -> None:
        """Write lines, durable on return; a torn line that a crash left before them is ended first.

        Raises:
            StorageUnavailable: a line may be missing or torn; writing it again later is harmless.
        """
        text = b"".join([msgspec.json.encode(entry) + b"\n" for entry in entries])
        with translate_errors(self._path):
            with self._lock:
                self._check()
                if self._is_torn():
                    text = b"\n" + text
                if os.write(self._descriptor, text) != len(text):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                self._size = os.fstat(self._descriptor).st_size
                written = os.dup(self._descriptor)  # another thread may recreate a removed file meanwhile
            try:
                reach("journal.written")
                os.fsync(written)
            finally:
                os.close(written)
        reach("journal.synced")

    def close(self) -> None:
        """Close the file after a write in progress. A second call does nothing."""
        with self._lock:
            if self._descriptor >= 0:
                os.close(self._descriptor)
                self._descriptor = -1
                self._leave()

    def _check(self) -> None:
        """Recreate the file if it was removed: while it is open, its lines are not lost."""
        status = os.fstat(self._descriptor)
        if status.st_size < self._size:
            raise StorageUnavailable(
                f"{self._path}: is shorter than what was written to it; "
                "put it back, or let `twittomatic verify --repair` find what it proved."
            )
        if status.st_nlink == 0:
            removed, self._descriptor = self._descriptor, _open(self._path)
            try:
                copied = 0
                while data := os.pread(removed, LONGEST_LINE, copied):
                    copied += os.write(self._descriptor, data)
                os.fsync(self._descriptor)  # these lines were already reported as durable
            finally:
                os.close(removed)
            sync_directory(self._path.parent)

    def _leave(self) -> None:
        if self._presence >= 0:
            os.close(self._presence)

    def _is_torn(self) -> bool:
        size = os.fstat(self._descriptor).st_size
        return size > 0 and os.pread(self._descriptor, 1, size - 1) != b"\n"


def _open(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o666)


def _ignore(path: Path, number: int, sentence: str) -> None:
    """Ignore a bad line."""


def read_journal(layout: Layout, problem: Note = _ignore) -> Iterator[Entry]:
    """Yield the entries of all journal files, in the order of the file names and of the lines.

    Args:
        layout: The dataset; it may have no journal yet.
        problem: Called for every line that is not an entry, with the file, the number of the line (0 for the
            whole file), and a sentence. Reading continues.
    """
    for block in JournalTail(layout).read(problem):
        yield from entries(block, problem)


def is_line(line: bytes) -> bool:
    """Return whether a line is a journal line of either kind."""
    try:
        decode_line(line)
    except NO_JSON:
        return purchase_of(line) is not None
    return True


def purchase_of(line: bytes) -> Purchase | None:
    """Return a line as a purchase of profiles, None if it is not one."""
    try:
        return _decode_purchase(line)
    except NO_JSON:
        return None


def newest_purchase(layout: Layout, crawl: str) -> Purchase | None:
    """Return the newest journal line about the profiles that a crawl bought, None if there is none.

    All of them are in one journal file, `Layout.purchases`.

    Raises:
        StorageUnavailable: the file cannot be read.
    """
    path, newest = layout.purchases(crawl), None
    with translate_errors(path):
        try:
            file = path.open("rb")
        except FileNotFoundError:
            return None
        with file:
            while line := file.readline(LONGEST_LINE):
                if line.endswith(b"\n"):
                    newest = purchase_of(line) or newest
    return newest


def entries(block: Block, problem: Note = _ignore) -> Iterator[Entry]:
    """Yield the entries in some lines of a journal file.

    Args:
        block: The lines.
        problem: As for `read_journal`.
    """
    path, _, number, text = block
    lines = text.split(b"\n")
    torn = lines.pop()
    for line in lines:
        if len(line) >= LONGEST_LINE:
            problem(path, number, CUT_OFF)
        else:
            try:
                yield decode_line(line)
            except NO_JSON as error:
                if purchase_of(line) is None:
                    problem(path, number, f"the line is not a journal entry ({error}).")
        number += 1
    if torn:
        problem(path, number, CUT_OFF)
        with suppress(*NO_JSON):  # only the line end may be missing, which the next append will write
            yield decode_line(torn)


def latest(entries: Iterable[Entry]) -> dict[str, Entry]:
    """Return the newest entry of each file, by `repaired_at` or `ended_at`; entries without one are skipped.

    Of two within one second, the one that began later counts; then the one with more bytes (an update only
    adds); then the one that is read later. A line that was written twice makes no difference.
    """
    newest: dict[str, Entry] = {}
    for entry in entries:
        if entry.file is not None:
            other = newest.get(entry.file)
            if other is None or age(entry) >= age(other):
                newest[entry.file] = entry
    return newest


def age(entry: Entry) -> tuple[str, str, int]:
    """Return the sort key of the entries of a file, the newest last."""
    written_at = entry.repaired_at or entry.ended_at
    return written_at.rstrip("Z"), entry.began_at.rstrip("Z"), entry.bytes
