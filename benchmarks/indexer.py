"""Indexing speed into a real Elasticsearch, compared with a bare loop, and the delay until posts are found.

The posts are in X's format, 1.3 KB each, in timelines of 3,000. The bare loop sends the same documents,
prepared in advance, with the same batch size and concurrency. Server and clients share this machine; the
server has a heap of 512 MB, as in the tests.

    python benchmarks/indexer.py [--users 20] [--rounds 3]
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import msgspec

from harness import make_pages, run, verdict
from twittomatic.clock import SystemClock
from twittomatic.errors import ReceiverUnavailable
from twittomatic.networks.x import X
from twittomatic.sinks.consumer import Consumer
from twittomatic.sinks.indexer.bulk import Bulk
from twittomatic.sinks.indexer.client import SearchServer
from twittomatic.sinks.indexer.documents import document
from twittomatic.sinks.indexer.indices import Indices
from twittomatic.sinks.indexer.rebuild import Rebuild
from twittomatic.sinks.indexer.rejected import RejectedPosts
from twittomatic.sinks.indexer.sink import Indexer
from twittomatic.state.client import client
from twittomatic.state.connection import Connection
from twittomatic.state.embedded.server import Role, embedded
from twittomatic.state.events import FileCommitted
from twittomatic.state.keys import CrawlKeys
from twittomatic.state.stream import EventStream
from twittomatic.storage.formats import member
from twittomatic.storage.identity import identity
from twittomatic.storage.paths import Layout

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "services"))
from searching import Searching, searching

PAGES, PER_PAGE = 30, 100
AT_A_TIME, UNDER_WAY = 1_000, 2
GOAL_PER_S, GOAL_S = 5_000, 2.0
SIGHTINGS = 15
CLOCK = SystemClock()
NETWORK = X(url="http://localhost")


class Trial:
    """A dataset, a crawl's event stream and a search server."""

    def __init__(self, server: Searching, url: str, connection: Connection, directory: Path) -> None:
        self.server = server
        self.url = url
        self.connection = connection
        self.layout = Layout(directory / "data", directory / "data" / ".tmp")
        self.layout.prepare()
        self.rejected = RejectedPosts(directory / "refused.jsonl")
        self.events: list[FileCommitted] = []
        self.posts: list[tuple[str, bytes]] = []

    def write(self, author: int, pages: Sequence[Sequence[bytes]]) -> FileCommitted:
        path = self.layout.file(str(author), "twt")
        path.parent.mkdir(exist_ok=True)
        data = b"".join(member(lines, at=time.time()) for lines in pages)
        path.write_bytes(data)
        return FileCommitted(
            file=self.layout.relative(path), module="timeline", user_id=str(author),
            records=sum(map(len, pages)), begin=len(data),
        )  # fmt: skip

    def fresh(self) -> str:
        return f"bench-{uuid.uuid4().hex[:8]}"

    def indices(self, server: SearchServer, prefix: str) -> Indices:
        return Indices(server, prefix, lambda: identity(self.layout))

    def remove(self, prefix: str) -> None:
        names = self.server.ask("GET", f"/{prefix}-*/_alias")[1]
        self.server.ask("DELETE", "/" + ",".join(names))  # type: ignore[arg-type]

    async def bare(self, server: SearchServer) -> float:
        """Send documents prepared in advance; return posts per second."""
        prefix = self.fresh()
        indices = self.indices(server, prefix)
        await indices.begin()
        generation = await indices.serving()
        made = [
            document(line, NETWORK, author_id=author, fetched_at=1, now=time.time())
            for author, line in self.posts
        ]
        await generation.prepare({one.month for one in made})
        encode = msgspec.json.encode
        bodies = [
            b"".join(
                encode({"index": {"_index": generation.index(one.month), "_id": one.id, "version": 1,
                                  "version_type": "external_gte"}}) + b"\n" + one.source + b"\n"
                for one in made[first : first + AT_A_TIME]
            )
            for first in range(0, len(made), AT_A_TIME)
        ]  # fmt: skip
        waiting = iter(bodies)

        async def send() -> None:
            for body in waiting:
                await server.ask("POST", "/_bulk", lines=body, query={"filter_path": "items.*.status"})

        began_at = time.perf_counter()
        await asyncio.gather(*[send() for _ in range(UNDER_WAY)])
        took_s = time.perf_counter() - began_at
        self.remove(prefix)
        return len(made) / took_s

    async def rebuilt(self, server: SearchServer) -> float:
        """Rebuild from the dataset."""
        prefix = self.fresh()
        indices = self.indices(server, prefix)
        rebuild = Rebuild(server, indices, self.layout, NETWORK, None, prefix, self.rejected, CLOCK, print)
        began_at = time.perf_counter()
        done = await rebuild.run()
        took_s = time.perf_counter() - began_at
        assert done.posts == len(self.posts), done
        self.remove(prefix)
        return done.posts / took_s

    async def followed(self, server: SearchServer) -> float:
        """Catch up with the waiting events of a crawl."""
        prefix = self.fresh()
        async with Following(self, server, prefix) as following:
            began_at = time.perf_counter()
            await following.stream.add(*self.events)
            while following.consumer.report.events < len(self.events):  # noqa: ASYNC110 - as others see it
                await asyncio.sleep(0.01)
            took_s = time.perf_counter() - began_at
        assert following.consumer.report.records == len(self.posts)
        self.remove(prefix)
        return len(self.posts) / took_s

    async def count(self, server: SearchServer, prefix: str, author_id: str) -> int:
        query = {"query": {"term": {"author_id": author_id}}}
        with suppress(ReceiverUnavailable):  # in the moment in which the first index comes
            return int((await server.ask("POST", f"/{prefix}-*/_count", query))["count"])
        return 0

    async def seen(self, server: SearchServer, pages: Sequence[Sequence[bytes]]) -> list[float]:
        """Commit small files one after another; return the seconds until each is found."""
        prefix, took_s = self.fresh(), []
        async with Following(self, server, prefix) as following:
            for number in range(SIGHTINGS):
                event = self.write(900 + number, [pages[number][:20]])
                began_at = time.perf_counter()
                await following.stream.add(event)
                while await self.count(server, prefix, event.user_id) < 20:  # noqa: ASYNC110 - a search tells
                    await asyncio.sleep(0.02)
                took_s.append(time.perf_counter() - began_at)
        self.remove(prefix)
        return took_s


