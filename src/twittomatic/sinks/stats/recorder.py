"""Recording a crawl: a look a second, a member of the file every ten, and Carbon beside it."""

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

_MEMBER_S = 10.0  # what a kill can cost
_PATIENCE_S = 2.0  # for a state server that is away, until it is said
_GLANCE_S = 1.0  # while there is nothing to look at


class Recorded(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a recording.

    Attributes:
        seconds: How often the crawl was looked at.
        lines: How many lines the file got.
        missed: Of these, those that Carbon may not have.
    """

    seconds: int
    lines: int
    missed: int


class Recorder:
    """Looks at a crawl once a second, until it is told to leave.

    Args:
        crawl: Its name.
        recording: Open, of this process.
        feeding: To Carbon.
        connect: Opens a connection to the crawl's state, for a block.
        clock: Gives the timestamps.
        say: Told in one sentence what it waits for.
    """

    def __init__(
        self,
        *,
        crawl: str,
        recording: Recording,
        feeding: Sender,
        connect: Callable[[], AbstractAsyncContextManager[Connection]],
        clock: Clock,
        say: Callable[[str], None],
    ) -> None:
        self._crawl = crawl
        self._recording = recording
        self._feeding = feeding
        self._connect = connect
        self._clock = clock
        self._say = say
        self._said = ""
        self._lines: list[bytes] = []
        self._seconds = self._written = self._last_at = 0
        self._is_ending = False
        self._ending = asyncio.Event()  # nothing more comes

    async def run(self, leave: asyncio.Event) -> Recorded:
        """Record until `leave` is set; the file has everything then.

        Raises:
            StorageUnavailable: the file cannot be written any more.
        """
        looking = asyncio.create_task(self._look())
        writing = asyncio.create_task(self._write())
        feeding = asyncio.create_task(self._feeding.run())
        leaving = asyncio.create_task(leave.wait())
        try:
            await asyncio.wait([looking, writing, leaving], return_when=asyncio.FIRST_COMPLETED)
        finally:
            leaving.cancel()
            self._is_ending = True
            looking.cancel()
            await asyncio.wait([looking])
            self._ending.set()
            results = await asyncio.gather(looking, writing, return_exceptions=True)
            missed = await self._feeding.finish(feeding)
        for result in results:
            if isinstance(result, Exception):
                raise result
        return Recorded(seconds=self._seconds, lines=self._written, missed=missed)

    async def _look(self) -> None:
        """Look until it is cancelled; before Python 3.12 a client that waits can lose a cancellation."""
        while not self._is_ending:
            try:
                async with self._connect() as connection:
                    connection.patience_s = _PATIENCE_S
                    await self._follow(connection)
            except StateError as error:
                self._tell(f"{error} Waiting for it ...")
            await self._clock.sleep(_GLANCE_S)

    async def _follow(self, connection: Connection) -> None:
        lines = Lines()
        while not self._is_ending:
            now = self._clock.now()
            await self._clock.sleep(1 - now % 1)  # so that each second has its own look
            at = int(self._clock.now())
            if at <= self._last_at:  # a clock that was set back
                continue
            status = await read_status(connection, self._crawl, windows=True)
            if not status.is_begun:
                self._tell(f"Waiting for crawl “{self._crawl}” to begin ...")
                continue
            self._tell(f"Crawl “{self._crawl}” is {status.phase}; recording.")
            self._take(lines.of(status, at), at)

    def _take(self, lines: list[bytes], at: int) -> None:
        self._last_at = at
        self._seconds += 1
        self._lines += lines
        self._feeding.offer(lines)

    async def _write(self) -> None:
        """Write a member every ten seconds, and what is left at the end."""
        while True:
            await wait_event(self._ending, _MEMBER_S)
            lines, self._lines = self._lines, []
            if lines:
                await asyncio.to_thread(self._recording.append, lines)
                self._written += len(lines)
            if self._ending.is_set():
                return

    def _tell(self, sentence: str) -> None:
        """Say what is new, and only that."""
        if sentence != self._said:
            self._said = sentence
            self._say(sentence)
