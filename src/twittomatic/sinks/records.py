"""Reads the records that an event points at, from the file as it is now."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from itertools import chain
from pathlib import Path

from twittomatic.errors import CorruptFile, StorageUnavailable
from twittomatic.model import NO_JSON
from twittomatic.state.events import FileCommitted, FileRepaired
from twittomatic.state.stream import StreamEvent
from twittomatic.storage.errors import translate_errors
from twittomatic.storage.formats import read_pages
from twittomatic.storage.paths import EXTENSIONS, Layout
from twittomatic.storage.records import record_id

_GONE = (FileNotFoundError, NotADirectoryError)


def new_pages(
    layout: Layout, event: FileCommitted | FileRepaired, note: Callable[[str], None]
) -> Iterator[tuple[int, list[bytes]]]:
    """Yield the records that an event announces, in pages of some hundred. Blocks.

    The range is counted from the file's end, since an update prepends. If the file was replaced, repaired or
    truncated since the event, the range does not verify; then all records of the file follow, so that none is
    missed. So the caller must tolerate duplicates and records that the event is not about.

    Args:
        layout: The dataset's layout.
        event: What was committed; for a repair, everything in the file counts as new.
        note: Receives a sentence if the file is gone or damaged and cannot be read further.

    Yields:
        The time at which a page was fetched, in seconds since the epoch, 0 if unknown; and its records.

    Raises:
        StorageUnavailable: The file exists and cannot be read, or there is no dataset, for instance because
            its volume is not mounted.
    """
    path = dataset_file(layout, event)
    if path is None:
        note(f"An event names {event.file!r}, which is not a file of the dataset.")
        return
    try:
        if isinstance(event, FileRepaired) or not (yield from _range(path, event)):
            yield from read_pages(path)
    except CorruptFile as error:
        note(f"{error} `twittomatic verify` shows details; the rest is read once the file is repaired.")
    except StorageUnavailable as error:
        if not isinstance(error.__cause__, _GONE):
            raise
        if not layout.journals.is_dir():
            raise StorageUnavailable(
                f"{layout.output}: no crawl wrote here; mount it, or name the OUTPUT_DIRECTORY of the crawl."
            ) from None
        note(f"{path}: the file has been deleted since it was committed.")


def dataset_events(layout: Layout) -> Iterator[StreamEvent]:
    """Yield one event for each file of the dataset, as if each had just been repaired; blocks.

    Raises:
        StorageUnavailable: A directory cannot be listed.
    """
    lists = (path for ext in EXTENSIONS for path in layout.files(ext))
    for path in chain(lists, map(layout.bought, layout.buyers())):
        user_id = path.name.partition(".")[0] if path.suffix != ".gz" else ""
        event = FileRepaired(file=layout.relative(path), user_id=user_id)
        yield StreamEvent(entry=f"{time.time_ns() // 1_000_000}-0", event=event)


def dataset_file(layout: Layout, event: FileCommitted | FileRepaired) -> Path | None:
    """Return the path of an event's file, or None if it is not one of its user's files in the dataset.

    This keeps a manipulated stream from making us open any other file.
    """
    crawl = event.file.removeprefix("targets/").removesuffix(".jsonl.gz")
    try:
        if event.file.startswith("targets/"):
            path = layout.bought(crawl)
        else:
            path = layout.file(event.user_id, event.file.rpartition(".")[2])
    except ValueError:
        return None
    return path if layout.relative(path) == event.file else None


def _range(path: Path, event: FileCommitted) -> Generator[tuple[int, list[bytes]], None, bool]:
    """Yield the records in the event's range, and return whether they are the announced ones."""
    with translate_errors(path):
        offset = path.stat().st_size - event.begin
    if not 0 <= event.end <= event.begin or offset < 0:
        return False
    count, last = 0, b""
    try:
        for at, lines in read_pages(path, size=event.begin - event.end, offset=offset):
            if not count and not _is(event.first_id, lines[0], path):
                return False
            count, last = count + len(lines), lines[-1]
            yield at, lines
    except CorruptFile:
        return False
    return count == event.records and (not count or _is(event.last_id, last, path))


def _is(user_or_post: str, line: bytes, path: Path) -> bool:
    """Return whether a record has the id that an event names; an empty id matches any record."""
    if not user_or_post:
        return True
    if path.suffix == ".fws":
        return line == user_or_post.encode()
    return id_or_empty(line) == user_or_post


def id_or_empty(line: bytes) -> str:
    """Return the id of a post or profile, or an empty string if it has none."""
    try:
        return record_id(line)
    except NO_JSON:
        return ""
