"""The journal: one JSON line per commit, the proof of what was downloaded and why it ended."""

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
    """One commit, or one target that was closed without a file. The types are checked when a line is read.

    Attributes:
        file: Path relative to OUTPUT_DIRECTORY, None where the target was closed without a file.
        module: Who wrote it.
        user_id: The target.
        lines: Records in the file.
        bytes: Its size, compressed.
        crc32: CRC-32 of those bytes, 8 lower-case hexadecimal digits.
        requests: Pages asked for.
        cost_usd: Dollars they cost.
        began_at: RFC 3339 UTC time of the first page.
        ended_at: RFC 3339 UTC time when the list ended.
        ending: Why the list ended.
        reason: Why the target is unavailable, None where it is not.
        claimed: The count that the network claims, when known.
        received: Records that the network delivered, repeated ones included.
        first_id: Greatest id of the posts that came; of another list the first id that came.
        last_id: Smallest id of the posts that came; of another list the last id that came.
        token: Pagination token with which a list that ended too early is gone on with, None where it is not.
        depth: Hops from a seed.
        worker: The process that did it.
        repaired_at: When `verify --repair` found the file as this line says, RFC 3339 UTC; None for a commit.
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
    """One commit of profiles that a crawl bought of its own targets; a journal line beside the entries.

    Attributes:
        profiles: The file, relative to OUTPUT_DIRECTORY.
        lines: Records in the file.
        bytes: Its size, compressed; 0 where a repair found it lost.
        crc32: CRC-32 of those bytes, 8 lower-case hexadecimal digits.
        bought: Records that are new in it.
        cost_usd: Dollars that those cost.
        ended_at: RFC 3339 UTC time of the commit.
        worker: The process that did it.
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
"""Reads one line; raises one of `NO_JSON` where it is none."""


class Journal:
    """The journal file of one process, which alone appends to it; calls may come from several threads.

    As long as it is open, nobody repairs the dataset.

    Args:
        path: From `Layout.journal`.
        repairing: Whether the caller is who repairs it, and so has it for himself.

    Raises:
        StorageUnavailable: the file cannot be opened, or somebody repairs the dataset.
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
        """Write lines, durable on return; a line that a crash tore before them is ended first.

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
                written = os.dup(self._descriptor)  # another thread may bring a removed file back meanwhile
            try:
                reach("journal.written")
                os.fsync(written)
            finally:
                os.close(written)
        reach("journal.synced")

    def close(self) -> None:
        """Close the file, after the line that is being written. A second call does nothing."""
        with self._lock:
            if self._descriptor >= 0:
                os.close(self._descriptor)
                self._descriptor = -1
                self._leave()

    def _check(self) -> None:
        """Bring the file back if somebody removed it: as long as it is open, its lines are not lost."""
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
                os.fsync(self._descriptor)  # of lines whose writers were told that they are safe
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
    """Let a bad line pass."""


def read_journal(layout: Layout, problem: Note = _ignore) -> Iterator[Entry]:
    """Yield the entries of all journal files: files in the order of their names, lines in their own.

    Args:
        layout: The dataset; without a journal it has no entries.
        problem: Told of every line that is no entry: the file, the number of the line (0 for the whole
            file), and a sentence. Reading goes on.
    """
    for block in JournalTail(layout).read(problem):
        yield from entries(block, problem)


def is_line(line: bytes) -> bool:
    """Tell whether something is a line of the journal, of either kind."""
    try:
        decode_line(line)
    except NO_JSON:
        return purchase_of(line) is not None
    return True


def purchase_of(line: bytes) -> Purchase | None:
    """Return what a line says of bought profiles, None where it is about something else."""
    try:
        return _decode_purchase(line)
    except NO_JSON:
        return None


def newest_purchase(layout: Layout, crawl: str) -> Purchase | None:
    """Return the newest journal line about a crawl's bought profiles, None where there is none.

    All of them are in one journal file, `Layout.purchases`.

    Raises:
        StorageUnavailable: it cannot be read.
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
    """Yield the entries of some lines of a journal file.

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
        with suppress(*NO_JSON):  # all of it but its end is there, which the next line will bring
            yield decode_line(torn)


def latest(entries: Iterable[Entry]) -> dict[str, Entry]:
    """Keep the newest entry of each file, by `repaired_at` or `ended_at`; those without a file are left out.

    Of two within one second the one that began later counts, then the one with more bytes (an update only
    adds), then the one that is read later; a line that was written twice makes no difference.
    """
    newest: dict[str, Entry] = {}
    for entry in entries:
        if entry.file is not None:
            other = newest.get(entry.file)
            if other is None or age(entry) >= age(other):
                newest[entry.file] = entry
    return newest


def age(entry: Entry) -> tuple[str, str, int]:
    """Return what orders the entries of a file, the greatest last."""
    said_at = entry.repaired_at or entry.ended_at
    return said_at.rstrip("Z"), entry.began_at.rstrip("Z"), entry.bytes
