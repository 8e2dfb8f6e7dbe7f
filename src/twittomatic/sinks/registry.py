"""Sinks of other distributions, found by the entry point group `twittomatic.sinks`.

An entry point refers to a class, or another callable, that takes a `SinkContext` and returns a `Sink`. The
entry point's name is the sink's name: in `twittomatic sink NAME`, in `status`, and of its consumer group.
Nothing is imported before a sink is opened by name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec

from twittomatic.errors import PluginFault, SettingsError
from twittomatic.plugins import Plugin, find, running
from twittomatic.sinks.consumer import BUILT_IN, Sink
from twittomatic.sinks.records import new_pages
from twittomatic.state.events import FileCommitted, FileRepaired
from twittomatic.state.stream import StreamEvent
from twittomatic.storage.paths import Layout

GROUP = "twittomatic.sinks"
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}")  # it becomes a part of Redis keys and of the log's file name


class SinkContext(msgspec.Struct, frozen=True, kw_only=True):
    """What a sink of another distribution may know about the crawl that it follows.

    Attributes:
        crawl: The crawl's name.
        output_directory: The dataset, which a sink only reads.
    """

    crawl: str
    output_directory: Path

    def records(
        self, event: FileCommitted | FileRepaired, skip: Callable[[str], None]
    ) -> Iterator[tuple[int, list[bytes]]]:
        """Yield the records that an event announces, in pages; see `sinks.records.new_pages`. Blocks."""
        return new_pages(Layout(self.output_directory, self.output_directory), event, skip)


def open_sink(name: str, context: SinkContext) -> Sink:
    """Import a sink by name and create it.

    Raises:
        SettingsError: No installed distribution has the sink, several have it, or the name is not allowed.
        PluginFault: The sink cannot be imported or created, or it is not a `Sink`.
    """
    plugin = _plugin(name)
    label = f"The sink '{name}' ({plugin})"
    with running(label, "to start"):
        sink = plugin.point.load()(context)
    if getattr(sink, "name", None) != name:
        raise PluginFault(
            f"{label} is named {getattr(sink, 'name', None)!r}; "
            "its attribute `name` must be the name of its entry point."
        )
    missing = [part for part in ("is_new", "begin", "handle", "close") if not hasattr(sink, part)]
    if missing:
        raise PluginFault(
            f"{label} lacks {', '.join(missing)}; let its class inherit from `twittomatic.sinks.Sink`."
        )
    return _Guarded(sink, label)


class _Guarded(Sink):
    """A sink of another distribution, whose faults become PluginFaults that name it."""

    def __init__(self, sink: Sink, label: str) -> None:
        self._sink = sink
        self._label = label

    @property
    def name(self) -> str:
        return self._sink.name

    @property
    def is_new(self) -> bool:
        with running(self._label, "in is_new"):
            return self._sink.is_new

    async def begin(self) -> None:
        with running(self._label, "in begin"):
            await self._sink.begin()

    async def handle(self, events: Sequence[StreamEvent], skip: Callable[[str], None]) -> int:
        with running(self._label, "in handle"):
            count = await self._sink.handle(events, skip)
        if not isinstance(count, int):
            raise PluginFault(
                f"{self._label} returned {count!r} from handle, which returns the number of records."
            )
        return count

    async def close(self) -> None:
        with running(self._label, "in close"):
            await self._sink.close()


def _plugin(name: str) -> Plugin:
    if name in BUILT_IN:
        raise SettingsError(f"'{name}' has its own command: `twittomatic {name}`.")
    found = find(GROUP)
    unknown = f"There is no sink '{name}'; installed: {', '.join(sorted(found.plugins)) or 'none'}."
    if not _NAME.fullmatch(name):
        raise SettingsError(unknown)
    return found.one("sink", name, unknown)
