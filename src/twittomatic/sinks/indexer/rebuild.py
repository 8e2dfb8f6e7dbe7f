"""Rebuild: fill new indices from the dataset alone, then move the alias to them atomically.

The steps: note the present end of the event stream, and create a generation of indices outside the alias;
send all timelines to it, and in between the events that arrive meanwhile; check that the server has
everything; move the alias, and let the indexer continue at the position that the rebuild has reached. Only
then delete this dataset's old indices. A rebuild that dies earlier has changed nothing that is searched; its
leftovers are deleted by the next completed one.
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
from twittomatic.sinks.indexer.pump import PostPage, pump
from twittomatic.sinks.indexer.rejected import RejectedPosts
from twittomatic.sinks.indexer.sink import NAME, Indexer
from twittomatic.state.stream import EventStream, Position
from twittomatic.storage.formats import read_pages
from twittomatic.storage.paths import Layout

_FILES = 64  # between reads of the stream, which keeps the newest 100,000 events
_MAX_EVENTS = 64  # per batch, as for a consumer
_CLAIM_MS = 90_000  # longer than one request to the server can take
_FIRST_DELAY_S, _MAX_DELAY_S = 0.25, 10.0
_T = TypeVar("_T")


class Rebuilt(msgspec.Struct, frozen=True, kw_only=True):
    """The result of a rebuild.

    Attributes:
        posts: The number of searchable posts.
        timelines: The number of files read.
        rejected: The number of posts that the server rejected.
        deleted: The number of old indices deleted.
        left: The number of indices with such names that are not known to be this dataset's.
    """

    posts: int
    timelines: int
    rejected: int
    deleted: int
    left: int


class Rebuild:
    """One rebuild.

    Args:
        server: The search server, already entered.
        indices: The indices on it.
        layout: The dataset's layout.
        network: The network of the posts.
        stream: The crawl's event stream; None if there is no crawl.
        process: A unique name of this process.
        rejected: Receives the posts that the server will never accept.
        clock: The clock.
        say: Receives a sentence about each wait and each unreadable file.

    Attributes:
        timelines: The number of files read so far.
    """

    def __init__(
        self,
        server: SearchServer,
        indices: Indices,
        layout: Layout,
        network: Records,
        stream: EventStream | None,
        process: str,
        rejected: RejectedPosts,
        clock: Clock,
        say: Callable[[str], None],
    ) -> None:
        self._server = server
        self._indices = indices
        self._layout = layout
        self._network = network
        self._stream = stream
        self._process = process
        self._rejected = rejected
        self._clock = clock
        self._say = say
        self._broken: list[str] = []
        self.timelines = 0
        self._sent = Sent()
        self._waits_for = ""

    @property
    def posts(self) -> int:
        """The number of posts that the server has accepted so far."""
        return self._sent.taken

    async def run(self) -> Rebuilt:
        """Run the rebuild, waiting whenever the server is unavailable.

        Raises:
            TwittomaticError: A timeline cannot be read, events were lost, or another program deletes posts in
                the new indices; the old ones are still searched.
            SettingsError: A rebuild that began later has already ended, or another dataset has the prefix.
            StorageUnavailable: There is no dataset.
        """
        position = await self._stream.end() if self._stream else Position()
        await self._patiently(self._indices.begin)
        generation = await self._patiently(self._indices.begin_generation)
        bulk = Bulk(self._server, generation.itself, self._rejected, self._clock)
        try:
            position = await self._fill(bulk, position)
            reach("rebuild.filled")
            posts = await self._patiently(lambda: self._check(generation, bulk))
            await self._switch(generation, position)
        except BaseException:
            with suppress(ReceiverUnavailable):
                await self._indices.discard(generation)
            raise
        deleted = await self._patiently(lambda: self._indices.delete_before(generation))
        left = await self._patiently(self._indices.others)
        return Rebuilt(
            posts=posts, timelines=self.timelines, rejected=self._rejected.count, deleted=deleted, left=left
        )

    async def _fill(self, bulk: Bulk, position: Position) -> Position:
        """Send timelines and events; return the position in the stream after the last event."""

        async def send(documents: Sequence[Document]) -> Sent:
            sent = await self._patiently(lambda: bulk.send(documents))
            self._sent += sent
            return sent

        catching_up = Indexer(bulk, self._layout, self._network, self._rejected, self._clock, send=send)
        files = self._layout.files("twt")
        while some := list(islice(files, _FILES)):
            await pump(self._pages(some), self._network, send, self._rejected, self._clock)
            reach("rebuild.read")
            position = await self._catch_up(catching_up, position)
        if self._broken:
            raise TwittomaticError(
                f"{len(self._broken):,} timelines cannot be read; the first: {self._broken[0]} The old "
                "indices are still searched; give `twittomatic verify --repair`, then this again."
            )
        return await self._catch_up(catching_up, position)

    def _pages(self, files: Sequence[Path]) -> Iterator[PostPage]:
        """Yield the posts of some timelines. Blocks."""
        authors = Authors(self._layout, self._network)
        authors.refresh()
        for path in files:
            try:
                for fetched_at, lines in read_pages(path):
                    author = authors.name_of(path.stem)
                    yield PostPage(author_id=path.stem, author=author, fetched_at=fetched_at, lines=lines)
                self.timelines += 1
            except CorruptFile as error:
                self._broken.append(str(error))

    async def _catch_up(self, catching_up: Indexer, position: Position) -> Position:
        """Process the events that arrived meanwhile, and return the position after them."""
        while self._stream:
            delivery, behind = await self._stream.read(position, _MAX_EVENTS)
            if delivery.trimmed:
                raise TwittomaticError(
                    f"{delivery.trimmed:,} events left the stream before the rebuild read them; the old "
                    "indices are still searched. Run it again when the crawl is less busy."
                )
            if not delivery.events:
                break
            events = delivery.events
            await self._patiently(lambda: catching_up.handle(events, self._say))  # noqa: B023 - done before the next turn
            position = behind
        return position

    async def _check(self, generation: Generation, bulk: Bulk) -> int:
        """Return the number of posts in the new indices, after a check that none is missing."""
        await generation.refresh()
        posts = await generation.count()
        expected = self._sent.created - bulk.deleted
        if posts < expected:
            raise TwittomaticError(
                f"The server accepted {expected:,} posts and has {posts:,}; another program deletes there. "
                "The old indices are still searched; run this again."
            )
        return posts

    async def _switch(self, generation: Generation, position: Position) -> None:
        """Move the alias and the indexer's position in the stream, while the indexer has to stand by.

        If this dies at any point, the indexer continues at that position, in whichever indices are searched.
        """
        if self._stream:
            await self._stream.claim(NAME, self._process, _CLAIM_MS)
            await self._stream.seek(NAME, position)
            reach("rebuild.held")
        await self._patiently(lambda: self._indices.move_alias(generation))
        reach("rebuild.switched")
        if self._stream:
            await self._stream.seek(NAME, position)
            await self._stream.release(NAME, self._process)

    async def _patiently(self, call: Callable[[], Awaitable[_T]]) -> _T:
        """Call something idempotent until the server is available for it."""
        delay_s = _FIRST_DELAY_S
        while True:
            try:
                result = await call()
            except ReceiverUnavailable as error:
                if self._waits_for != (because := str(error)):
                    self._waits_for = because
                    self._say(f"Waiting: {because}")
                await self._clock.sleep(delay_s)
                delay_s = min(2 * delay_s, _MAX_DELAY_S)
            else:
                self._waits_for = ""
                return result
