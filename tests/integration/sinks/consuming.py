"""Parts of the tests of sinks: a crawl made by hand, a sink that remembers, a consumer that runs."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from twittomatic.sinks.consumer import Consumer
from twittomatic.state.client import client
from twittomatic.state.connection import Connection
from twittomatic.state.events import FileCommitted
from twittomatic.state.keys import CrawlKeys
from twittomatic.state.stream import EventStream, StreamEvent
from twittomatic.storage.formats import member
from twittomatic.storage.paths import Layout

DEADLINE_S = 30.0
_numbers = itertools.count()


class Crawl:
    """What a crawl leaves for its sinks."""

    def __init__(self, url: str, connection: Connection, layout: Layout) -> None:
        self.name = f"sinks-{next(_numbers)}"
        self.url = url
        self.keys = CrawlKeys(self.name)
        self.connection = connection
        self.stream = EventStream(connection, self.keys)
        self.layout = layout
        layout.prepare()

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[Connection]:
        connection = Connection(client(self.url, "sink"), patience_s=1.0)
        try:
            await connection.call("PING")
            yield connection
        finally:
            await connection.close()

    async def commit(self, name: str, *pages: Sequence[bytes], **changes: object) -> FileCommitted:
        """Write a whole file, a member for each page, and announce it on the stream."""
        event = self.write(name, *pages, **changes)
        await self.stream.add(event)
        return event

    def write(self, name: str, *pages: Sequence[bytes], **changes: object) -> FileCommitted:
        user_id, _, ext = name.partition(".")
        path = self.layout.file(user_id, ext)
        path.parent.mkdir(exist_ok=True)
        data = b"".join(map(member, pages))
        path.write_bytes(data)
        fields = {"module": "follower", "records": sum(map(len, pages)), "begin": len(data)} | changes
        return FileCommitted(file=self.layout.relative(path), user_id=user_id, **fields)  # type: ignore[arg-type]

    def trim(self, most: int) -> "asyncio.Future[object]":
        return asyncio.ensure_future(self.connection.call("XTRIM", self.keys.events, "MAXLEN", "=", most))


@dataclass
class Recorder:
    """A sink that remembers what it was handed."""

    name: str = "recorder"
    is_new: bool = False
    handed: list[StreamEvent] = field(default_factory=list)
    fails: list[Exception] = field(default_factory=list)
    hinders: list[Exception] = field(default_factory=list)
    told: asyncio.Event = field(default_factory=asyncio.Event)

    async def begin(self) -> None:
        if self.hinders:
            raise self.hinders.pop(0)

    async def handle(self, events: Sequence[StreamEvent], skip: Callable[[str], None]) -> int:
        self.told.set()
        if self.fails:
            raise self.fails.pop(0)
        self.handed += events
        return len(events)

    @property
    def files(self) -> list[str]:
        return [one.event.file for one in self.handed if isinstance(one.event, FileCommitted)]


@dataclass
class Running:
    """A consumer that runs, and what it said."""

    consumer: Consumer
    leave: asyncio.Event
    task: "asyncio.Task[None]"
    said: list[str]

    async def end(self) -> None:
        self.leave.set()
        await asyncio.wait_for(self.task, DEADLINE_S)


async def until(condition: Callable[[], object], what: str = "it never came true") -> None:
    """Wait for a condition."""
    async with asyncio.timeout(DEADLINE_S):
        while not condition():
            await asyncio.sleep(0.005)
