"""Crawls in this process, put together as the command does it: emulator, state server, master, worker."""

import asyncio
import gzip
import itertools
import json
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from msgspec.structs import replace

from twittomatic.app import runtime
from twittomatic.app.crawl import own_worker, run_together
from twittomatic.app.lead import leading, tidy
from twittomatic.app.runtime import Runtime
from twittomatic.emulator import Emulator, World, serve
from twittomatic.model import Phase
from twittomatic.planning import targets
from twittomatic.settings import Settings, load
from twittomatic.state.admin import JobAdmin
from twittomatic.state.embedded.server import Role, embedded
from twittomatic.state.status import CrawlStatus
from twittomatic.storage.journal import Entry, read_journal
from twittomatic.storage.paths import Layout
from twittomatic.storage.verify import verify

TIME_SCALE = 36_000.0  # a window of 25 ms: limits are another test's concern
DEADLINE_S = 60.0


@dataclass
class House:
    """A place to crawl from: settings whose directories are a test's own."""

    settings: Settings
    before: Callable[[runtime.Runtime], Awaitable[None]] | None = None
    again: bool = False  # whether a crawl continues lists that ended too early

    @property
    def layout(self) -> Layout:
        return runtime.layout(self.settings)

    def lines(self, user_id: int | str, ext: str) -> list[str]:
        with gzip.open(self.layout.file(str(user_id), ext), "rt") as file:
            return file.read().splitlines()

    def followers(self, user_id: int | str) -> list[int]:
        return [int(line) for line in self.lines(user_id, "fws")]

    def posts(self, user_id: int | str) -> list[int]:
        return [int(json.loads(line)["id"]) for line in self.lines(user_id, "twt")]

    def exists(self, user_id: int | str, ext: str) -> bool:
        return self.layout.file(str(user_id), ext).exists()

    def journal(self, user_id: int | str | None = None, ext: str | None = None) -> list[Entry]:
        return [
            entry
            for entry in sorted(read_journal(self.layout), key=lambda entry: entry.ended_at)
            if (user_id is None or entry.user_id == str(user_id))
            and (ext is None or (entry.file or "").endswith(ext))
        ]

    def parts(self) -> list[Path]:
        return [path for path in self.layout.temporary.rglob("[!.]*") if path.is_file()]

    async def crawl(
        self,
        modules: str,
        seeds: Sequence[int | str],
        *,
        during: Callable[[runtime.Runtime, Any], Awaitable[None]] | None = None,
        **changes: Any,
    ) -> CrawlStatus:
        """Crawl until it ends; `during` runs beside it, with the parts and the worker."""
        settings = replace(self.settings, **changes)
        async with (
            asyncio.timeout(DEADLINE_S),
            Runtime.open(settings, modules, "test") as parts,
            leading(parts) as leadership,
        ):
            options, connection = parts.options, parts.connection
            await parts.money.accept()
            master = parts.master(leadership)
            what = await parts.crawl.begin(options.modules, options.written(), "2026-01-01T00:00:00Z")
            if what == "again" and options.repeats:
                await parts.frontier.forget(leadership, keep_waiting=False)
            if self.before:
                await self.before(parts)
            early = JobAdmin(connection, parts.keys)
            if self.again:
                await early.retry_early_ends(options.all_modules)
            await master.seed(targets.read(map(str, seeds)).ids)
            async with own_worker(parts, "test") as worker:
                beside = asyncio.ensure_future(during(parts, worker)) if during else None
                try:
                    progress = await run_together(master, worker)
                finally:
                    if beside:
                        beside.cancel()
                        await asyncio.gather(beside, return_exceptions=True)
            self.dead = await parts.admin.dead()
            self.early = {
                name: (end.ending, end.lines, end.claimed, end.more)
                async for name, end in early.early_ends(options.all_modules)
            }
            self.spent = (await parts.money.totals()).spent
            self.seen = await parts.frontier.seen()
            self.waiting = {user_id async for ids in parts.frontier.export() for user_id in ids}
            if progress.phase is Phase.FINISHED:
                await tidy(connection, parts.keys, self.layout)
            return progress

    def check(self) -> None:
        """The dataset is as the journal says, and no job is dead."""
        assert [str(problem) for problem in verify(self.layout)] == []
        assert self.dead == {}


@pytest.fixture
async def redis_url() -> AsyncIterator[str]:
    """A state server of the test's own."""
    with tempfile.TemporaryDirectory(prefix="tw") as directory:
        async with embedded(Path(directory), Role.OWN) as url:
            yield url


@pytest.fixture
def house(tmp_path: Path, redis_url: str) -> House:
    return House(
        load(
            {
                "crawl": "test",
                "output_directory": str(tmp_path / "data"),
                "redis_url": redis_url,
                "x_bearer_tokens": "token",
                "x_api_url": "http://127.0.0.1:9",
            },
            {},
            _empty(tmp_path),
        )
    )


def _empty(tmp_path: Path) -> Path:
    path = tmp_path / "empty.toml"
    path.touch()
    return path


@pytest.fixture
async def emulate(house: House) -> AsyncIterator[Callable[..., Awaitable[Emulator]]]:
    """Serve a world to the house: `emulator = await emulate(world)`."""
    running = []

    async def start(world: World, **options: Any) -> Emulator:
        emulator = Emulator(world, **{"time_scale": TIME_SCALE, **options})
        running.append(await serve(emulator))
        house.settings = replace(house.settings, x_api_url=running[-1].url)
        return emulator

    yield start
    for one in running:
        await one.close()


@asynccontextmanager
async def answering(handler: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> AsyncIterator[str]:
    application = web.Application()
    application.router.add_get("/{path:.*}", handler)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@pytest.fixture
async def script(house: House) -> AsyncIterator[Callable[..., Awaitable[list[str]]]]:
    """Serve answers made by hand: `asked = await script({token or "": (status, body)})`.

    `asked` grows by the token of each page that is asked for. A list of answers is used up one by one.
    """
    async with AsyncExitStack() as stack:

        async def start(pages: dict[str, Any]) -> list[str]:
            asked: list[str] = []
            used = {token: itertools.count() for token in pages}

            async def handler(request: web.Request) -> web.StreamResponse:
                token = request.query.get("pagination_token", "")
                asked.append(token)
                answer = pages[token]
                if isinstance(answer, list):
                    answer = answer[min(next(used[token]), len(answer) - 1)]
                status, body = answer
                return web.json_response(body, status=status)

            url = await stack.enter_async_context(answering(handler))
            house.settings = replace(house.settings, x_api_url=url)
            return asked

        yield start


@pytest.fixture
def page() -> Callable[..., tuple[int, dict[str, Any]]]:
    """Make an answer with followers: `page(ids, next_token)`."""
    return make_page


def make_page(ids: Sequence[int], token: str | None = None) -> tuple[int, dict[str, Any]]:
    """A followers page of users with these ids."""
    users = [{"id": str(i), "name": f"n{i}", "username": f"u{i}"} for i in ids]
    meta: dict[str, Any] = {"result_count": len(ids)}
    if token:
        meta["next_token"] = token
    return 200, {"data": users, "meta": meta} if ids else {"meta": meta}