class Following:
    """An indexer that follows a separate crawl."""

    def __init__(self, trial: Trial, server: SearchServer, prefix: str) -> None:
        self.stream = EventStream(trial.connection, CrawlKeys(prefix))
        self._indices = trial.indices(server, prefix)
        bulk = Bulk(server, self._indices.serving, trial.rejected, CLOCK)
        self._sink = Indexer(bulk, trial.layout, NETWORK, trial.rejected, CLOCK, indices=self._indices)
        self.consumer = Consumer(
            self._sink, crawl=prefix, process=f"{prefix}-indexer", connect=lambda: connected(trial.url),
            say=lambda sentence: None, clock=CLOCK,
        )  # fmt: skip
        self._leave = asyncio.Event()

    async def __aenter__(self) -> Following:
        await self._sink.begin()
        self._task = asyncio.create_task(self.consumer.run(self._leave))
        return self

    async def __aexit__(self, *_: object) -> None:
        self._leave.set()
        await self._task


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[Connection]:
    connection = Connection(client(url, "bench"))
    try:
        yield connection
    finally:
        await connection.close()


async def measure(server: Searching, directory: Path, users: int, rounds: int) -> None:
    template = (await make_pages())[1]
    async with (
        embedded(directory / "state", Role.OWN) as url,
        connected(url) as connection,
        SearchServer(server.url()) as search,
    ):
        trial = Trial(server, url, connection, directory)
        number = 10**18
        for author in range(100, 100 + users):
            pages = []
            for _ in range(PAGES):
                ids = range(number, number + PER_PAGE)
                number += PER_PAGE
                body = msgspec.json.decode(template.body(ids, None), type=Body)
                pages.append([bytes(raw) for raw in body.data])
            trial.events.append(trial.write(author, pages))
            trial.posts += [(str(author), line) for lines in pages for line in lines]
        size = sum(len(line) for _, line in trial.posts) / len(trial.posts)
        print(f"{len(trial.posts):,} posts of {users} timelines, {size:,.0f} bytes each")
        figures: dict[str, list[float]] = {"bare": [], "rebuild": [], "follow": []}
        for _ in range(rounds):
            figures["bare"].append(await trial.bare(search))
            figures["rebuild"].append(await trial.rebuilt(search))
            figures["follow"].append(await trial.followed(search))
        bare, rebuild, follow = (statistics.median(figures[name]) for name in figures)
        took_s = await trial.seen(search, pages)
    print(f"bare loop: {bare:,.0f} posts/s, the server's limit on this machine")
    verdict("indexer --rebuild", rebuild, min(GOAL_PER_S, 0.8 * bare), unit=" posts/s")
    verdict("indexer, behind a crawl", follow, min(GOAL_PER_S, 0.8 * bare), unit=" posts/s")
    verdict("found after it was committed, median", statistics.median(took_s), GOAL_S, most=True, unit=" s")
    verdict("found after it was committed, worst", max(took_s), GOAL_S, most=True, unit=" s")


class Body(msgspec.Struct):
    """A page of posts."""

    data: list[msgspec.Raw]


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    arguments.add_argument("--users", type=int, default=20)
    arguments.add_argument("--rounds", type=int, default=3)
    options = arguments.parse_args()
    with tempfile.TemporaryDirectory(prefix="tw") as name, searching(Path(name)) as server:
        run(measure(server, Path(name), options.users, options.rounds))


if __name__ == "__main__":
    main()
