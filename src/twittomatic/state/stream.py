"""The event stream of a crawl, and each sink's position in it.

A sink is a consumer group with one consumer, both named after it. So what it read and did not acknowledge is
delivered again, in order, to the process that serves it then. One process serves a sink at a time, by a claim
that it renews; the others stand by.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
from redis.exceptions import RedisError

from twittomatic.model import NO_JSON
from twittomatic.state.connection import Connection, passes
from twittomatic.state.events import Event, decode, encode
from twittomatic.state.keys import CrawlKeys
from twittomatic.state.redis_errors import refusal

_MOST_EVENTS = 100_000  # as the scripts keep: a few hundred bytes each
_CLAIM_MS = 3_000  # renewed every second


class StreamEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An event as it is delivered to a sink.

    Attributes:
        entry: Its id in the stream, `<ms since the epoch>-<number>`.
        event: The event; None for a type that this version does not know.
    """

    entry: str
    event: Event | None

    @property
    def at(self) -> float:
        """When it was written, seconds since the epoch, by the server's clock."""
        return int(self.entry.partition("-")[0]) / 1000


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to a sink that asks for events.

    Attributes:
        events: In order; none when there are no new ones.
        trimmed: How many left the stream since the sink last asked, before they were delivered.
        last: The newest entry of the stream, for `wait`.
        holder: The process that serves the sink, empty where it is the caller.
        is_begun: Whether the stream exists: it does from the first event on.
    """

    events: Sequence[StreamEvent] = ()
    trimmed: int = 0
    last: str = ""
    holder: str = ""
    is_begun: bool = True


class Position(msgspec.Struct, frozen=True, kw_only=True):
    """A position in the stream.

    Attributes:
        entry: The last entry before it.
        number: How many entries were added up to it.
    """

    entry: str = "0-0"
    number: int = 0


class Lag(msgspec.Struct, frozen=True, kw_only=True):
    """The lag of a sink as the server knows it, whether the sink runs or not.

    Attributes:
        events: Those that it has not handled.
        oldest_s: Seconds since the first of them was written, 0 when there is none.
        trimmed: How many left the stream before they were delivered, since the sink last asked.
    """

    events: int
    oldest_s: float
    trimmed: int


class SinkReport(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The last report of a sink.

    Attributes:
        at: When, seconds since the epoch.
        process: The process that serves it.
        events: How many it handled since the process began.
        records: How many records the files of those events had.
        lag: Events that it had not handled yet; for a sink that reads no events, what it had not delivered.
        oldest_s: Seconds since the first of those.
        doing: What it does, in one sentence; empty while it waits for events.
        error: What last went wrong, in one sentence.
        error_at: When, seconds since the epoch.
        skipped: Files that it could not read, since the process began.
        trimmed: Events that were gone before it had them; a rebuild sets it to 0.
    """

    at: float
    process: str
    events: int = 0
    records: int = 0
    lag: int = 0
    oldest_s: float = 0.0
    doing: str = ""
    error: str = ""
    error_at: float = 0.0
    skipped: int = 0
    trimmed: int = 0


