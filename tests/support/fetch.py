"""Parts of the fetcher's tests: a network with scripted answers, and fetchers for it."""

import asyncio
import itertools
from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import Any

from aiohttp import web

from twittomatic.emulator import Emulator, GraphWorld, serve
from twittomatic.fetch.credentials import Credentials
from twittomatic.fetch.fetcher import Fetched, Fetcher
from twittomatic.fetch.transport import Transport
from twittomatic.fetch.usertokens import UserToken
from twittomatic.model import User
from twittomatic.networks.base import Request
from twittomatic.networks.x import X
from twittomatic.state.account import Account
from twittomatic.state.connection import Connection
from twittomatic.state.keys import NetworkKeys

SECRET = "hunter2-AAAA%2Fvery-secret"
FOLLOWERS = 50
DAY_AT = 1_767_225_599.0  # a second before the year 2026
_numbers = itertools.count()


class Clock:
    """Stands still; notes how long it was to wait, and waits for real only for a window."""

    def __init__(self) -> None:
        self.slept: list[float] = []
        self.never_wakes = False

    def now(self) -> float:
        return DAY_AT

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await (asyncio.Event().wait() if self.never_wakes else asyncio.sleep(min(seconds, 0.02)))


class Scripted:
    """Answers one after the other, the last one for ever; `asked` keeps the credentials."""

    def __init__(self, *answers: tuple[int, Any]) -> None:
        self._answers = answers
        self.asked: list[str] = []

    async def answer(self, request: web.Request) -> web.StreamResponse:
        status, body = self._answers[min(len(self.asked), len(self._answers) - 1)]
        self.asked.append(request.headers["Authorization"].removeprefix("Bearer "))
        if body == "silence":
            await asyncio.Event().wait()
        if body is None:
            assert request.transport
            request.transport.abort()
        if isinstance(body, dict) and "x-rate-limit-limit" in body:
            return web.json_response(TOO_MANY[1], status=status, headers=body)
        if isinstance(body, bytes):
            return web.Response(status=status, body=body, content_type="text/html")
        return web.json_response(body, status=status)


class FetcherRig:
    """One process' fetcher on an account of the test's own."""

    def __init__(self, connection: Connection, stack: AsyncExitStack) -> None:
        self.connection = connection
        self._stack = stack
        self._keys = NetworkKeys(f"fetch-{next(_numbers)}")
        self.clock = Clock()
        self.halt = asyncio.Event()
        self.url = ""

    async def emulate(self, world: GraphWorld, **options: Any) -> Emulator:
        running = await serve(Emulator(world, **options))
        self._stack.push_async_callback(running.close)
        self.url = running.url
        return running.emulator

    async def script(self, *answers: tuple[int, Any]) -> Scripted:
        scripted = Scripted(*answers)
        application = web.Application()
        application.router.add_get("/{path:.*}", scripted.answer)
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.01)
        await runner.setup()
        self._stack.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        return scripted

    async def fetcher(
        self,
        *tokens: str,
        users: Sequence[UserToken] = (),
        budget: int | None = None,
        timeout_s: float = 30,
        horizon_s: float = 60,
    ) -> Fetcher:
        self.network = X(url=self.url)
        self.account = Account(self.connection, self._keys, budget=budget, horizon_s=horizon_s)
        return Fetcher(
            network=self.network,
            transport=await self._stack.enter_async_context(Transport(timeout_s=timeout_s)),
            credentials=Credentials(list(tokens), users),
            account=self.account,
            crawl="test",
            clock=self.clock,
            halt=self.halt,
            lease_s=60,
        )

    def ask(self, size: int) -> Request:
        return self.network.followers(User("1"), token=None, size=size)

    async def page(self, fetcher: Fetcher, size: int = 1000, *, least: int = 1) -> Fetched:
        fetched = await fetcher.page(self.ask, size, purpose="follower", least=least)
        await fetched.settle()
        return fetched

    async def ledger(self) -> tuple[int, int]:
        totals = await self.account.totals()
        return totals.spent, totals.reserved


def followers(ids: Sequence[int]) -> tuple[int, dict[str, Any]]:
    users = [{"id": str(i), "name": "n", "username": f"u{i}"} for i in ids]
    return 200, {"data": users, "meta": {"result_count": len(users)}}


FAILED = (503, b"<html>over capacity</html>")
TOO_MANY = (429, {"title": "Too Many Requests", "status": 429})
UNAUTHORIZED = (401, {"title": "Unauthorized", "detail": "Unauthorized", "status": 401})
