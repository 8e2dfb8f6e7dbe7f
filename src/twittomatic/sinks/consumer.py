"""The life of a sink's process: it joins the crawl's server, takes events, hands them over, acknowledges.

Whatever happens in between, an event is acknowledged only when the sink holds for good what it told of. So a
process that is killed at any point is handed the same events again, and a sink bears that. While the server
of the crawl is away, or not yet there, it waits; while the sink's own receiver is away, it tries the same
events again. The crawl notices none of it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import Any, Protocol

import msgspec

from twittomatic.background import ended
from twittomatic.clock import Clock, wait_event
from twittomatic.errors import (
    ReceiverUnavailable,
    StateError,
    StateUnavailable,
    StorageUnavailable,
    TwittomaticError,
)
from twittomatic.faultpoint import reach
from twittomatic.state.connection import Connection
from twittomatic.state.keys import CrawlKeys
from twittomatic.state.stream import Delivered, EventStream, Place, Standing

_MOST = 64  # events at a time: what is done again after a kill
_LONG_S = 2.0  # a batch that takes longer is followed by a smaller one, since nobody leaves in the middle
_WAIT_MS = 1_000  # for a new event
_GLANCE_S = 0.5  # while there is no stream, or another process serves the sink
_BEAT_S = 1.0
_RETRY_S = 1.0  # while the sink is not ready
_FIRST_DELAY_S, _LONGEST_DELAY_S = 0.25, 10.0
_logger = logging.getLogger(__name__)


class Sink(Protocol):
    """What becomes of events; one process serves it at a time."""

    @property
    def name(self) -> str:
        """Its name: of its command, its consumer group, its standing."""
        ...

    @property
    def is_new(self) -> bool:
        """Whether it holds nothing yet, whatever was acknowledged: then it begins with the stream."""
        ...

    async def begin(self) -> None:
        """Make ready; called before anything else, again after a failure, and harmless when repeated.

        Raises:
            ReceiverUnavailable: whom it feeds is away; it is called again.
            StorageUnavailable: a file cannot be read or written; it is called again.
        """
        ...

    async def handle(self, events: Sequence[Delivered], skip: Callable[[str], None]) -> int:
        """Make what some events tell of stand for good, in their order; the same ones may come again.

        Args:
            events: Some tens at most.
            skip: To be told in one sentence of what cannot be read, as by `new_pages`; from any thread.

        Returns:
            How many records those were.

        Raises:
            ReceiverUnavailable: whom it feeds is away; the same events come again.
            StorageUnavailable: a file cannot be read or written; the same events come again.
        """
        ...


class Consumer:
    """Feeds a sink with the events of a crawl.

    Args:
        sink: Who handles them.
        crawl: Its name.
        process: Name of this process, which no other ever had.
        connect: Enters the crawl's state server.
        say: Told one sentence when something changes that the user should know.
        clock: Of this process.
    """

    def __init__(
        self,
        sink: Sink,
        *,
        crawl: str,
        process: str,
        connect: Callable[[], AbstractAsyncContextManager[Connection]],
        say: Callable[[str], None],
        clock: Clock,
    ) -> None:
        self._sink = sink
        self._crawl = crawl
        self._connect = connect
        self._say = say
        self._clock = clock
        self._said = ""
        self._most = _MOST
        self._is_ready = False
        self._is_begun = False
        self._standing = Standing(at=0.0, process=process)

    @property
    def standing(self) -> Standing:
        """How the sink stands, as this process knows it."""
        return self._now()

    def _skip(self, sentence: str) -> None:
        _logger.warning("%s", sentence)
        self._change(skipped=self._standing.skipped + 1, error=sentence, error_at=self._clock.now())

    async def run(self, leave: asyncio.Event) -> None:
        """Feed the sink until `leave` is set; the batch at hand is finished first.

        Raises:
            StateError: the server refuses a command, which is a fault of ours.
            TwittomaticError: what the sink raises, other than that it must wait; also when it begins.
        """
        # At once, so that a wrong setting is told where no crawl has begun yet.
        await _unless(leave, self._make_ready())
        delay_s = _FIRST_DELAY_S
        while not leave.is_set():
            try:
                async with self._connect() as connection, _hurried(connection, leave):
                    delay_s = _FIRST_DELAY_S
                    await self._follow(EventStream(connection, CrawlKeys(self._crawl)), leave)
            except StateUnavailable as error:
                if leave.is_set():
                    return
                self._tell(f"Waiting: {error}")
                await wait_event(leave, delay_s)
                delay_s = min(2 * delay_s, _LONGEST_DELAY_S)

    async def _follow(self, stream: EventStream, leave: asyncio.Event) -> None:
        name, process = self._sink.name, self._standing.process
        before = (await stream.standings()).get(name)
        if before:
            self._change(trimmed=before.trimmed)
        beating = asyncio.create_task(self._beat(stream))
        try:
            while not leave.is_set():
                if not self._is_ready:
                    await _unless(leave, self._make_ready())
                    if not self._is_ready:
                        await wait_event(leave, _RETRY_S)
                    continue
                delivery = await stream.follow(name, process, self._most)
                if delivery.holder:
                    self._tell(f"Standing by: {delivery.holder} feeds {name}.")
                    await wait_event(leave, _GLANCE_S)
                    continue
                if not delivery.is_begun:
                    self._tell(f"Waiting for the first event of crawl “{self._crawl}” ...")
                    await wait_event(leave, _GLANCE_S)
                    continue
                if not self._is_begun and self._sink.is_new:
                    await stream.go_to(name, Place())
                    self._is_begun = True
                    continue
                self._tell(f"{process} follows crawl “{self._crawl}”.")
                if delivery.trimmed:
                    self._miss(delivery.trimmed)
                if not delivery.events:
                    await _unless(leave, stream.wait(delivery.last, _WAIT_MS))
                elif await self._handle(delivery.events, leave):
                    reach("sink.handled")
                    await stream.acknowledge(name, delivery.events)
                    reach("sink.acknowledged")
        finally:
            await ended(beating)
            with suppress(StateError):
                await stream.say(name, self._now(doing=""), leaving=True)

    async def _make_ready(self) -> None:
        """Let the sink begin, unless it must wait."""
        try:
            await self._sink.begin()
            self._is_ready = True
        except (ReceiverUnavailable, StorageUnavailable) as error:
            self._wait_for(error)

    def _wait_for(self, error: TwittomaticError) -> None:
        self._change(error=str(error), error_at=self._clock.now())
        self._tell(f"Waiting: {error}")

    async def _handle(self, events: Sequence[Delivered], leave: asyncio.Event) -> bool:
        """Let the sink handle events, however often it takes; False when told to leave meanwhile."""
        delay_s = _FIRST_DELAY_S
        while True:
            began_at = self._clock.now()
            try:
                records = await self._sink.handle(events, self._skip)
            except (ReceiverUnavailable, StorageUnavailable) as error:
                self._wait_for(error)
                if await wait_event(leave, delay_s):
                    return False
                delay_s = min(2 * delay_s, _LONGEST_DELAY_S)
            else:
                took_s, standing = self._clock.now() - began_at, self._standing
                self._most = max(1, self._most // 2) if took_s > _LONG_S else min(2 * self._most, _MOST)
                self._change(events=standing.events + len(events), records=standing.records + records)
                return True

    def _miss(self, trimmed: int) -> None:
        name = self._sink.name
        sentence = (
            f"The oldest {trimmed:,} events of crawl “{self._crawl}” left the stream before {name} read "
            f"them; `twittomatic {name} --rebuild` reads from the dataset what they told of. "
            "What came later follows."
        )
        self._change(trimmed=self._standing.trimmed + trimmed, error=sentence, error_at=self._clock.now())
        _logger.error("%s", sentence)
        self._say(sentence)

    async def _beat(self, stream: EventStream) -> None:
        """Show every second how the sink stands, which also renews the claim to serve it."""
        while True:
            with suppress(StateError):  # who follows meets the same, and says so
                lag = (await stream.lags()).get(self._sink.name)
                if lag:
                    self._change(lag=lag.events, oldest_s=lag.oldest_s)
                await stream.say(self._sink.name, self._now())
            await asyncio.sleep(_BEAT_S)

    def _tell(self, sentence: str) -> None:
        if sentence != self._said:
            self._said = sentence
            self._change(doing=sentence)
            _logger.info("%s", sentence)
            self._say(sentence)

    def _change(self, **fields: object) -> None:
        self._standing = msgspec.structs.replace(self._standing, **fields)

    def _now(self, **fields: object) -> Standing:
        return msgspec.structs.replace(self._standing, at=self._clock.now(), **fields)


@asynccontextmanager
async def _hurried(connection: Connection, leave: asyncio.Event) -> AsyncIterator[None]:
    """Wait no longer for a server that is away, once told to leave."""

    async def hurry() -> None:
        await leave.wait()
        connection.patience_s = 0.0

    hurrying = asyncio.create_task(hurry())
    try:
        yield
    finally:
        await ended(hurrying)


async def _unless(leave: asyncio.Event, waiting: Coroutine[Any, Any, None]) -> None:
    """Wait for something, but no longer than until told to leave."""
    tasks = asyncio.create_task(waiting), asyncio.create_task(leave.wait())
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    if not tasks[0].cancelled():
        tasks[0].result()
