"""A rebuild: new indices from the dataset alone, then the alias is moved to them in one step.

The life of one: it remembers where the stream of events is, and begins a generation of indices in which
nobody searches; the timelines go into it, and between them the events that came meanwhile, as the indexer
takes them; when there is no more, and the server has what it was given, the alias is moved, and the indexer
is told to go on where the rebuild stopped. Only then the old indices of this dataset are deleted. A rebuild
that dies before has changed nothing that is searched; what it leaves is deleted by the next one that ends.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import TypeVar

import msgspec

from twittomatic.clock import Clock
from twittomatic.errors import CorruptFile, ReceiverUnavailable, TwittomaticError
from twittomatic.faultpoint import reach
from twittomatic.networks.base import Records
from twittomatic.sinks.indexer.authors import Authors
from twittomatic.sinks.indexer.bulk import Bulk, Sent
from twittomatic.sinks.indexer.client import SearchServer
from twittomatic.sinks.indexer.documents import Document
from twittomatic.sinks.indexer.indices import Generation, Indices
from twittomatic.sinks.indexer.pump import Page, feed
from twittomatic.sinks.indexer.rejected import RejectedPosts
from twittomatic.sinks.indexer.sink import NAME, Indexer
from twittomatic.state.stream import EventStream, Place
from twittomatic.storage.formats import read_pages
from twittomatic.storage.paths import Layout

_FILES = 64  # between looks at the stream, which keeps the newest 100,000 events
_EVENTS = 64  # at a time, as a sink gets them
_HOLD_MS = 90_000  # longer than one request to the server can take
_FIRST_DELAY_S, _LONGEST_DELAY_S = 0.25, 10.0
_T = TypeVar("_T")


class Rebuilt(msgspec.Struct, frozen=True, kw_only=True):
    """What a rebuild did.

    Attributes:
        posts: How many are searched now.
        timelines: Of how many files.
        refused: How many posts the server did not take.
        deleted: How many old indices.
        left: How many indices have such names, and are not known to be this dataset's.
    """

    posts: int
    timelines: int
    refused: int
    deleted: int
    left: int


class Rebuild:
    """One rebuild.

    Args:
        server: Entered.
        indices: On it.
        layout: Of the dataset.
        network: Whose posts they are.
        stream: Of the crawl; None where there is no crawl whose events could come meanwhile.
        process: Name of this process, which no other ever had.
        refused: Where posts go that the server will never take.
        clock: Of this process.
        say: Told in one sentence why it waits, and what cannot be read.

    Attributes:
        timelines: How many files were read so far.
    """

    def __init__(
        self,
        server: SearchServer,
        indices: Indices,
        layout: Layout,
        network: Records,
        stream: EventStream | None,
        process: str,
        refused: RejectedPosts,
        clock: Clock,
        say: Callable[[str], None],
    ) -> None:
        self._server = server
        self._indices = indices
        self._layout = layout
        self._network = network
        self._stream = stream
        self._process = process
        self._refused = refused
        self._clock = clock
        self._say = say
        self._broken: list[str] = []
        self.timelines = 0
        self._sent = Sent()
        self._waits_for = ""

    @property
    def posts(self) -> int:
        """How many the server took so far."""
        return self._sent.taken

    async def run(self) -> Rebuilt:
        """Do it, however long the server is away in between.

        Raises:
            TwittomaticError: a timeline cannot be read, events were lost, or somebody deletes in the new
                indices: the old ones are still searched.
            SettingsError: another rebuild that began later ended before, or another dataset has the name.
            StorageUnavailable: there is no dataset.
        """
        place = await self._stream.end() if self._stream else Place()
        await self._patiently(self._indices.begin)
        generation = await self._patiently(self._indices.begin_generation)
        bulk = Bulk(self._server, generation.itself, self._refused, self._clock)
        try:
            place = await self._fill(bulk, place)
            reach("rebuild.filled")
            posts = await self._patiently(lambda: self._check(generation, bulk))
            await self._switch(generation, place)
        except BaseException:
            with suppress(ReceiverUnavailable):
                await self._indices.discard(generation)
            raise
        deleted = await self._patiently(lambda: self._indices.delete_before(generation))
        left = await self._patiently(self._indices.others)
        return Rebuilt(
            posts=posts, timelines=self.timelines, refused=self._refused.count, deleted=deleted, left=left
        )

    async def _fill(self, bulk: Bulk, place: Place) -> Place:
        """Bring timelines and events in; return the place in the stream behind the last of them."""

        async def send(documents: Sequence[Document]) -> Sent:
            sent = await self._patiently(lambda: bulk.send(documents))
            self._sent += sent
            return sent

        catching = Indexer(bulk, self._layout, self._network, self._refused, self._clock, send=send)
        files = self._layout.files("twt")
        while some := list(islice(files, _FILES)):
            await feed(self._pages(some), self._network, send, self._refused, self._clock)
            reach("rebuild.read")
            place = await self._catch_up(catching, place)
        if self._broken:
            raise TwittomaticError(
                f"{len(self._broken):,} timelines cannot be read; the first: {self._broken[0]} The old "
                "indices are still searched; give `twittomatic verify --repair`, then this again."
            )
        return await self._catch_up(catching, place)

    def _pages(self, files: Sequence[Path]) -> Iterator[Page]:
        """Yield the posts of some timelines; blocks while it reads them."""
        authors = Authors(self._layout, self._network)
        authors.refresh()
        for path in files:
            try:
                for fetched_at, lines in read_pages(path):
                    author = authors.name_of(path.stem)
                    yield Page(author_id=path.stem, author=author, fetched_at=fetched_at, lines=lines)
                self.timelines += 1
            except CorruptFile as error:
                self._broken.append(str(error))

    async def _catch_up(self, catching: Indexer, place: Place) -> Place:
        """Take the events that came meanwhile, and return the place behind them."""
        while self._stream:
            delivery, behind = await self._stream.read(place, _EVENTS)
            if delivery.trimmed:
                raise TwittomaticError(
                    f"{delivery.trimmed:,} events left the stream before the rebuild read them; the old "
                    "indices are still searched. Give it again when the crawl is less busy."
                )
            if not delivery.events:
                break
            events = delivery.events
            await self._patiently(lambda: catching.handle(events, self._say))  # noqa: B023 - done before the next turn
            place = behind
        return place

    async def _check(self, generation: Generation, bulk: Bulk) -> int:
        """Return how many posts the new indices have, after a look that they are all there."""
        await generation.refresh()
        posts = await generation.count()
        expected = self._sent.created - bulk.deleted
        if posts < expected:
            raise TwittomaticError(
                f"The server took {expected:,} posts and has {posts:,}; somebody else deletes there. The old "
                "indices are still searched; give this again."
            )
        return posts

    async def _switch(self, generation: Generation, place: Place) -> None:
        """Move the alias, and let the indexer go on at a place; it has to stand by meanwhile.

        Whenever this dies, the indexer goes on at that place, in the indices that are searched then.
        """
        if self._stream:
            await self._stream.take(NAME, self._process, _HOLD_MS)
            await self._stream.go_to(NAME, place)
            reach("rebuild.held")
        await self._patiently(lambda: self._indices.move_alias(generation))
        reach("rebuild.switched")
        if self._stream:
            await self._stream.go_to(NAME, place)
            await self._stream.let_go(NAME, self._process)

    async def _patiently(self, call: Callable[[], Awaitable[_T]]) -> _T:
        """Do something that may be done twice, as often as the server is away for it."""
        delay_s = _FIRST_DELAY_S
        while True:
            try:
                result = await call()
            except ReceiverUnavailable as error:
                if self._waits_for != (because := str(error)):
                    self._waits_for = because
                    self._say(f"Waiting: {because}")
                await self._clock.sleep(delay_s)
                delay_s = min(2 * delay_s, _LONGEST_DELAY_S)
            else:
                self._waits_for = ""
                return result
