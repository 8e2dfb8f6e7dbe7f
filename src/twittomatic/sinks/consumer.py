"""Feeds a sink with the events of a crawl: connect, read, hand over, acknowledge.

An event is acknowledged only after the sink has processed it durably, so a process killed at any point gets
the same events again. While the crawl's server is unavailable or not started yet, the consumer waits; while
the sink's receiver is unavailable, it retries the same events. The crawl is never affected.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from itertools import islice
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
from twittomatic.state.stream import EventStream, Position, SinkReport, StreamEvent

_MAX_EVENTS = 64  # per batch: what is processed again after a kill
_LONG_S = 2.0  # a batch that takes longer is followed by a smaller one, since a signal waits for its end
_WAIT_MS = 1_000  # for a new event
_POLL_S = 0.5  # while there is no stream, or another process serves the sink
_HEARTBEAT_S = 1.0
_BLOCKED_S = 5.0  # by which a heartbeat may be late; a claim ends after 3 s
_RETRY_S = 1.0  # while the sink is not ready
_FIRST_DELAY_S, _MAX_DELAY_S = 0.25, 10.0
_logger = logging.getLogger(__name__)

BUILT_IN = ("indexer", "lookup", "stats")
"""The sinks with commands of their own, because each has more options than a sink of another distribution."""


class Sink(Protocol):
    """A consumer of a crawl's events. One process serves it at a time.

    A class that inherits from this one needs only `name` and `handle`.
    """

    @property
    def name(self) -> str:
        """The name in `status`, in messages, and of the consumer group."""
        ...

    @property
    def is_new(self) -> bool:
        """Whether the sink is empty, and so reads the whole stream, whatever was acknowledged."""
        return False

    async def begin(self) -> None:
        """Prepare for the first event. Called again after a failure, so it must be idempotent.

        Raises:
            ReceiverUnavailable: The receiver is unavailable; the call is retried.
            StorageUnavailable: A file cannot be read or written; the call is retried.
        """
        return

    async def handle(self, events: Sequence[StreamEvent], skip: Callable[[str], None]) -> int:
        """Process events in order and durably; delivery is at least once.

        Args:
            events: At most a few dozen. Unknown events have `event` None.
            skip: Report in one sentence a file that cannot be read, as `new_pages` does; from any thread.

        Returns:
            The number of records processed.

        Raises:
            ReceiverUnavailable: The receiver is unavailable; the same events are retried.
            StorageUnavailable: A file cannot be read or written; the same events are retried.
        """
        ...

    async def close(self) -> None:
        """Release resources after the last event."""
        return


class Consumer:
    """Feeds a sink with the events of a crawl.

    Args:
        sink: The sink.
        crawl: The crawl's name.
        process: A unique name of this process.
        connect: Connects to the crawl's state server.
        say: Receives one sentence whenever something changes that the user should know.
        clock: The clock.
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
        self._batch_size = _MAX_EVENTS
        self._is_ready = False
        self._is_begun = False
        self._report = SinkReport(at=0.0, process=process)

    @property
    def report(self) -> SinkReport:
        """The sink's present report, as this process knows it."""
        return self._now()

    def _skip(self, sentence: str) -> None:
        _logger.warning("%s", sentence)
        self._change(skipped=self._report.skipped + 1, error=sentence, error_at=self._clock.now())

    async def run(self, leave: asyncio.Event) -> None:
        """Feed the sink until `leave` is set; the current batch is finished first.

        Raises:
            StateError: The server refuses a command, which is a bug of ours.
            TwittomaticError: The sink or its preparation failed in a way that waiting does not fix.
        """
        # Before connecting, so that a wrong setting is reported even if no crawl has begun yet.
        await _unless(leave, self._make_ready())
        delay_s = _FIRST_DELAY_S
        while not leave.is_set():
            try:
                async with self._connect() as connection, _without_patience(connection, leave):
                    delay_s = _FIRST_DELAY_S
                    await self._follow(EventStream(connection, CrawlKeys(self._crawl)), leave)
            except StateUnavailable as error:
                if leave.is_set():
                    return
                self._announce(f"Waiting: {error}")
                await wait_event(leave, delay_s)
                delay_s = min(2 * delay_s, _MAX_DELAY_S)

    async def rebuild(
        self, events: Iterable[StreamEvent], leave: asyncio.Event, *, has_crawl: bool = True
    ) -> bool:
        """Feed the sink with events made from the dataset, then let it continue where the stream is now.

        Args:
            events: One for each file (see `dataset_events`), read in a thread.
            leave: Stops the rebuild after the current batch.
            has_crawl: Whether there is a crawl with a stream; without one, the dataset is enough.

        Returns:
            False if `leave` was set before the end; the sink's position in the stream is then unchanged.

        Raises:
            StateUnavailable: The crawl's server is unavailable; a rebuild does not wait for it.
            TwittomaticError: Another process serves the sink, or the sink failed.
        """
        name = self._sink.name
        while not self._is_ready:
            await _unless(leave, self._make_ready())
            if not self._is_ready and await wait_event(leave, _RETRY_S):
                return False
        if not has_crawl:
            return await self._feed(events, leave)
        async with self._connect() as connection:
            stream = EventStream(connection, CrawlKeys(self._crawl))
            end = await stream.end()
            self._change(doing="Rebuilding.")
            if not await stream.report(name, self._now()):
                raise TwittomaticError(f"Another process feeds {name}; end it before the rebuild.")
            heartbeat = asyncio.create_task(self._heartbeat(stream))
            try:
                done = await self._feed(events, leave)
                if done:
                    await stream.seek(name, end)
                return done
            finally:
                await ended(heartbeat)
                with suppress(StateError):
                    await stream.report(name, self._now(doing="", lag=0, oldest_s=0.0), leaving=True)

    async def _feed(self, events: Iterable[StreamEvent], leave: asyncio.Event) -> bool:
        remaining = iter(events)
        while batch := await asyncio.to_thread(lambda: list(islice(remaining, self._batch_size))):
            if leave.is_set() or not await self._handle(batch, leave):
                return False
        return True

    async def _follow(self, stream: EventStream, leave: asyncio.Event) -> None:
        name, process = self._sink.name, self._report.process
        before = (await stream.sink_reports()).get(name)
        if before:
            self._change(trimmed=before.trimmed)
        heartbeat = asyncio.create_task(self._heartbeat(stream))
        watching = asyncio.create_task(self._watch())
        try:
            while not leave.is_set():
                if not self._is_ready:
                    await _unless(leave, self._make_ready())
                    if not self._is_ready:
                        await wait_event(leave, _RETRY_S)
                    continue
                delivery = await stream.follow(name, process, self._batch_size)
                if delivery.holder:
                    self._announce(f"Standing by: {delivery.holder} feeds {name}.")
                    await wait_event(leave, _POLL_S)
                    continue
                if not delivery.is_begun:
                    self._announce(f"Waiting for the first event of crawl “{self._crawl}” ...")
                    await wait_event(leave, _POLL_S)
                    continue
                if not self._is_begun and self._sink.is_new:
                    await stream.seek(name, Position())
                    self._is_begun = True
                    continue
                self._announce(f"{process} follows crawl “{self._crawl}”.")
                if delivery.trimmed:
                    self._report_missed(delivery.trimmed)
                if not delivery.events:
                    await _unless(leave, stream.wait(delivery.last, _WAIT_MS))
                elif await self._handle(delivery.events, leave):
                    reach("sink.handled")
                    await stream.acknowledge(name, delivery.events)
                    reach("sink.acknowledged")
        finally:
            await ended(watching)
            await ended(heartbeat)
            with suppress(StateError):
                await stream.report(name, self._now(doing=""), leaving=True)

    async def _make_ready(self) -> None:
        """Call the sink's `begin` once; if it must wait, say so and leave it to the caller to retry."""
        try:
            await self._sink.begin()
            self._is_ready = True
        except (ReceiverUnavailable, StorageUnavailable) as error:
            self._announce_wait(error)

    def _announce_wait(self, error: TwittomaticError) -> None:
        self._change(error=str(error), error_at=self._clock.now())
        self._announce(f"Waiting: {error}")

    async def _handle(self, events: Sequence[StreamEvent], leave: asyncio.Event) -> bool:
        """Hand events to the sink, retrying as long as it must wait; return False if `leave` was set."""
        delay_s = _FIRST_DELAY_S
        while True:
            began_at = self._clock.now()
            try:
                records = await self._sink.handle(events, self._skip)
            except (ReceiverUnavailable, StorageUnavailable) as error:
                self._announce_wait(error)
                if await wait_event(leave, delay_s):
                    return False
                delay_s = min(2 * delay_s, _MAX_DELAY_S)
            else:
                took_s, report, size = self._clock.now() - began_at, self._report, self._batch_size
                self._batch_size = max(1, size // 2) if took_s > _LONG_S else min(2 * size, _MAX_EVENTS)
                self._change(events=report.events + len(events), records=report.records + records)
                return True

    def _report_missed(self, trimmed: int) -> None:
        name = self._sink.name
        sentence = (
            f"The oldest {trimmed:,} events of crawl “{self._crawl}” left the stream before {name} read "
            f"them; `{rebuild_command(name)}` reads the missed records from the dataset. Later events follow."
        )
        self._change(trimmed=self._report.trimmed + trimmed, error=sentence, error_at=self._clock.now())
        _logger.error("%s", sentence)
        self._say(sentence)

    async def _heartbeat(self, stream: EventStream) -> None:
        """Report the sink's progress every second, which also renews the claim to serve it."""
        while True:
            with suppress(StateError):  # the main task meets the same error and reports it
                lag = (await stream.lags()).get(self._sink.name)
                if lag:
                    self._change(lag=lag.events, oldest_s=lag.oldest_s)
                await stream.report(self._sink.name, self._now())
            await asyncio.sleep(_HEARTBEAT_S)

    async def _watch(self) -> None:
        """Report when the sink blocks the event loop, so that no heartbeat could renew the claim."""
        while True:
            before = time.monotonic()
            await asyncio.sleep(_HEARTBEAT_S)
            blocked_s = time.monotonic() - before - _HEARTBEAT_S
            if blocked_s > _BLOCKED_S:
                sentence = (
                    f"{self._sink.name} blocked its process for {blocked_s:.0f} s, so another may have "
                    "taken over; it should call what blocks in a thread, with asyncio.to_thread."
                )
                self._change(error=sentence, error_at=self._clock.now())
                _logger.warning("%s", sentence)
                self._say(sentence)

    def _announce(self, sentence: str) -> None:
        if sentence != self._said:
            self._said = sentence
            self._change(doing=sentence)
            _logger.info("%s", sentence)
            self._say(sentence)

    def _change(self, **fields: object) -> None:
        self._report = msgspec.structs.replace(self._report, **fields)

    def _now(self, **fields: object) -> SinkReport:
        return msgspec.structs.replace(self._report, at=self._clock.now(), **fields)


def rebuild_command(name: str) -> str:
    """Return the command that rebuilds a sink from the dataset."""
    return f"twittomatic {name if name in BUILT_IN else f'sink {name}'} --rebuild"


@asynccontextmanager
async def _without_patience(connection: Connection, leave: asyncio.Event) -> AsyncIterator[None]:
    """Stop waiting for an unavailable server as soon as `leave` is set."""

    async def watch() -> None:
        await leave.wait()
        connection.patience_s = 0.0

    watching = asyncio.create_task(watch())
    try:
        yield
    finally:
        await ended(watching)


async def _unless(leave: asyncio.Event, waiting: Coroutine[Any, Any, None]) -> None:
    """Wait for a coroutine, but no longer than until `leave` is set."""
    tasks = asyncio.create_task(waiting), asyncio.create_task(leave.wait())
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    if not tasks[0].cancelled():
        tasks[0].result()
