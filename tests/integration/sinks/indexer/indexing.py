"""Parts of the tests of the indexer: posts made by hand, an indexer for them, and what is searched then."""

import asyncio
import itertools
import json
import uuid
from collections.abc import Sequence
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Any

from consuming import Crawl
from redis import Redis
from searching import Searching

from twittomatic.clock import SystemClock
from twittomatic.networks.x import X
from twittomatic.sinks.indexer.bulk import Bulk
from twittomatic.sinks.indexer.client import SearchServer
from twittomatic.sinks.indexer.indices import Indices
from twittomatic.sinks.indexer.rebuild import Rebuild
from twittomatic.sinks.indexer.rejected import RejectedPosts
from twittomatic.sinks.indexer.sink import Indexer
from twittomatic.state.events import Event, FileCommitted, encode
from twittomatic.state.stream import StreamEvent
from twittomatic.storage.formats import member
from twittomatic.storage.identity import identity

NETWORK = X(url="http://localhost")

NOVEMBER = "2025-11-19T05:06:26.000Z"
EARLIER, LATER, LATEST = 1_790_000_000, 1_790_001_000, 1_790_002_000
_numbers = itertools.count(1)


def post(post_id: object, text: str = "buongiorno", created_at: object = NOVEMBER, **more: Any) -> bytes:
    return json.dumps({"id": post_id, "text": text, "created_at": created_at, **more}).encode()


class Scene:
    """One crawl and its indices."""

    def __init__(self, server: Searching, crawl: Crawl, rejected: Path, stack: AsyncExitStack) -> None:
        self.server = server
        self.crawl = crawl
        self.prefix = f"t{uuid.uuid4().hex[:12]}"
        self.said: list[str] = []
        self._rejected = rejected
        self._stack = stack

    async def search_server(self, url: str = "", **options: Any) -> SearchServer:
        return await self._stack.enter_async_context(SearchServer(url or self.server.url(), **options))

    async def indexer(self, url: str = "", **options: Any) -> Indexer:
        """Return an indexer that has begun."""
        server = await self.search_server(url, **options)
        indices = self.indices_of(server)
        rejected = RejectedPosts(self._rejected)
        bulk = Bulk(server, indices.serving, rejected, SystemClock())
        sink = Indexer(bulk, self.crawl.layout, NETWORK, rejected, SystemClock(), indices=indices)
        await sink.begin()
        return sink

    def indices_of(self, server: SearchServer) -> Indices:
        return Indices(server, self.prefix, lambda: identity(self.crawl.layout))

    async def bulk(self) -> tuple[Bulk, Indices]:
        server = await self.search_server()
        indices = self.indices_of(server)
        await indices.begin()
        return Bulk(server, indices.serving, RejectedPosts(self._rejected), SystemClock()), indices

    async def rebuild(self, *, alone: bool = False) -> Rebuild:
        server = await self.search_server()
        return Rebuild(
            server,
            self.indices_of(server),
            self.crawl.layout,
            NETWORK,
            None if alone else self.crawl.stream,
            f"rebuild-{next(_numbers)}",
            RejectedPosts(self._rejected),
            SystemClock(),
            self.said.append,
        )

    def write(self, user_id: int, *pages: tuple[int, Sequence[bytes]], over: bool = True) -> FileCommitted:
        """Write a timeline, a page with its time each; `over` replaces it, else the pages come in front."""
        path = self.crawl.layout.file(str(user_id), "twt")
        path.parent.mkdir(exist_ok=True)
        data = b"".join(member(lines, at=at) for at, lines in pages)
        old = b"" if over else path.read_bytes()
        path.write_bytes(data + old)
        return FileCommitted(
            file=self.crawl.layout.relative(path),
            module="timeline" if over else "update",
            user_id=str(user_id),
            records=sum(len(lines) for _, lines in pages),
            begin=len(data + old),
            end=len(old),
        )

    async def commit(self, user_id: int, *pages: tuple[int, Sequence[bytes]], over: bool = True) -> None:
        await self.crawl.stream.add(self.write(user_id, *pages, over=over))

    def at_once(self, *events: Event, trim: int = 100_000) -> None:
        """Let a crawl write events while nothing else runs in this process."""
        with Redis.from_url(self.crawl.url) as redis:
            for event in events:
                redis.xadd(self.crawl.keys.events, {"event": encode(event)})
            redis.xtrim(self.crawl.keys.events, maxlen=trim, approximate=False)

    def acknowledged(self, sink: str) -> None:
        """Let it look as if a sink had handled all events."""
        with Redis.from_url(self.crawl.url) as redis:
            redis.xgroup_setid(self.crawl.keys.events, sink, "$")

    def holder(self, sink: str) -> str:
        """Return the process that serves a sink."""
        with Redis.from_url(self.crawl.url, decode_responses=True) as redis:
            return str(redis.get(self.crawl.keys.sink(sink)) or "")

    async def take(self, sink: Indexer, *events: Event) -> int:
        """Let an indexer handle events without a consumer, and return how many posts it took."""
        await self.crawl.stream.add(*events)
        end = await self.crawl.stream.end()
        everything = await self.crawl.connection.call("XRANGE", self.crawl.keys.events, "-", "+")
        newest = everything[-len(events) :]
        assert newest[-1][0] == end.entry
        delivered = [
            StreamEvent(entry=entry, event=event) for (entry, _), event in zip(newest, events, strict=True)
        ]
        return await sink.handle(delivered, self.said.append)

    def ask(self, method: str, path: str, body: object = None) -> Any:
        status, answer = self.server.ask(method, path, body)
        assert status == 200, answer
        return answer

    def found(self, query: object = None) -> dict[str, Any]:
        """Return what is searched, by id, as of now."""
        status, answer = self.server.ask("POST", f"/{self.prefix}/_refresh")
        if status == 404:
            return {}
        assert status == 200, answer
        answer = self.ask(
            "POST", f"/{self.prefix}/_search", {"size": 10_000, "query": query or {"match_all": {}}}
        )
        hits = answer["hits"]["hits"]
        assert len(hits) == answer["hits"]["total"]["value"]
        assert len({hit["_id"] for hit in hits}) == len(hits), "a post is there once"
        return {hit["_id"]: hit["_source"] for hit in hits}

    def matching(self, text: str) -> set[str]:
        return set(self.found({"match": {"text": text}}))

    def indices(self) -> list[str]:
        return sorted(self.ask("GET", f"/{self.prefix}-*/_alias"))

    def rejected(self) -> list[dict[str, Any]]:
        lines = self._rejected.read_bytes().splitlines() if self._rejected.exists() else []
        return [json.loads(line) for line in lines]

    def clear(self) -> None:
        names = self.indices()
        if names:
            self.ask("DELETE", "/" + ",".join(names))
        self.server.ask("DELETE", f"/_index_template/{self.prefix}")


class Wire:
    """A way to a server, by another port, that can be cut and mended."""

    def __init__(self, port: int) -> None:
        self._to = port
        self.port = 0
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self.is_stuck = False

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def cut(self) -> None:
        if self._server:
            self._server.close()
            for writer in self._writers:
                writer.transport.abort()
            await self._server.wait_closed()
            self._server = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from_server, to_server = await asyncio.open_connection("127.0.0.1", self._to)
        self._writers |= {writer, to_server}
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(self._pass(reader, to_server))
                both.create_task(self._pass(from_server, writer))
        finally:
            self._writers -= {writer, to_server}

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(65_536):
                if not self.is_stuck:
                    writer.write(data)
                    await writer.drain()
        writer.transport.abort()
