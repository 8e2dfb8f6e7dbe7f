"""Sinks of other distributions, found by the entry point group `twittomatic.sinks`.

An entry point refers to a class, or another callable, that takes a `SinkContext` and returns a `Sink`. The
entry point's name is the sink's name: in `twittomatic sink NAME`, in `status`, and of its consumer group.
Nothing is imported before a sink is opened by name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

import msgspec

from twittomatic.errors import SettingsError, TwittomaticError
from twittomatic.sinks.consumer import BUILT_IN, Sink
from twittomatic.sinks.records import new_pages
from twittomatic.state.events import FileCommitted, FileRepaired
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
        TwittomaticError: The sink cannot be imported or created, or it is not a `Sink`.
    """
    point = _entry_point(name)
    try:
        sink = point.load()(context)
    except TwittomaticError:
        raise
    except Exception as error:
        raise TwittomaticError(
            f"The sink '{name}' cannot be started ({point.value}): {type(error).__name__}: {error}"
        ) from error
    if getattr(sink, "name", None) != name:
        raise TwittomaticError(
            f"The sink '{name}' ({point.value}) is named {getattr(sink, 'name', None)!r}; "
            "its attribute `name` must be the name of its entry point."
        )
    missing = [part for part in ("is_new", "begin", "handle", "close") if not hasattr(sink, part)]
    if missing:
        raise TwittomaticError(
            f"The sink '{name}' ({point.value}) lacks {', '.join(missing)}; let its class inherit from "
            "`twittomatic.sinks.Sink`."
        )
    return sink  # type: ignore[no-any-return]


def _entry_point(name: str) -> EntryPoint:
    if name in BUILT_IN:
        raise SettingsError(f"'{name}' has its own command: `twittomatic {name}`.")
    installed = entry_points(group=GROUP)
    found = {point.value: point for point in installed if point.name == name}
    if not _NAME.fullmatch(name) or not found:
        names = ", ".join(sorted({point.name for point in installed})) or "none"
        raise SettingsError(f"There is no sink '{name}'; installed: {names}.")
    if len(found) > 1:
        raise SettingsError(
            f"Several distributions install a sink '{name}': {', '.join(sorted(found))}; remove all but one."
        )
    return next(iter(found.values()))
