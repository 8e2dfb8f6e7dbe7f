"""Profiles of its targets that a crawl bought, in `targets/<crawl>.jsonl.gz`, the newest first.

They are bought to resolve a name or to quote a target, before there is a job that could commit them. The
profiles of each request are synced to the process's *pending* file before their cost is settled. When the
command has finished buying, they are committed: written in front of the older ones in a draft, which is
renamed into place and proved by a journal line. The pending file is removed last, after everything that has
to know was told. A pending file of a dead process is committed by the next process.
"""

from __future__ import annotations

import fcntl
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec
from isal import isal_zlib

from twittomatic.errors import CorruptFile
from twittomatic.faultpoint import reach
from twittomatic.model import NO_JSON, FileState
from twittomatic.storage.commit import begins_with, commit, holds, measured, prepend
from twittomatic.storage.errors import translate_errors
from twittomatic.storage.formats import member, read_lines
from twittomatic.storage.identity import claim
from twittomatic.storage.io import checksum
from twittomatic.storage.journal import Journal, Purchase, newest_purchase
from twittomatic.storage.part import PartFile
from twittomatic.storage.paths import Layout
from twittomatic.storage.quarantine import set_aside
from twittomatic.storage.records import record_id

_GZIP = 31  # zlib's window bits for gzip, as in `formats`
_PIECE = 1024 * 1024


class Committed(msgspec.Struct, frozen=True, kw_only=True):
    """Profiles that were committed.

    Attributes:
        file: Path relative to OUTPUT_DIRECTORY.
        records: How many are new.
        begin: Where the new bytes begin, counted from the file's end.
        end: Where they end, counted from the file's end.
        first_id: Id of the first new profile.
        last_id: Id of the last new profile.
        pending: The pending file that they came from.
    """

    file: str
    records: int
    begin: int
    end: int
    first_id: str
    last_id: str
    pending: Path


class BoughtProfiles:
    """The profiles that one process buys of a crawl's targets; calls block, and must not overlap.

    Args:
        layout: The dataset, which is created when something is bought.
        crawl: Name of the crawl.
        process: Name of this process, unique for all time.
        network: Name of the network that the profiles come from.
    """

    def __init__(self, layout: Layout, crawl: str, process: str, *, network: str) -> None:
        self._layout = layout
        self._network = network
        self._crawl = crawl
        self._process = process
        self._path = layout.pending(crawl, process)
        self._part: PartFile | None = None
        self._alive = -1  # holds the lock that shows other processes that this one is alive
        self._cost_usd = 0.0

    def prepare(self) -> None:
        """Make sure that profiles can be stored, before the first is paid for.

        Raises:
            SettingsError: a directory is a file, the two are on different volumes, or the dataset belongs to
                another network.
            StorageUnavailable: a file or a directory cannot be written.
        """
        if self._part is None:
            self._layout.prepare()
            claim(self._layout, self._network)  # the journal's first line makes an unnamed dataset one of X
            self._part = PartFile.begin(self._path)
            with translate_errors(self._path):
                self._alive = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
            _lock(self._alive, fcntl.LOCK_EX)

    def add(self, records: Sequence[bytes], *, at: float, cost_usd: float) -> None:
        """Store the profiles of one request, durable on return; `commit` makes them visible.

        Args:
            records: As the network wrote them, each on one line.
            at: When they came, seconds since the epoch.
            cost_usd: Dollars that they cost.

        Raises:
            StorageUnavailable: they cannot be written.
        """
        if records:
            self.prepare()
            assert self._part
            self._part.append(member(records, at=at), len(records))
            self._cost_usd += cost_usd

    def commit(self, now: str) -> list[Committed]:
        """Commit the pending profiles of this process, and those of dead processes.

        Args:
            now: The time, RFC 3339.

        Returns:
            What was committed; `settle` removes the pending files.

        Raises:
            CorruptFile: the older profiles are broken.
            StorageUnavailable: a file cannot be read or written.
        """
        if not self._layout.pending_directory.is_dir():
            return []
        with locked(self._layout, self._crawl):
            pending = self._layout.pending_files(self._crawl)
            if not pending:
                return []
            journal = Journal(self._layout.purchases(self._crawl))  # its writer holds the lock
            try:
                return [done for path in pending if (done := self._commit(path, journal, now))]
            finally:
                journal.close()

    def settle(self, committed: Sequence[Committed]) -> None:
        """Remove pending files, once everything that has to know about the commit has been notified.

        Raises:
            StorageUnavailable: a file cannot be removed.
        """
        for one in committed:
            with translate_errors(one.pending):
                one.pending.unlink(missing_ok=True)
            if one.pending == self._path:
                self._forget()

    def close(self) -> None:
        """Close the pending file; what was not committed is left to the next process."""
        if self._part is not None and self._part.state.size == 0:
            with translate_errors(self._path):
                self._path.unlink(missing_ok=True)
        self._forget()

    def _forget(self) -> None:
        if self._part is not None:
            self._part.close()
            os.close(self._alive)
        self._part, self._alive, self._cost_usd = None, -1, 0.0

    def _commit(self, pending: Path, journal: Journal, now: str) -> Committed | None:
        with _unless_alive(pending, own=pending == self._path) as source:
            if source is None:
                return None
            state, ids = _whole(pending, source)
        if not ids:
            if pending != self._path:
                with translate_errors(pending):
                    pending.unlink(missing_ok=True)
            return None
        final = self._layout.bought(self._crawl)
        whole = old = state_of(self._layout, self._crawl)
        if old is None or not begins_with(final, state):  # otherwise a process died after this step
            draft = self._layout.pending_draft(self._crawl)
            with PartFile.take_over(draft, pending, state) as part:
                whole = prepend(part, final, old) if old else part.state
            commit(draft, final, size=whole.size)
            reach("purchases.placed")
        assert whole
        cost_usd = round(self._cost_usd, 6) if pending == self._path else 0.0
        journal.append(
            _line(self._layout, final, whole, now, self._process, bought=len(ids), cost_usd=cost_usd)
        )
        reach("purchases.proved")
        return Committed(
            file=self._layout.relative(final),
            records=len(ids),
            begin=whole.size,
            end=whole.size - state.size,
            first_id=ids[0],
            last_id=ids[-1],
            pending=pending,
        )


