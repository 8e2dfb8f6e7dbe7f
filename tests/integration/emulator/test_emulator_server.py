"""Behaviour visible only over HTTP: authorization, rate limits and the report."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from twittomatic.emulator import Emulator, GraphWorld, NoFaults, RequestInfo, RunningEmulator, serve

Get = Callable[..., Awaitable[aiohttp.ClientResponse]]
BEARER = {"Authorization": "Bearer t"}


class Clock:
    """Unix seconds that only move when told to."""

    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def running() -> AsyncIterator[Callable[..., Awaitable[RunningEmulator]]]:
    """Start emulators: `await running(**options)`; they are closed in the end."""
    started = []

    async def start(**options: Any) -> RunningEmulator:
        world = GraphWorld([(1, follower) for follower in range(2, 32)], post_counts={1: 12})
        emulator = await serve(Emulator(world, **options))
        started.append(emulator)
        return emulator

    yield start
    for emulator in started:
        await emulator.close()


@pytest.fixture
async def get() -> AsyncIterator[Get]:
    async with aiohttp.ClientSession() as session:

        async def get(
            url: str, headers: dict[str, str] | None = None, **query: str
        ) -> aiohttp.ClientResponse:
            response = await session.get(url, headers=BEARER if headers is None else headers, params=query)
            await response.read()
            return response

        yield get


async def test_the_report_lists_what_happened(running: Any, get: Get, clock: Clock) -> None:
    emulator = await running(clock=clock, limits={"followers": 3})
    followers = f"{emulator.url}/2/users/1/followers"
    first = await (await get(followers, max_results="20")).json()
    token = first["meta"]["next_token"]
    await get(followers, max_results="20", pagination_token=token)
    await get(followers, max_results="20", pagination_token=token)
    assert (await get(followers)).status == 429
    await get(f"{emulator.url}/2/users", ids="1,2,3,99")
    await get(f"{emulator.url}/2/users/1/tweets", max_results="10", expansions="author_id")
    await get(f"{emulator.url}/2/nothing")
    report = await (await get(f"{emulator.url}/_emulator/report", headers={})).json()
    assert report == {
        "requests": {"followers": 4, "users": 1, "timeline": 1},
        "violations": 1,
        "bill_usd": 0.38,  # 30 followers, 3 users, 10 posts
        "returned": {"user": 4, "follower": 40, "post": 10},
        "billed": {"user": 3, "follower": 30, "post": 10},
        "repeated_pages": 1,
        "faults": {},
    }
    assert report == emulator.emulator.report()


async def test_windows_open_again_on_time(running: Any, get: Get, clock: Clock) -> None:
    emulator = await running(clock=clock, time_scale=90, limits={"user": 2})
    user = f"{emulator.url}/2/users/1"
    answers = []
    for moment in (0.5, 1.0, 2.0, 10.49, 10.5):
        clock.now = 1_700_000_000 + moment
        answers.append(await get(user))
    assert [answer.status for answer in answers] == [200, 200, 429, 429, 200]
    headers = [
        tuple(answer.headers[f"x-rate-limit-{name}"] for name in ("limit", "remaining", "reset"))
        for answer in answers
    ]
    assert headers == [
        ("2", "1", "1700000011"),
        ("2", "0", "1700000011"),
        ("2", "0", "1700000011"),
        ("2", "0", "1700000011"),
        ("2", "1", "1700000021"),
    ]
    assert emulator.emulator.report()["violations"] == 2


async def test_the_bill_restarts_at_midnight_utc(running: Any, get: Get, clock: Clock) -> None:
    clock.now = 1_700_006_399.0
    emulator = await running(clock=clock)
    for moment in (1_700_006_399.0, 1_700_006_399.9, 1_700_006_400.0):
        clock.now = moment
        await get(f"{emulator.url}/2/users/1")
    assert emulator.emulator.report()["bill_usd"] == 0.02


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Basic t"}, {"Authorization": "Bearer "}])
async def test_without_a_bearer_token_nothing_is_shown(
    running: Any, get: Get, headers: dict[str, str]
) -> None:
    emulator = await running()
    answer = await get(f"{emulator.url}/2/users/1", headers=headers)
    assert answer.status == 401
    assert await answer.json(content_type="application/problem+json") == {
        "title": "Unauthorized",
        "type": "about:blank",
        "status": 401,
        "detail": "Unauthorized",
    }
    assert not any(name.lower().startswith("x-rate-limit") for name in answer.headers)


async def test_only_known_tokens_are_let_in_each_with_its_own_windows(running: Any, get: Get) -> None:
    emulator = await running(tokens=["one", "two"], limits={"user": 1})
    user = f"{emulator.url}/2/users/1"
    asked = [
        await get(user, headers={"Authorization": f"bearer {t}"}) for t in ("one", "one", "two", "three")
    ]
    assert [answer.status for answer in asked] == [200, 429, 200, 401]


async def test_a_refused_request_costs_a_request_and_no_money(running: Any, get: Get) -> None:
    emulator = await running()
    answer = await get(f"{emulator.url}/2/users/1/followers", max_results="0")
    assert answer.status == 400
    assert answer.headers["x-rate-limit-remaining"] == "299"
    answer = await get(f"{emulator.url}/2/users/99")
    assert answer.headers["x-rate-limit-remaining"] == "299"
    assert emulator.emulator.report()["bill_usd"] == 0


@pytest.mark.parametrize("route", ["/", "/2", "/2/users/1/likes", "/1.1/users/show.json", "/_emulator/x"])
async def test_an_unknown_route_is_an_empty_404(running: Any, get: Get, route: str) -> None:
    answer = await get((await running()).url + route)
    assert answer.status == 404
    assert await answer.read() == b""


async def test_trying_a_token_is_free(running: Any, get: Get) -> None:
    emulator = await running(tokens=["t"])
    usage = f"{emulator.url}/2/usage/tweets"
    assert (await (await get(usage)).json())["data"]["project_cap"] == "3000000"
    assert (await get(usage, headers={"Authorization": "Bearer u"})).status == 401
    assert (await get(usage, days="0")).status == 400
    assert emulator.emulator.report()["bill_usd"] == 0


async def test_gzip_on_demand(running: Any) -> None:
    plain, small = await running(), await running(compress=True)
    bodies = []
    for emulator, encoding in ((plain, None), (small, "gzip")):
        async with (
            aiohttp.ClientSession(headers=BEARER) as session,
            session.get(f"{emulator.url}/2/users/1/followers") as response,
        ):
            assert response.headers.get("Content-Encoding") == encoding
            bodies.append(await response.read())
    assert bodies[0] == bodies[1]


async def test_a_port_in_use_is_an_error(running: Any) -> None:
    first = await running()
    with pytest.raises(OSError, match="address already in use"):
        await serve(Emulator(GraphWorld([])), port=first.port)


class Trouble(NoFaults):
    """Fails the second request before it is charged and loses the answer of the third."""

    def __init__(self) -> None:
        self.seen: list[RequestInfo] = []

    async def before(self, info: RequestInfo, request: web.Request) -> web.StreamResponse | None:
        self.seen.append(info)
        return web.Response(status=503) if info.number == 2 else None

    async def after(
        self, info: RequestInfo, request: web.Request, response: web.Response
    ) -> web.StreamResponse:
        return web.Response(status=502) if info.number == 3 else response


async def test_faults_have_their_two_places(running: Any, get: Get) -> None:
    trouble = Trouble()
    emulator = await running(faults=trouble)
    answers = [await get(f"{emulator.url}/2/users/{user_id}") for user_id in (1, 2, 3, 4)]
    assert [answer.status for answer in answers] == [200, 503, 502, 200]
    assert [(info.endpoint, info.credential, info.user_id) for info in trouble.seen] == [
        ("user", "t", user_id) for user_id in (1, 2, 3, 4)
    ]
    assert emulator.emulator.report()["billed"]["user"] == 3, "1, 4, and 3 whose answer was lost"


async def test_many_requests_at_once(running: Any, get: Get) -> None:
    emulator = await running(limits={"user": 20})
    answers = await asyncio.gather(*(get(f"{emulator.url}/2/users/1") for _ in range(30)))
    statuses = sorted(answer.status for answer in answers)
    assert statuses == [200] * 20 + [429] * 10
    assert emulator.emulator.report()["violations"] == 10
