"""Sending a recording to a Graphite server: as fast as it takes it, or in the time in which it was made."""

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

_LINES = 2_000  # on their way in one go
_CONNECTION_LINES = 50_000  # of one connection, whose clean end proves that they arrived
_CONNECTION_S = 10.0  # or so long, when it is slow
_PATIENCE_S = 60.0
_Batch = list[tuple[bytes, int]]  # lines with their times, never none


class Replayed(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a replay.

    Attributes:
        sent: Lines that the server surely has.
        skipped: Lines that are none of Graphite's.
        flaw: Where the recording is cut off, empty where it is whole.
    """

    sent: int
    skipped: int
    flaw: str


class Replay:
    """Sends one recording.

    Args:
        path: Of the recording.
        host: Of the server.
        port: Of its plaintext protocol.
        clock: Waits.
        speed: Times real time, None for as fast as the server takes it.
        shift_s: Added to every timestamp.
        progress: Told how many bytes of the file are behind it, of how many, and how many lines are sent.
        patience_s: How long the server may take nothing.
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
        patience_s: float = _PATIENCE_S,
    ) -> None:
        self._reader = Reader(path)
        self._host = host
        self._port = port
        self._clock = clock
        self._speed = speed
        self._shift_s = shift_s
        self._progress = progress
        self._patience_s = patience_s
        self._skipped = 0
        self._began: tuple[float, int] | None = None  # our clock, and the first timestamp
        self._sure = self._unsure = 0

    async def run(self) -> Replayed:
        """Send it from its beginning, as far as it can be read.

        Raises:
            ReceiverUnavailable: the server is away or goes; the sentence says how much it surely has.
            CorruptFile: the file is no recording, or damaged; what stands before that was sent.
            StorageUnavailable: the file cannot be read.
        """
        batches = self._batches()
        try:
            batch = await asyncio.to_thread(next, batches, None)
            while batch is not None:
                await self._clock.sleep(self._early_s(batch))
                batch = await self._connection(batch, batches)
        except ReceiverUnavailable as error:
            raise ReceiverUnavailable(f"{error} {self._reached()}") from None
        reader = self._reader
        if reader.flaw and not reader.is_cut:
            raise CorruptFile(
                f"{reader.path}: {reader.flaw}; {self._host}:{self._port} has {self._sure:,} lines of it."
            )
        if self._skipped and not self._sure:
            raise CorruptFile(f"{reader.path}: is no recording; it holds no line of Graphite's.")
        return Replayed(sent=self._sure, skipped=self._skipped, flaw=reader.flaw)

    def _reached(self) -> str:
        """Say how much a server that is gone has."""
        if not self._sure + self._unsure:
            return f"Nothing of {self._reader.path} was sent."
        more = f"; of {self._unsure:,} more this is not known" if self._unsure else ""
        return (
            f"It surely has the first {self._sure:,} lines of {self._reader.path}{more}. "
            "The same command sends all of them again, which changes nothing there."
        )

    async def _connection(self, batch: _Batch, batches: Iterator[_Batch]) -> _Batch | None:
        """Send some batches over one connection; return the first that did not fit, None at the end."""
        carbon = await Carbon.connect(self._host, self._port, patience_s=self._patience_s)
        following: _Batch | None = batch
        began_at = self._clock.now()
        try:
            while (
                following is not None
                and self._unsure < _CONNECTION_LINES
                and self._clock.now() + self._early_s(following) - began_at < _CONNECTION_S
            ):
                await self._clock.sleep(self._early_s(following))
                self._unsure += len(following)
                await carbon.send(b"".join([b"%b\n" % self._written(line) for line, _ in following]))
                self._progress(self._reader.read, self._reader.size, self._sure + self._unsure)
                following = await asyncio.to_thread(next, batches, None)
            await carbon.finish()
        finally:
            await carbon.close()
        self._sure, self._unsure = self._sure + self._unsure, 0
        return following

    def _written(self, line: bytes) -> bytes:
        return moved(line, self._shift_s) if self._shift_s else line

    def _early_s(self, batch: _Batch) -> float:
        """Return the seconds until the moment of a batch has come."""
        if self._speed is None:
            return 0.0
        now, at = self._clock.now(), batch[0][1]
        if self._began is None:
            self._began = now, at
        began_at, first = self._began
        return max(0.0, began_at + (at - first) / self._speed - now)

    def _batches(self) -> Iterator[_Batch]:
        """Yield lines with their times; when they are paced, those of one second at a time."""
        lines = self._timed()
        if self._speed is None:
            while batch := list(islice(lines, _LINES)):
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
    """Return the seconds to add to each time of a recording, so that its last point is new when it is sent.

    Args:
        path: Of the recording.
        now: When the replay begins, seconds since the epoch.
        speed: Of the replay, None for as fast as can be.

    Raises:
        CorruptFile: the file is no recording.
        StorageUnavailable: it cannot be read.
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
