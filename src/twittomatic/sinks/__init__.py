"""Sinks: consumers of a crawl's events, each in its own process.

A sink reads a crawl's event stream through its own consumer group, so it gets every event at least once, at
its own pace. Events carry no records: they point at byte ranges of committed files, where the sink reads
them. It acknowledges an event after it has processed it durably, and must tolerate duplicates. A stopped
sink catches up; one that lost its data is rebuilt from the dataset alone. Sinks never change the crawl, and
the crawl never waits for them.

The names below are what a sink of another distribution needs; docs/how-to/write-a-sink.md shows one.
"""

from twittomatic.errors import ReceiverUnavailable
from twittomatic.sinks.consumer import Sink
from twittomatic.sinks.registry import SinkContext
from twittomatic.state.events import Event, FileCommitted, FileRepaired
from twittomatic.state.stream import StreamEvent

__all__ = [
    "Event",
    "FileCommitted",
    "FileRepaired",
    "ReceiverUnavailable",
    "Sink",
    "SinkContext",
    "StreamEvent",
]
