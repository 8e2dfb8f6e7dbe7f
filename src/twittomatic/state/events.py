"""The events of a crawl: small facts that point at files; their readers never delay the crawl."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from twittomatic.model import NO_JSON


class FileCommitted(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag=True, omit_defaults=True
):
    """A file of the dataset has new records.

    Attributes:
        file: Its path below OUTPUT_DIRECTORY.
        module: Module that wrote it.
        user_id: The user that it belongs to.
        records: How many records are new.
        begin: Where the new bytes begin, counted from the file's end, since an update puts its own in front.
        end: Where they end, counted likewise: 0 is the end of the file.
        first_id: Id of the first new record, to check them by; empty where there is none.
        last_id: Id of the last one.
    """

    file: str
    module: str
    user_id: str
    records: int
    begin: int
    end: int = 0
    first_id: str = ""
    last_id: str = ""


class FileRepaired(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag=True, omit_defaults=True):
    """A file of the dataset is gone, or as an earlier commit left it: `verify --repair` found it so.

    Attributes:
        file: Its path below OUTPUT_DIRECTORY.
        user_id: The user that it belongs to.
        is_gone: Whether nothing of it is left in the dataset.
    """

    file: str
    user_id: str
    is_gone: bool = False


class TargetClosed(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag=True, omit_defaults=True):
    """A target cannot be read, which is its final result."""

    module: str
    user_id: str
    reason: str


class JobDied(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag=True, omit_defaults=True):
    """A job failed too often."""

    module: str
    user_id: str
    reason: str


class CrawlPaused(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag=True, omit_defaults=True):
    """The crawl was paused: no requests are made."""

    reason: str
    until: str = ""


class CrawlResumed(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag=True, omit_defaults=True):
    """The crawl was resumed."""


class CrawlFinished(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag=True, omit_defaults=True
):
    """No job and no target within MAX_DEPTH is left."""


class WorkerDied(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag=True, omit_defaults=True):
    """A worker process died without releasing its jobs.

    Attributes:
        worker: Its name.
        jobs: The first of those that were taken from it, `module:user_id`.
    """

    worker: str
    jobs: tuple[str, ...] = ()


Event = (
    FileCommitted
    | FileRepaired
    | TargetClosed
    | JobDied
    | CrawlPaused
    | CrawlResumed
    | CrawlFinished
    | WorkerDied
)


_decode: Callable[[str], Event] = msgspec.json.Decoder(Event).decode


def encode(event: Event) -> str:
    """Return an event as the JSON that the stream carries in its field `event`."""
    return msgspec.json.encode(event).decode()


def decode(text: str) -> Event | None:
    """Return an event of the stream, None where it is none, or of a kind that this version does not know."""
    try:
        return _decode(text)
    except NO_JSON:
        return None
