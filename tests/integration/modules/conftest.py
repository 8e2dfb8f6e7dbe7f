"""Crawls in this process, put together as the command does it: emulator, state server, master, worker."""

import itertools
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from msgspec.structs import replace

from support.crawl import LocalCrawl
from twittomatic.emulator import Emulator, World, serve
from twittomatic.settings import load
from twittomatic.state.embedded.server import Role, embedded

TIME_SCALE = 36_000.0  # a window of 25 ms: limits are another test's concern


@pytest.fixture
async def redis_url() -> AsyncIterator[str]:
    """A state server of the test's own."""
    with tempfile.TemporaryDirectory(prefix="tw") as directory:
        async with embedded(Path(directory), Role.OWN) as url:
            yield url


@pytest.fixture
def local(tmp_path: Path, redis_url: str) -> LocalCrawl:
    return LocalCrawl(
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
async def emulate(local: LocalCrawl) -> AsyncIterator[Callable[..., Awaitable[Emulator]]]:
    """Serve a world to the next crawls: `emulator = await emulate(world)`."""
    running = []

    async def start(world: World, **options: Any) -> Emulator:
        emulator = Emulator(world, **{"time_scale": TIME_SCALE, **options})
        running.append(await serve(emulator))
        local.settings = replace(local.settings, x_api_url=running[-1].url)
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
async def script(local: LocalCrawl) -> AsyncIterator[Callable[..., Awaitable[list[str]]]]:
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
            local.settings = replace(local.settings, x_api_url=url)
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
