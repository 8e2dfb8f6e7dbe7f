"""Buffered sender to Carbon: keeps lines while the server is unavailable, up to a limit."""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress

from twittomatic.background import ended
from twittomatic.errors import ReceiverUnavailable
from twittomatic.sinks.stats.carbon import Carbon

MAX_LINES = 200_000  # 20 MB at most: an hour of a crawl with a few workers
_MAX_UNCONFIRMED = 60  # batches per connection; its clean end confirms them, otherwise they are sent again
_FIRST_DELAY_S, _MAX_DELAY_S = 0.5, 15.0
_TIMEOUT_S = 30.0
_FINISH_S = 10.0  # for lines that are still waiting when the recording ends


class Sender:
    """Sends batches of lines to a Graphite server in order, whenever it is available.

    A batch may arrive twice, which is harmless: a path has one value at a time.

    Args:
        host: The server's host.
        port: The port of its plaintext protocol.
        say: Receives one sentence whenever the server becomes available or unavailable, or lines are dropped.
        max_lines: The maximum number of waiting lines.

    Attributes:
        offered: The total number of lines offered.
        dropped: The number of those that were dropped, the oldest waiting ones.
    """

    def __init__(
        self, host: str, port: int, say: Callable[[str], None], *, max_lines: int = MAX_LINES
    ) -> None:
        self._host = host
        self._port = port
        self._say = say
        self._max_lines = max_lines
        self._waiting: deque[Sequence[bytes]] = deque()
        self._unconfirmed: deque[Sequence[bytes]] = deque()
        self._lines = 0  # in `_waiting`
        self._wakeup = asyncio.Event()
        self._is_ending = False
        self._is_away: bool | None = None  # unknown at first
        self.offered = self.dropped = 0

    def offer(self, lines: Sequence[bytes]) -> None:
        """Add a batch; never waits."""
        self._waiting.append(lines)
        self.offered += len(lines)
        self._lines += len(lines)
        while self._lines > self._max_lines:
            lost = len(self._waiting.popleft())
            if not self.dropped:
                self._say(
                    f"{self._host}:{self._port} has been unavailable for too long: the oldest of "
                    f"{self._max_lines:,} waiting lines are dropped; the file has them."
                )
            self._lines -= lost
            self.dropped += lost
        self._wakeup.set()

    async def run(self) -> None:
        """Send until `finish` is called, after at least one attempt."""
        delay_s = _FIRST_DELAY_S
        loop = asyncio.get_running_loop()
        while True:
            began_at = loop.time()
            try:
                await self._serve()
            except ReceiverUnavailable as error:
                self._announce_loss(error)
                if self._is_ending:
                    return
            else:
                if self._is_ending and not self._waiting:
                    return
                continue
            if loop.time() - began_at > _MAX_DELAY_S:  # the connection had worked
                delay_s = _FIRST_DELAY_S
            await self._sleep(delay_s * random.uniform(0.5, 1.0))  # noqa: S311 - spreads reconnections
            if self._is_ending:
                return
            delay_s = min(2 * delay_s, _MAX_DELAY_S)

    async def finish(self, running: asyncio.Task[None]) -> int:
        """Send all waiting lines if the server is available; return how many lines it may not have.

        Args:
            running: The task of `run`.
        """
        self._is_ending = True
        self._wakeup.set()
        done, _ = await asyncio.wait([running], timeout=_FINISH_S)
        if not done:
            await ended(running)
        return self.dropped + self._lines + sum(map(len, self._unconfirmed))

    async def _serve(self) -> None:
        carbon = await Carbon.connect(self._host, self._port, timeout_s=_TIMEOUT_S)
        gone = asyncio.create_task(carbon.ended())
        try:
            self._announce_connection()
            while not gone.done():
                while self._waiting and len(self._unconfirmed) < _MAX_UNCONFIRMED:
                    await self._send(carbon)
                if self._is_ending or len(self._unconfirmed) >= _MAX_UNCONFIRMED:
                    break
                self._wakeup.clear()
                waking = asyncio.create_task(self._wakeup.wait())
                await asyncio.wait([gone, waking], return_when=asyncio.FIRST_COMPLETED)
                waking.cancel()
            if gone.done():
                raise ReceiverUnavailable(f"{self._host}:{self._port} closed the connection.")
            gone.cancel()
            with suppress(asyncio.CancelledError):
                await gone
            await carbon.finish()
            self._unconfirmed.clear()
        finally:
            gone.cancel()
            self._requeue()
            await carbon.close()

    async def _send(self, carbon: Carbon) -> None:
        lines = self._waiting.popleft()
        self._lines -= len(lines)
        self._unconfirmed.append(lines)
        await carbon.send(b"\n".join([*lines, b""]))

    def _requeue(self) -> None:
        """Put unconfirmed batches back in front."""
        self._waiting.extendleft(reversed(self._unconfirmed))
        self._lines += sum(map(len, self._unconfirmed))
        self._unconfirmed.clear()

    def _announce_connection(self) -> None:
        if self._is_away is not False:
            dropped = f" {self.dropped:,} lines were dropped in total." if self.dropped else ""
            self._say(f"Sending the measurements to {self._host}:{self._port}.{dropped}")
        self._is_away = False

    def _announce_loss(self, error: ReceiverUnavailable) -> None:
        if not self._is_away:
            self._say(f"{error} Recording continues; up to {self._max_lines:,} lines are kept for it.")
        self._is_away = True

    async def _sleep(self, seconds: float) -> None:
        """Wait for a time, or until `finish` is called."""
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        while not self._is_ending and (left := until - loop.time()) > 0:
            self._wakeup.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wakeup.wait(), left)
