"""Records a crawl: one sample per second, a gzip member every ten seconds, and the same lines to Carbon."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

import msgspec

from twittomatic.clock import Clock, wait_event
from twittomatic.errors import StateError
from twittomatic.sinks.stats.graphite import Lines
from twittomatic.sinks.stats.recording import Recording
from twittomatic.sinks.stats.sender import Sender
from twittomatic.state.connection import Connection
from twittomatic.state.status import read_status

_MEMBER_S = 10.0  # what a kill can lose
_PATIENCE_S = 2.0  # with an unavailable state server, before a message is printed
_RETRY_S = 1.0


class Recorded(msgspec.Struct, frozen=True, kw_only=True):
    """The result of a recording.

    Attributes:
        seconds: The number of samples.
        lines: The number of lines written to the file.
        missed: The number of those that Carbon may not have.
    """

    seconds: int
    lines: int
    missed: int


class Recorder:
    """Samples a crawl once a second.

    Args:
        crawl: The crawl's name.
        recording: The open recording.
        sender: Sends the lines to Carbon.
        connect: Connects to the crawl's state server.
        clock: The clock, for timestamps.
        say: Receives one sentence whenever there is something new to wait for.
    """

    def __init__(
        self,
        *,
        crawl: str,
        recording: Recording,
        sender: Sender,
        connect: Callable[[], AbstractAsyncContextManager[Connection]],
        clock: Clock,
        say: Callable[[str], None],
    ) -> None:
        self._crawl = crawl
        self._recording = recording
        self._sender = sender
        self._connect = connect
        self._clock = clock
        self._say = say
        self._said = ""
        self._lines: list[bytes] = []
        self._seconds = self._written = self._last_at = 0
        self._is_ending = False
        self._ending = asyncio.Event()  # set after the last sample

    async def run(self, leave: asyncio.Event) -> Recorded:
        """Record until `leave` is set; all samples are in the file on return.

        Raises:
            StorageUnavailable: The file can no longer be written.
        """
        sampling = asyncio.create_task(self._sample())
        writing = asyncio.create_task(self._write())
        sending = asyncio.create_task(self._sender.run())
        leaving = asyncio.create_task(leave.wait())
        try:
            await asyncio.wait([sampling, writing, leaving], return_when=asyncio.FIRST_COMPLETED)
        finally:
            leaving.cancel()
            self._is_ending = True
            sampling.cancel()
            await asyncio.wait([sampling])
            self._ending.set()
            results = await asyncio.gather(sampling, writing, return_exceptions=True)
            missed = await self._sender.finish(sending)
        for result in results:
            if isinstance(result, Exception):
                raise result
        return Recorded(seconds=self._seconds, lines=self._written, missed=missed)

    async def _sample(self) -> None:
        """Sample until cancelled; `_is_ending` is checked as well, because before Python 3.12 a client that
        waits can lose a cancellation."""
        while not self._is_ending:
            try:
                async with self._connect() as connection:
                    connection.patience_s = _PATIENCE_S
                    await self._follow(connection)
            except StateError as error:
                self._announce(f"{error} Waiting for it ...")
            await self._clock.sleep(_RETRY_S)

    async def _follow(self, connection: Connection) -> None:
        lines = Lines()
        while not self._is_ending:
            now = self._clock.now()
            await self._clock.sleep(1 - now % 1)  # one sample in each second of the clock
            at = int(self._clock.now())
            if at <= self._last_at:  # the clock was set back
                continue
            status = await read_status(connection, self._crawl, windows=True)
            if not status.is_begun:
                self._announce(f"Waiting for crawl “{self._crawl}” to begin ...")
                continue
            self._announce(f"Crawl “{self._crawl}” is {status.phase}; recording.")
            self._take(lines.of(status, at), at)

    def _take(self, lines: list[bytes], at: int) -> None:
        self._last_at = at
        self._seconds += 1
        self._lines += lines
        self._sender.offer(lines)

    async def _write(self) -> None:
        """Write a member every ten seconds, and the rest at the end."""
        while True:
            await wait_event(self._ending, _MEMBER_S)
            lines, self._lines = self._lines, []
            if lines:
                await asyncio.to_thread(self._recording.append, lines)
                self._written += len(lines)
            if self._ending.is_set():
                return

    def _announce(self, sentence: str) -> None:
        """Say a sentence unless it was the last one."""
        if sentence != self._said:
            self._said = sentence
            self._say(sentence)
