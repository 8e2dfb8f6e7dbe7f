"""How complete each list of a dataset is: one row per list, from the journal."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import groupby, islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from twittomatic.dataset.ids import LARGEST_ID
from twittomatic.dataset.lists import OnDefect
from twittomatic.errors import CorruptFile, StorageUnavailable
from twittomatic.model import MODULES, NO_JSON, Ending, Module
from twittomatic.storage.errors import translate_errors
from twittomatic.storage.journal import Entry, decode_line, purchase_of
from twittomatic.storage.paths import Layout
from twittomatic.storage.tail import LONGEST_LINE, Block, JournalTail

_RECORDS = {spec.list_ext: spec.records for spec in MODULES.values() if spec.list_ext}  # profiles are no list
_LISTS = sorted(_RECORDS.values())  # a list's number is its place here
_EXTENSIONS = {ext: _LISTS.index(records) for ext, records in _RECORDS.items()}
_MODULES = {module: _EXTENSIONS[spec.list_ext] for module, spec in MODULES.items() if spec.list_ext}
_FILE, _CHECK, _CLOSED = range(3)  # a line is about a file, an update that found nothing newer, or neither
_OFFSET_BITS = 44  # of a place: journal files up to 16 TB, and half a million of them
_PENDING = 1 << 16  # lines that are kept before the older ones about the same list are dropped
_ROWS = 1 << 12  # rows whose lines are read together, in the order in which they are on disk
_USUAL_LINE = 1024  # bytes; most entries take 400

_LINE = np.dtype(
    [
        ("user", np.int64),
        ("list", np.uint8),
        ("about", np.uint8),
        ("is_lost", np.bool_),
        ("recorded", np.int64),  # microseconds since the epoch, as is `began`
        ("began", np.int64),
        ("size", np.int64),
        ("place", np.int64),  # number of the journal file, and offset in it
    ]
)
_Line = tuple[int, int, int, bool, int, int, int, int]
_Lines = npt.NDArray[Any]


class Completeness(NamedTuple):
    """How a list ended when it was last downloaded, as the journal proves it.

    `pandas.DataFrame(ds.completeness())` and `polars.DataFrame(ds.completeness())` have these columns.

    Attributes:
        user_id: User whose list it is.
        list: `followers` or `posts`.
        ending: Why it ended: `complete`, `ceiling`, `cut`, `unavailable`, `short`, `stalled` or `lost`; see
            docs/reference/dataset.md.
        is_complete: Whether the list has all that the network had: `ending` is `complete`.
        reason: `protected`, `suspended`, `deleted` or `unavailable`; None when the user could be read.
        records: Records in the file, 0 without a file.
        claimed: The count in the user's profile at that time, None when it is not known.
        began_at: When the first page was requested (aware UTC).
        ended_at: When the list ended (aware UTC).
        checked_at: When an update last found nothing newer (aware UTC), None when none did since `ended_at`.
        file: Path relative to the dataset's directory, None when the user was closed without a file.
        depth: Hops from a seed.
        coverage: `records` over `claimed`, None when no count was claimed. It may be above 1, since the claim
            may be older than the list.
    """

    user_id: int
    list: str
    ending: str
    is_complete: bool
    reason: str | None
    records: int
    claimed: int | None
    began_at: datetime
    ended_at: datetime
    checked_at: datetime | None
    file: str | None
    depth: int = 0
    coverage: float | None = None


def read_completeness(layout: Layout, on_defect: OnDefect = lambda error: None) -> Iterator[Completeness]:
    """Yield one row per list, sorted by user id and list.

    Of several lines about one file the newest counts, as for `verify`. A line without a file counts only if
    the list has no file, or has lost it. Lines that are no journal entries are skipped; `verify` names them.

    The journal is read once in full, then the lines that count are read again. Memory: 100 bytes a list.

    Args:
        layout: The dataset.
        on_defect: Called for each journal file with lines that are no entries, with the first of them.

    Raises:
        StorageUnavailable: a journal file cannot be read, or was replaced meanwhile.
    """
    paths, lines = _newest_lines(layout, on_defect)
    chosen = _choose(lines)
    while rows := list(islice(chosen, _ROWS)):
        entries = _read_entries(paths, [line["place"].item() for line, _ in rows])
        for (line, checked), entry in zip(rows, entries, strict=True):
            yield _row(line, entry, checked)


def _newest_lines(layout: Layout, on_defect: OnDefect) -> tuple[list[Path], _Lines]:
    """Return the journal files, and the newest line of each kind about each list, sorted by list."""
    paths: list[Path] = []
    is_whole = True
    newest, recent = np.empty(0, _LINE), list[_Line]()
    for block in JournalTail(layout).read(_refuse_files):
        if not paths or paths[-1] != block.path:
            paths.append(block.path)
            is_whole = True
        for number, line in _lines_of(block, len(paths) - 1):
            if line is not None:
                recent.append(line)
            elif is_whole:
                is_whole = False
                on_defect(CorruptFile(f"{block.path}: line {number} is not a journal entry."))
        if len(recent) >= max(_PENDING, len(newest)):
            newest, recent = _merge(newest, recent), []
    return paths, _merge(newest, recent)


def _refuse_files(path: Path, number: int, sentence: str) -> None:
    """Skip a bad line, but not a file or a directory that cannot be read."""
    if number == 0:
        raise StorageUnavailable(sentence)


def _lines_of(block: Block, file: int) -> Iterator[tuple[int, _Line | None]]:
    """Yield the lines about lists with their numbers, and None for those that are no journal entries."""
    place = file << _OFFSET_BITS | block.offset
    lines = block.text.split(b"\n")
    for number, text in enumerate(lines, start=block.number):
        is_last = number == block.number + len(lines) - 1  # which is still being written, if it is not empty
        try:
            if text and len(text) < LONGEST_LINE and (line := _line(decode_line(text), place)):
                yield number, line
        except (*NO_JSON, ValueError):  # no entry, or a moment such as the 30th of February
            if not is_last and purchase_of(text) is None:
                yield number, None
        place += len(text) + 1


def _line(entry: Entry, place: int) -> _Line | None:
    """Return what orders a line among those about the same list, None when it is about no list."""
    user = int(entry.user_id)
    if entry.file is not None:
        about, number = _FILE, _EXTENSIONS.get(entry.file.rpartition(".")[2])
    else:
        found_nothing = entry.module is Module.UPDATE and entry.ending is Ending.COMPLETE
        about, number = _CHECK if found_nothing else _CLOSED, _MODULES.get(entry.module)
    if number is None or user > LARGEST_ID:
        return None
    ended, began = _microseconds(entry.ended_at), _microseconds(entry.began_at)
    recorded = _microseconds(entry.repaired_at) if entry.repaired_at else ended
    return user, number, about, entry.ending is Ending.LOST, recorded, began, entry.bytes, place


def _microseconds(moment: str) -> int:
    return round(datetime.fromisoformat(moment).timestamp() * 1e6)


def _merge(newest: _Lines, recent: Sequence[_Line]) -> _Lines:
    """Sort lines by list, and drop all but the newest of each kind; of equals the one read last stays."""
    lines = np.concatenate([newest, np.array(recent, _LINE)])
    keys = ("size", "began", "recorded", "about", "list", "user")
    lines = lines[np.lexsort([lines[key] for key in keys])]
    is_last = np.ones(len(lines), np.bool_)
    key = lines[["user", "list", "about"]]
    is_last[:-1] = key[1:] != key[:-1]
    return lines[is_last]


def _choose(lines: _Lines) -> Iterator[tuple[Any, datetime | None]]:
    """Yield the line that counts for each list, and when an update last found nothing newer than it."""
    for _, group in groupby(lines, key=lambda line: (line["user"], line["list"])):
        about = {int(line["about"]): line for line in group}
        file, closed, check = about.get(_FILE), about.get(_CLOSED), about.get(_CHECK)
        if closed is not None and (
            file is None or (file["is_lost"] and file["recorded"] < closed["recorded"])
        ):
            yield closed, None
        elif file is not None:
            if check is None or check["recorded"] <= file["recorded"]:
                yield file, None
            else:
                yield file, _moment(check["recorded"])


def _moment(microseconds: Any) -> datetime:
    return datetime.fromtimestamp(int(microseconds) / 1e6, UTC)


def _read_entries(paths: Sequence[Path], places: Sequence[int]) -> list[Entry | None]:
    """Read lines of the journal, parallel to `places`; None for one that is there no more."""
    order = sorted(range(len(places)), key=places.__getitem__)
    entries: list[Entry | None] = [None] * len(places)
    for number, group in groupby(order, key=lambda row: places[row] >> _OFFSET_BITS):
        path = paths[number]
        with translate_errors(path), path.open("rb", buffering=0) as file:
            for row in group:
                offset = places[row] & ((1 << _OFFSET_BITS) - 1)
                text = os.pread(file.fileno(), _USUAL_LINE, offset)
                if b"\n" not in text:
                    text = os.pread(file.fileno(), LONGEST_LINE, offset)
                try:
                    entries[row] = decode_line(text.partition(b"\n")[0])
                except NO_JSON:
                    continue
    return entries


def _row(line: Any, entry: Entry | None, checked_at: datetime | None) -> Completeness:
    if entry is None or int(entry.user_id) != line["user"]:
        raise StorageUnavailable("The journal was replaced while it was read; read it again.")
    records = entry.lines if entry.file is not None else 0
    return Completeness(
        user_id=int(entry.user_id),
        list=_LISTS[line["list"]],
        ending=str(entry.ending),
        is_complete=entry.ending is Ending.COMPLETE,
        reason=entry.reason,
        records=records,
        claimed=entry.claimed,
        began_at=datetime.fromisoformat(entry.began_at),
        ended_at=datetime.fromisoformat(entry.ended_at),
        checked_at=checked_at,
        file=entry.file,
        depth=entry.depth,
        coverage=_coverage(records, entry.claimed),
    )


def _coverage(records: int, claimed: int | None) -> float | None:
    if claimed is None:
        return None
    return 1.0 if records == claimed else records / max(claimed, 1)