def state_of(layout: Layout, crawl: str) -> FileState | None:
    """Return the state of a crawl's bought profiles, None if there are none.

    A file that its newest journal line does not prove is read: it counts as complete if that succeeds.

    Raises:
        CorruptFile: the file is broken.
        StorageUnavailable: the file cannot be read.
    """
    final, line = layout.bought(crawl), newest_purchase(layout, crawl)
    if line:
        state = FileState(size=line.bytes, lines=line.lines, crc=int(line.crc32, 16))
        if holds(final, state):
            return state
    return measured(final) if final.exists() else None


def problems(layout: Layout) -> Iterator[tuple[Path, str]]:
    """Yield the defects of bought profiles: the file, and a sentence.

    Raises:
        StorageUnavailable: a directory or a journal file cannot be read.
    """
    for crawl in layout.buyers():
        path = layout.bought(crawl)
        with locked(layout, crawl, shared=True):
            line = newest_purchase(layout, crawl)
            if path.exists():
                yield from ((path, sentence) for sentence in _trouble(path, line))
            elif line and line.bytes:
                yield path, "missing, though the journal has a line for it."


def mend(layout: Layout, crawl: str, *, now: str, worker: str) -> Iterator[str]:
    """Make a crawl's bought profiles and their journal line agree again; yield what was done.

    Bytes after those of the newest line are cut off; a readable file is proved as it is; an unreadable file
    is set aside. The caller holds the lock of the dataset exclusively.

    Raises:
        StorageUnavailable: a file cannot be read or written.
    """
    path, line = layout.bought(crawl), newest_purchase(layout, crawl)
    if not path.exists():
        if not line or not line.bytes:
            return
        state, done = FileState(), "missing; the journal says so now."
    elif not list(_trouble(path, line)):
        return
    else:
        state, done = _repaired(layout, path, line)
    journal = Journal(layout.purchases(crawl), repairing=True)
    try:
        journal.append(_line(layout, path, state, now, worker))
    finally:
        journal.close()
    yield done


