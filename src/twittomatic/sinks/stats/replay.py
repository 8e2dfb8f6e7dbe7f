"""Replay of a recording into a Graphite server: as fast as possible, or at a multiple of real time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

import msgspec

from twittomatic.clock import Clock
from twittomatic.errors import CorruptFile, ReceiverUnavailable
from twittomatic.sinks.stats.carbon import Carbon
from twittomatic.sinks.stats.graphite import moved, timestamp
from twittomatic.sinks.stats.recording import Reader

_BATCH_LINES = 2_000
_CONNECTION_LINES = 50_000  # per connection, whose clean end confirms their delivery
_CONNECTION_S = 10.0  # the maximum duration of a connection, for slow replays
_TIMEOUT_S = 60.0
_Batch = list[tuple[bytes, int]]  # lines with their times; never empty


class Replayed(msgspec.Struct, frozen=True, kw_only=True):
    """The result of a replay.

    Attributes:
        sent: The number of lines confirmed by the server.
        skipped: The number of lines that are not Graphite lines.
        flaw: How the recording is truncated, empty if it is complete.
    """

    sent: int
    skipped: int
    flaw: str


class Replay:
    """Sends one recording.

    Args:
        path: The recording.
        host: The server's host.
        port: The port of its plaintext protocol.
        clock: The clock.
        speed: The multiple of real time; None for as fast as the server accepts it.
        shift_s: Seconds to add to every timestamp.
        progress: Receives the bytes read, the size of the file, and the number of lines sent.
        timeout_s: How long the server may make no progress.
    """

    def __init__(
        self,
        path: Path,
        *,
        host: str,
        port: int,
        clock: Clock,
        speed: float | None = None,
        shift_s: int = 0,
        progress: Callable[[int, int, int], None] = lambda read, size, sent: None,
        timeout_s: float = _TIMEOUT_S,
    ) -> None:
        self._reader = Reader(path)
        self._host = host
        self._port = port
        self._clock = clock
        self._speed = speed
        self._shift_s = shift_s
        self._progress = progress
        self._timeout_s = timeout_s
        self._skipped = 0
        self._began: tuple[float, int] | None = None  # our clock, and the first timestamp
        self._confirmed = self._unconfirmed = 0

    async def run(self) -> Replayed:
        """Send the recording from its beginning, as far as it is readable.

        Raises:
            ReceiverUnavailable: The server is unavailable; the message says how much was confirmed.
            CorruptFile: The file is not a recording, or is damaged; everything before the damage was sent.
            StorageUnavailable: The file cannot be read.
        """
        batches = self._batches()
        try:
            batch = await asyncio.to_thread(next, batches, None)
            while batch is not None:
                await self._clock.sleep(self._early_s(batch))
                batch = await self._connection(batch, batches)
        except ReceiverUnavailable as error:
            raise ReceiverUnavailable(f"{error} {self._delivered()}") from None
        reader = self._reader
        if reader.flaw and not reader.is_cut:
            server = f"{self._host}:{self._port}"
            raise CorruptFile(f"{reader.path}: {reader.flaw}; {server} has {self._confirmed:,} lines of it.")
        if self._skipped and not self._confirmed:
            raise CorruptFile(f"{reader.path}: is not a recording; it holds no Graphite lines.")
        return Replayed(sent=self._confirmed, skipped=self._skipped, flaw=reader.flaw)

    def _delivered(self) -> str:
        """Return a sentence about what an unavailable server has received."""
        if not self._confirmed + self._unconfirmed:
            return f"Nothing of {self._reader.path} was sent."
        more = f"; {self._unconfirmed:,} more were sent but not confirmed" if self._unconfirmed else ""
        return (
            f"Graphite confirmed the first {self._confirmed:,} lines of {self._reader.path}{more}. "
            "The same command sends all of them again, which is harmless."
        )

    async def _connection(self, batch: _Batch, batches: Iterator[_Batch]) -> _Batch | None:
        """Send some batches over one connection; return the first that did not fit, or None at the end."""
        carbon = await Carbon.connect(self._host, self._port, timeout_s=self._timeout_s)
        following: _Batch | None = batch
        began_at = self._clock.now()
        try:
            while (
                following is not None
                and self._unconfirmed < _CONNECTION_LINES
                and self._clock.now() + self._early_s(following) - began_at < _CONNECTION_S
            ):
                await self._clock.sleep(self._early_s(following))
                self._unconfirmed += len(following)
                await carbon.send(b"".join([b"%b\n" % self._written(line) for line, _ in following]))
                self._progress(self._reader.read, self._reader.size, self._confirmed + self._unconfirmed)
                following = await asyncio.to_thread(next, batches, None)
            await carbon.finish()
        finally:
            await carbon.close()
        self._confirmed, self._unconfirmed = self._confirmed + self._unconfirmed, 0
        return following

    def _written(self, line: bytes) -> bytes:
        return moved(line, self._shift_s) if self._shift_s else line

    def _early_s(self, batch: _Batch) -> float:
        """Return the seconds until a batch is due."""
        if self._speed is None:
            return 0.0
        now, at = self._clock.now(), batch[0][1]
        if self._began is None:
            self._began = now, at
        began_at, first = self._began
        return max(0.0, began_at + (at - first) / self._speed - now)

    def _batches(self) -> Iterator[_Batch]:
        """Yield lines with their times; in a paced replay, one second per batch."""
        lines = self._timed()
        if self._speed is None:
            while batch := list(islice(lines, _BATCH_LINES)):
                yield batch
            return
        batch = []
        for line, at in lines:
            if batch and at != batch[0][1]:
                yield batch
                batch = []
            batch.append((line, at))
        if batch:
            yield batch

    def _timed(self) -> Iterator[tuple[bytes, int]]:
        for line in self._reader.lines():
            at = timestamp(line)
            if at is None:
                self._skipped += 1
            else:
                yield line, at


def shift_to_now(path: Path, now: float, speed: float | None) -> int:
    """Return the seconds to add to each timestamp, so that the last point is current when it is sent.

    Args:
        path: The recording.
        now: When the replay begins, in seconds since the epoch.
        speed: The speed of the replay; None for as fast as possible.

    Raises:
        CorruptFile: The file is not a recording.
        StorageUnavailable: The file cannot be read.
    """
    first = last = None
    for at in map(timestamp, Reader(path).lines()):
        if at is not None:
            first = at if first is None else first
            last = at if last is None else max(last, at)
    if first is None or last is None:
        return 0
    lasts_s = (last - first) / speed if speed else 0.0
    return int(now + lasts_s) - last
