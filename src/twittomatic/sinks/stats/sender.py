"""What goes to Carbon while a crawl is recorded: kept while it is away, but never more than fits."""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress

from twittomatic.background import ended
from twittomatic.errors import ReceiverUnavailable
from twittomatic.sinks.stats.carbon import Carbon

MOST_LINES = 200_000  # 20 MB at most: an hour of a crawl with a few workers
_MOST_SENT = 60  # batches of one connection, whose clean end proves that they arrived; else they go again
_FIRST_DELAY_S, _LONGEST_DELAY_S = 0.5, 15.0
_PATIENCE_S = 30.0
_GOODBYE_S = 10.0  # for what still waits when the recording ends


class Sender:
    """Sends batches of lines to a Graphite server, in their order, whenever it is there.

    A batch may arrive twice, which changes nothing there: the same path at the same time has one value.

    Args:
        host: Of the server.
        port: Of its plaintext protocol.
        say: Told in one sentence when the server comes, goes, or loses something; once for each time.
        most_lines: How many are kept for it.

    Attributes:
        offered: Lines that were handed over in all.
        dropped: Of these, those that it will never get, the oldest that waited.
    """

    def __init__(
        self, host: str, port: int, say: Callable[[str], None], *, most_lines: int = MOST_LINES
    ) -> None:
        self._host = host
        self._port = port
        self._say = say
        self._most_lines = most_lines
        self._waiting: deque[Sequence[bytes]] = deque()
        self._sent: deque[Sequence[bytes]] = deque()  # sent, and not yet proved
        self._lines = 0  # that wait
        self._woken = asyncio.Event()
        self._is_ending = False
        self._is_away: bool | None = None  # until it is known
        self.offered = self.dropped = 0

    def offer(self, lines: Sequence[bytes]) -> None:
        """Hand a batch over; never waits."""
        self._waiting.append(lines)
        self.offered += len(lines)
        self._lines += len(lines)
        while self._lines > self._most_lines:
            lost = len(self._waiting.popleft())
            if not self.dropped:
                self._say(
                    f"{self._host}:{self._port} is away for too long: the oldest of {self._most_lines:,} "
                    "lines that wait for it are dropped; the file has them."
                )
            self._lines -= lost
            self.dropped += lost
        self._woken.set()

    async def run(self) -> None:
        """Send until `finish` is called; it tries once in any case."""
        delay_s = _FIRST_DELAY_S
        loop = asyncio.get_running_loop()
        while True:
            began_at = loop.time()
            try:
                await self._serve()
            except ReceiverUnavailable as error:
                self._miss(error)
                if self._is_ending:
                    return
            else:
                if self._is_ending and not self._waiting:
                    return
                continue
            if loop.time() - began_at > _LONGEST_DELAY_S:  # it was there
                delay_s = _FIRST_DELAY_S
            await self._rest(delay_s * random.uniform(0.5, 1.0))  # noqa: S311 - spreads reconnections
            if self._is_ending:
                return
            delay_s = min(2 * delay_s, _LONGEST_DELAY_S)

    async def finish(self, running: asyncio.Task[None]) -> int:
        """Send what still waits, if the server is there; return how many lines it may not have.

        Args:
            running: The task of `run`.
        """
        self._is_ending = True
        self._woken.set()
        done, _ = await asyncio.wait([running], timeout=_GOODBYE_S)
        if not done:
            await ended(running)
        return self.dropped + self._lines + sum(map(len, self._sent))

    async def _serve(self) -> None:
        carbon = await Carbon.connect(self._host, self._port, patience_s=_PATIENCE_S)
        gone = asyncio.create_task(carbon.ended())
        try:
            self._greet()
            while not gone.done():
                while self._waiting and len(self._sent) < _MOST_SENT:
                    await self._send(carbon)
                if self._is_ending or len(self._sent) >= _MOST_SENT:
                    break
                self._woken.clear()
                waking = asyncio.create_task(self._woken.wait())
                await asyncio.wait([gone, waking], return_when=asyncio.FIRST_COMPLETED)
                waking.cancel()
            if gone.done():
                raise ReceiverUnavailable(f"{self._host}:{self._port} closed the connection.")
            gone.cancel()
            with suppress(asyncio.CancelledError):
                await gone
            await carbon.finish()
            self._sent.clear()
        finally:
            gone.cancel()
            self._again()
            await carbon.close()

    async def _send(self, carbon: Carbon) -> None:
        lines = self._waiting.popleft()
        self._lines -= len(lines)
        self._sent.append(lines)
        await carbon.send(b"\n".join([*lines, b""]))

    def _again(self) -> None:
        """Put what was sent, and may not have arrived, back in front."""
        self._waiting.extendleft(reversed(self._sent))
        self._lines += sum(map(len, self._sent))
        self._sent.clear()

    def _greet(self) -> None:
        if self._is_away is not False:
            dropped = f" {self.dropped:,} lines were dropped in all." if self.dropped else ""
            self._say(f"What is measured goes to {self._host}:{self._port}.{dropped}")
        self._is_away = False

    def _miss(self, error: ReceiverUnavailable) -> None:
        if not self._is_away:
            self._say(f"{error} The recording goes on, and up to {self._most_lines:,} lines are kept for it.")
        self._is_away = True

    async def _rest(self, seconds: float) -> None:
        """Wait for a time, or until the end."""
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        while not self._is_ending and (left := until - loop.time()) > 0:
            self._woken.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._woken.wait(), left)
