"""The lookup sink: copies all profiles, of followers and of bought targets, into a `ProfileStore`."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import msgspec

from twittomatic.errors import CorruptFile, Interrupted, StorageUnavailable
from twittomatic.model import NO_JSON
from twittomatic.sinks.consumer import Sink
from twittomatic.sinks.lookup.store import ProfileStore, Sighting
from twittomatic.sinks.records import new_pages
from twittomatic.state.events import FileCommitted
from twittomatic.state.stream import StreamEvent
from twittomatic.storage.formats import read_pages
from twittomatic.storage.index import JournalIndex
from twittomatic.storage.paths import Layout
from twittomatic.storage.records import record_id

NAME = "lookup"
_MAX_DIGITS = 19  # of a user id
_PROFILES = (".usr", ".jsonl.gz")  # profiles of followers; profiles of targets that a crawl bought


_decode_all = msgspec.json.Decoder().decode


class LookupSink(Sink):
    """Feeds a store with the profiles of a crawl.

    Args:
        store: The profile store.
        layout: The dataset's layout.
        crawl: The crawl's name.
        name_of: Returns the screen name in a profile of the network; never raises.
    """

    def __init__(
        self, store: ProfileStore, layout: Layout, *, crawl: str, name_of: Callable[[bytes], str]
    ) -> None:
        self._store = store
        self._layout = layout
        self._crawl = crawl
        self._name_of = name_of

    @property
    def name(self) -> str:
        """See `Sink`."""
        return NAME

    @property
    def is_new(self) -> bool:
        """Whether the store has nothing of this crawl."""
        return not self._store.has_read(self._crawl)

    async def begin(self) -> None:
        """See `Sink`. The store is already open."""

    async def handle(self, events: Sequence[StreamEvent], skip: Callable[[str], None]) -> int:
        """Add the profiles in new files to the store, and ignore all other events.

        A file that `verify --repair` removes changes nothing, because its users have been seen nevertheless.

        Raises:
            StorageUnavailable: A file or the store cannot be used.
        """
        return await asyncio.to_thread(self._handle, events, skip)

    def _handle(self, events: Sequence[StreamEvent], skip: Callable[[str], None]) -> int:
        count = 0

        def sightings() -> Iterator[Sighting]:
            nonlocal count
            for one in events:
                if isinstance(one.event, FileCommitted) and one.event.file.endswith(_PROFILES):
                    pages = new_pages(self._layout, one.event, skip)
                    for sighting in sightings_of(pages, int(one.at), self._name_of):
                        count += 1
                        yield sighting

        self._store.add(sightings())
        self._store.note_read(self._crawl)
        return count


def rebuild(
    store: ProfileStore,
    layout: Layout,
    *,
    name_of: Callable[[bytes], str],
    note: Callable[[str], None],
    report: Callable[[int, int], None],
    is_stopped: Callable[[], bool],
) -> None:
    """Add all profiles of a dataset to a store, without duplicates; its present content stays.

    Args:
        store: The store, which may be in use at the same time.
        layout: The layout of the dataset, in which a crawl may be running.
        name_of: Returns the screen name in a profile.
        note: Receives a sentence about each damaged file, of which the intact part was read.
        report: Receives the numbers of files and profiles read so far.
        is_stopped: Returns whether to stop.

    Raises:
        Interrupted: The rebuild was stopped; running it again reads everything again, and adds the rest.
        StorageUnavailable: The journal or the store cannot be used.
    """
    index = JournalIndex(layout)
    index.refresh()
    profiles = 0
    for files, path in enumerate(layout.profiles(), start=1):

        def sightings(path: Path = path) -> Iterator[Sighting]:
            nonlocal profiles
            line = index.newest(layout.relative(path))
            otherwise_at = int(line.ended_at) if line else 0
            try:
                for sighting in sightings_of(read_pages(path), otherwise_at, name_of):
                    profiles += 1
                    if is_stopped():
                        raise Interrupted("The rebuild was stopped; the same command starts it again.")
                    yield sighting
            except CorruptFile as error:
                note(f"{error} `twittomatic verify` shows details.")

        try:
            store.add(sightings())
        except StorageUnavailable as error:
            if not isinstance(error.__cause__, FileNotFoundError):  # else a repair has removed the file
                raise
        report(files, profiles)


def sightings_of(
    pages: Iterable[tuple[int, Sequence[bytes]]], otherwise_at: int, name_of: Callable[[bytes], str]
) -> Iterator[Sighting]:
    """Yield the profiles in some pages; lines that are not profiles are skipped, `verify` reports them.

    Args:
        pages: Pages as `read_pages` yields them.
        otherwise_at: The time of pages that have none, in seconds since the epoch.
        name_of: Returns the screen name in a profile.
    """
    for at, lines in pages:
        for line in lines:
            sighting = sighting_of(line, at or otherwise_at, name_of)
            if sighting:
                yield sighting


def sighting_of(record: bytes, at: int, name_of: Callable[[bytes], str]) -> Sighting | None:
    """Return a profile as the store expects it, or None if the record is not a profile.

    The store's records are always valid JSON in UTF-8, even if the network's was not.
    """
    try:
        user_id = record_id(record)
        _decode_all(record)
    except NO_JSON:
        repaired = _repaired(record)
        if repaired is None:
            return None
        record, user_id = repaired
    if not (user_id.isascii() and user_id.isdigit() and len(user_id) <= _MAX_DIGITS):
        return None
    name = name_of(record).encode(errors="replace").decode()
    return Sighting(int(user_id), name, at, record)


def _repaired(record: bytes) -> tuple[bytes, str] | None:
    """Replace what cannot be encoded, such as lone surrogates."""
    try:
        content = json.loads(record.decode(errors="replace"))
        text = json.dumps(content, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        clean = text.encode(errors="replace")
        return clean, record_id(clean)
    except (*NO_JSON, ValueError):
        return None