class EventStream:
    """The events of one crawl.

    Args:
        connection: Connection to the state server.
        keys: The crawl's keys.
    """

    def __init__(self, connection: Connection, keys: CrawlKeys) -> None:
        self._connection = connection
        self._keys = keys

    async def add(self, *events: Event) -> None:
        """Append events that no script writes."""
        for event in events:
            await self._connection.call(
                "XADD", self._keys.events, "MAXLEN", "~", _MOST_EVENTS, "*", "event", encode(event)
            )

    async def follow(self, sink: str, process: str, most: int) -> Delivery:
        """Return the next events for a sink, those that it did not acknowledge before all others.

        Args:
            sink: Its name.
            process: The caller, who serves the sink from now on unless another one does.
            most: How many events.

        Raises:
            StateUnavailable: the server is away for too long.
        """
        what, *rest = await self._connection.run(
            "sinks/follow", [self._keys.events, self._keys.sink(sink)], [sink, process, _CLAIM_MS, most]
        )
        if what == "none":
            return Delivery(is_begun=False)
        if what == "held":
            return Delivery(holder=rest[0])
        trimmed, last, found = rest
        events = [StreamEvent(entry=entry, event=decode(text)) for entry, text in found]
        return Delivery(events=events, trimmed=trimmed, last=last)

    async def acknowledge(self, sink: str, events: Sequence[StreamEvent]) -> None:
        """Acknowledge events that were handled durably."""
        if events:
            await self._connection.call("XACK", self._keys.events, sink, *[one.entry for one in events])

    async def wait(self, after: str, milliseconds: int) -> None:
        """Wait until there is an event after an entry, or the time is over; no position changes.

        Raises:
            StateUnavailable: the server is away for too long.
        """
        try:
            await self._connection.redis.xread({self._keys.events: after}, count=1, block=milliseconds)
        except (RedisError, OSError) as error:
            if not passes(error):
                raise refusal(error) from None
            await self._connection.call("PING")  # waits for the server as every other command does

    async def newest(self, most: int) -> list[Event]:
        """Return up to `most` of the newest events that this version knows, the newest first."""
        entries = await self._connection.call("XREVRANGE", self._keys.events, "+", "-", "COUNT", most)
        events = (decode(fields.get("event", "")) for _, fields in entries)
        return [event for event in events if event is not None]

    async def end(self) -> Position:
        """Return the position after the last event."""
        if not await self._connection.call("EXISTS", self._keys.events):
            return Position()
        flat = await self._connection.call("XINFO", "STREAM", self._keys.events)
        stream = flat if isinstance(flat, dict) else dict(zip(flat[::2], flat[1::2], strict=True))
        return Position(entry=stream["last-generated-id"], number=stream["entries-added"])

    async def read(self, place: Position, most: int) -> tuple[Delivery, Position]:
        """Return the events after a position, and the position after them, without moving any sink.

        Args:
            place: From `end`, or from the call before.
            most: How many events.

        Raises:
            StateUnavailable: the server is away for too long.
        """
        trimmed, number, found = await self._connection.run(
            "events/read", [self._keys.events], [place.entry, place.number, most]
        )
        events = [StreamEvent(entry=entry, event=decode(text)) for entry, text in found]
        reached = Position(entry=events[-1].entry if events else place.entry, number=number)
        return Delivery(events=events, trimmed=trimmed), reached

    async def seek(self, sink: str, place: Position) -> None:
        """Move a sink to a position: after a rebuild, or, with `Position()`, to the start of the stream."""
        await self._connection.run(
            "sinks/seek", [self._keys.events, self._keys.sinks], [sink, place.entry, place.number]
        )

    async def claim(self, sink: str, process: str, milliseconds: int) -> None:
        """Claim a sink for `milliseconds`; its present server finishes its batch and becomes a standby."""
        await self._connection.call("SET", self._keys.sink(sink), process, "PX", milliseconds)

    async def release(self, sink: str, process: str) -> None:
        """Release a sink, so that another process may serve it."""
        if await self._connection.call("GET", self._keys.sink(sink)) == process:
            await self._connection.call("DEL", self._keys.sink(sink))

    async def report(self, sink: str, report: SinkReport, *, leaving: bool = False) -> bool:
        """Store the report of a sink; return False when another process serves it.

        Args:
            sink: Its name.
            report: Its report, which names the process that serves it.
            leaving: Whether another process may serve it at once.
        """
        is_ours = await self._connection.run(
            "sinks/report",
            [self._keys.sink(sink), self._keys.sinks],
            [sink, report.process, 0 if leaving else _CLAIM_MS, msgspec.json.encode(report).decode()],
        )
        return bool(is_ours)

    async def sink_reports(self) -> dict[str, SinkReport]:
        """Return the last report of each sink by name; reports that make no sense are left out."""
        return read_sink_reports(await self._connection.call("HGETALL", self._keys.sinks))

    async def lags(self) -> dict[str, Lag]:
        """Return the lag of each sink by name, also of sinks that do not run."""
        return read_lags(await self._connection.run("sinks/lags", [self._keys.events]))


_decode_report = msgspec.json.Decoder(SinkReport).decode


def read_sink_reports(reports: Mapping[str, str]) -> dict[str, SinkReport]:
    """Decode what each sink last reported; reports that make no sense are left out."""
    decoded = {}
    for name, text in sorted(reports.items()):
        try:
            decoded[name] = _decode_report(text)
        except NO_JSON:
            continue
    return decoded


def read_lags(rows: Sequence[tuple[str, int, int, int]]) -> dict[str, Lag]:
    """Decode the answer of `sinks/lags`."""
    return {
        name: Lag(events=events, oldest_s=age / 1000, trimmed=trimmed)
        for name, events, age, trimmed in sorted(rows)
    }
