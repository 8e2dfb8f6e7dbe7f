"""The sink that remembers all profiles, of followers and of targets that were bought, in a `ProfileStore`."""

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
from twittomatic.state.stream import Delivered
from twittomatic.storage.formats import read_pages
from twittomatic.storage.index import JournalIndex
from twittomatic.storage.paths import Layout
from twittomatic.storage.records import record_id

NAME = "lookup"
_LONGEST_ID = 19  # digits
_PROFILES = (".usr", ".jsonl.gz")  # of followers; of targets, which a crawl bought


_decode_all = msgspec.json.Decoder().decode


class LookupSink(Sink):
    """Feeds a store with the profiles of a crawl.

    Args:
        store: Where they go.
        layout: Of the dataset.
        crawl: Its name.
        name_of: Picks the screen name out of a profile of the network; never fails.
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
        """Of its command, its consumer group, its standing."""
        return NAME

    @property
    def is_new(self) -> bool:
        """Whether the store holds nothing of this crawl."""
        return not self._store.has_read(self._crawl)

    async def begin(self) -> None:
        """See `Sink`. The store was opened before."""

    async def handle(self, events: Sequence[Delivered], skip: Callable[[str], None]) -> int:
        """Put the profiles of new files into the store; events of other files tell it nothing.

        A file that `verify --repair` takes away changes nothing: who was seen, was seen.

        Raises:
            StorageUnavailable: a file or the store cannot be used.
        """
        return await asyncio.to_thread(self._handle, events, skip)

    def _handle(self, events: Sequence[Delivered], skip: Callable[[str], None]) -> int:
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
    is_told: Callable[[], bool],
) -> None:
    """Put all profiles of a dataset into a store; what is in it already stays, and nothing is in it twice.

    Args:
        store: Where they go; it may be in use meanwhile.
        layout: Of the dataset; a crawl may go on meanwhile.
        name_of: Picks the screen name out of a profile.
        note: Told in one sentence of a file that is broken, of which what is whole was read.
        report: Told how many files and profiles were read so far.
        is_told: Whether to stop.

    Raises:
        Interrupted: it was told to stop; doing it again goes on, at the price of reading again.
        StorageUnavailable: the journal or the store cannot be used.
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
                    if is_told():
                        raise Interrupted("The rebuild was stopped; the same command does it again.")
                    yield sighting
            except CorruptFile as error:
                note(f"{error} `twittomatic verify` tells more.")

        try:
            store.add(sightings())
        except StorageUnavailable as error:
            if not isinstance(error.__cause__, FileNotFoundError):  # else a repair took it away
                raise
        report(files, profiles)


def sightings_of(
    pages: Iterable[tuple[int, Sequence[bytes]]], otherwise_at: int, name_of: Callable[[bytes], str]
) -> Iterator[Sighting]:
    """Yield the profiles of some pages; lines that are none are passed over, `verify` names them.

    Args:
        pages: As `read_pages` yields them.
        otherwise_at: When those came whose page does not say, seconds since the epoch.
        name_of: Picks the screen name out of a profile.
    """
    for at, lines in pages:
        for line in lines:
            sighting = sighting_of(line, at or otherwise_at, name_of)
            if sighting:
                yield sighting


def sighting_of(record: bytes, at: int, name_of: Callable[[bytes], str]) -> Sighting | None:
    """Return a profile as the store takes it, None where the record is no profile.

    What the store holds is JSON in UTF-8, whatever the network sent.
    """
    try:
        user_id = record_id(record)
        _decode_all(record)
    except NO_JSON:
        mended = _mended(record)
        if mended is None:
            return None
        record, user_id = mended
    if not (user_id.isascii() and user_id.isdigit() and len(user_id) <= _LONGEST_ID):
        return None
    name = name_of(record).encode(errors="replace").decode()
    return Sighting(int(user_id), name, at, record)


def _mended(record: bytes) -> tuple[bytes, str] | None:
    """Replace what no encoder takes, such as halves of emoji."""
    try:
        content = json.loads(record.decode(errors="replace"))
        text = json.dumps(content, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        clean = text.encode(errors="replace")
        return clean, record_id(clean)
    except (*NO_JSON, ValueError):
        return None