def _repaired(layout: Layout, path: Path, line: Purchase | None) -> tuple[FileState, str]:
    if line and line.bytes:
        state = FileState(size=line.bytes, lines=line.lines, crc=int(line.crc32, 16))
        if begins_with(path, state) and not holds(path, state):
            draft = layout.drafts / path.name
            PartFile.take_over(draft, path, state).close()
            original = layout.relative(set_aside(layout, path, keep=True))
            commit(draft, path)
            return (
                state,
                f"the bytes behind those of its journal line are cut off; all of it is in {original}.",
            )
    try:
        for record in read_lines(path):
            record_id(record)
        return measured(path), "can be read; the journal says so now."
    except (CorruptFile, *NO_JSON):
        original = layout.relative(set_aside(layout, path))
        return FileState(), f"its bytes are those of no line in the journal; set aside as {original}."


def _line(
    layout: Layout,
    final: Path,
    state: FileState,
    now: str,
    worker: str,
    *,
    bought: int = 0,
    cost_usd: float = 0.0,
) -> Purchase:
    return Purchase(
        profiles=layout.relative(final),
        lines=state.lines,
        bytes=state.size,
        crc32=f"{state.crc:08x}",
        bought=bought,
        cost_usd=cost_usd,
        ended_at=now,
        worker=worker,
    )


def _trouble(path: Path, line: Purchase | None) -> Iterator[str]:
    lines = 0
    try:
        with translate_errors(path), path.open("rb", buffering=0) as file:
            size = os.fstat(file.fileno()).st_size
            crc = f"{checksum(file.fileno(), size):08x}"
        for record in read_lines(path):
            lines += 1
            record_id(record)
    except CorruptFile as error:
        yield str(error).removeprefix(f"{path}: ")
    except NO_JSON:
        yield f"line {lines} is not a JSON object with an id."
    if line is None or not line.bytes:
        yield "has no line in the journal."
    elif size != line.bytes:
        yield f"has {size} bytes, the journal says {line.bytes}."
    elif crc != line.crc32:
        yield f"its CRC-32 is {crc}, the journal says {line.crc32}."


@contextmanager
def locked(layout: Layout, crawl: str, *, shared: bool = False) -> Iterator[None]:
    """Lock a crawl's bought profiles and their journal lines for a block.

    Args:
        layout: The dataset.
        crawl: Name of the crawl.
        shared: Whether the caller only reads; then a missing lock file is not created.
    """
    path = layout.pending_lock(crawl)
    with translate_errors(path):
        try:
            descriptor = os.open(path, os.O_RDONLY if shared else os.O_RDWR | os.O_CREAT, 0o666)
        except (FileNotFoundError, PermissionError):
            if not shared:
                raise
            descriptor = -1
    try:
        if descriptor >= 0:
            _lock(descriptor, fcntl.LOCK_SH if shared else fcntl.LOCK_EX)
        yield
    finally:
        if descriptor >= 0:
            os.close(descriptor)


@contextmanager
def _unless_alive(path: Path, *, own: bool) -> Iterator[int | None]:
    """Open a pending file; yield None if it is gone, or belongs to another process that is alive."""
    with translate_errors(path):
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except FileNotFoundError:
            yield None
            return
    try:
        regular = stat.S_ISREG(os.fstat(descriptor).st_mode)
        free = own or _lock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield descriptor if regular and free else None
    finally:
        os.close(descriptor)


def _lock(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks: every other process counts as alive
        return not kind & fcntl.LOCK_NB
    return True


def _whole(path: Path, descriptor: int) -> tuple[FileState, list[str]]:
    """Return the state of the complete gzip members of a pending file, and the ids of their profiles."""
    end, offset, whole = os.fstat(descriptor).st_size, 0, 0
    decoder = isal_zlib.decompressobj(_GZIP)
    with translate_errors(path):
        while offset < end:
            data = os.pread(descriptor, min(_PIECE, end - offset), offset)
            offset += len(data)
            try:
                while data:
                    decoder.decompress(data)
                    data = decoder.unused_data if decoder.eof else b""
                    if decoder.eof:
                        whole = offset - len(data)
                        decoder = isal_zlib.decompressobj(_GZIP)
            except isal_zlib.error:  # type: ignore[misc]  # its stub types it as an instance
                break
        crc = checksum(descriptor, whole)
    ids = [record_id(line) for line in read_lines(path, size=whole)] if whole else []
    return FileState(size=whole, lines=len(ids), crc=crc), ids
