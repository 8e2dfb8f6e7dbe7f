"""Every kind of fault as a real client sees it, and what it costs."""

import asyncio
import gzip
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aiohttp
import pytest

from twittomatic.emulator import ChangingWorld, Emulator, GraphWorld, RunningEmulator, parse_faults, serve
from twittomatic.emulator.faults.registry import KINDS

BEARER = {"Authorization": "Bearer t"}
FOLLOWERS = list(range(2, 32))


class Client:
    """A real client of one emulator."""

    def __init__(
        self, session: aiohttp.ClientSession, running: RunningEmulator, world: ChangingWorld
    ) -> None:
        self.session = session
        self.running = running
        self.world = world

    @property
    def report(self) -> dict[str, Any]:
        return self.running.emulator.report()

    async def get(
        self, path: str = "/2/users/1/followers", credential: str = "t", **query: Any
    ) -> aiohttp.ClientResponse:
        response = await self.session.get(
            self.running.url + path,
            params=query,
            headers={"Authorization": f"Bearer {credential}"},
            timeout=aiohttp.ClientTimeout(60),
        )
        await response.read()
        return response

    async def page(self, path: str = "/2/users/1/followers", **query: Any) -> dict[str, Any]:
        response = await self.get(path, **query)
        assert response.status == 200
        page: dict[str, Any] = await response.json()
        return page

    async def crawl(
        self, path: str = "/2/users/1/followers", most_pages: int = 1000, **query: Any
    ) -> list[dict[str, Any]]:
        pages = [await self.page(path, **query)]
        while (token := pages[-1].get("meta", {}).get("next_token")) and len(pages) < most_pages:
            pages.append(await self.page(path, pagination_token=token, **query))
        return pages


Start = Callable[..., Awaitable[Client]]


def ids(pages: list[dict[str, Any]]) -> list[int]:
    return [int(item["id"]) for page in pages for item in page.get("data", [])]


@pytest.fixture
async def start() -> AsyncIterator[Start]:
    """Start an emulator: `client = await start(spec, seed=0, **options)`."""
    clients = []

    async def start(spec: str, *, seed: int = 0, **options: Any) -> Client:
        edges = [(1, follower) for follower in FOLLOWERS] + [(40, 41), (40, 1)]
        world = ChangingWorld(GraphWorld(edges, post_counts={1: 60}))
        faults = parse_faults(spec, seed=seed, world=world)
        running = await serve(Emulator(world, faults=faults, **options))
        session = aiohttp.ClientSession()
        session._retry_connection = False  # it would send a request again by itself
        clients.append(Client(session, running, world))
        return clients[-1]

    yield start
    for client in clients:
        await client.session.close()
        await client.running.close()


@pytest.mark.parametrize("kind", KINDS)
async def test_a_rate_of_0_never_strikes_and_is_reported(start: Start, kind: str) -> None:
    client = await start(f"{kind}=0")
    assert ids(await client.crawl(max_results=7)) == FOLLOWERS
    assert len(ids(await client.crawl("/2/users/1/tweets", max_results=10))) == 60
    assert client.report["faults"] == {kind: 0}


@pytest.mark.parametrize(
    ("kind", "statuses", "said", "headers"),
    [
        ("5xx", {500, 502, 503, 504}, "", None),
        ("500", {500}, "", None),
        ("502", {502}, "", None),
        ("503", {503}, "", None),
        ("504", {504}, "", None),
        ("429", {429}, "Too Many Requests", False),
        ("401", {401}, "Unauthorized", False),
        ("402", {402}, "redits", True),
        ("403", {403}, "spend cap", True),
        ("usage-cap", {429}, "Usage cap exceeded", True),
        ("not-enrolled", {403}, "client-not-enrolled", True),
        ("errors", {200}, "Something is broken", True),
        ("revoked", {401}, "Unauthorized", False),
    ],
)
async def test_a_refusal_is_free_and_counted_by_the_window(
    start: Start, kind: str, statuses: set[int], said: str, headers: bool | None
) -> None:
    client = await start(f"{kind}=1", limits={"followers": 41})
    answers = [await client.get() for _ in range(40)]
    assert {answer.status for answer in answers} == statuses
    for answer in answers:
        assert said in await answer.text()
        if headers is not None:
            assert ("x-rate-limit-remaining" in answer.headers) is headers
    assert client.report["faults"] == {kind: 40}
    assert client.report["bill_usd"] == 0
    assert client.report["violations"] == 0
    assert (await client.get()).status in statuses
    assert (await client.get()).status == 429, "40 refusals took 40 of the window's requests"
    assert client.report["violations"] == 1
    assert client.report["faults"] == {kind: 41}, "what the window refuses, no fault sees"


async def test_a_5xx_comes_in_three_forms(start: Start) -> None:
    client = await start("5xx=1")
    kinds = {answer.content_type for answer in [await client.get() for _ in range(60)]}
    assert kinds == {"application/problem+json", "text/html", "application/octet-stream"}


@pytest.mark.parametrize(
    ("kind", "bill", "error"),
    [
        ("timeout", 0.0, aiohttp.ServerDisconnectedError),
        ("timeout-billed", 0.3, aiohttp.ServerDisconnectedError),
        ("reset", 0.0, aiohttp.ClientOSError),
        ("reset-billed", 0.3, aiohttp.ClientOSError),
        ("cut", 0.3, aiohttp.ClientPayloadError),
    ],
)
async def test_what_was_served_and_lost_is_billed(
    start: Start, kind: str, bill: float, error: type[Exception]
) -> None:
    client = await start(f"{kind}#1{'@0.01s' if 'timeout' in kind else ''}")
    with pytest.raises(error):
        await client.get()
    assert client.report["bill_usd"] == bill
    assert client.report["faults"] == {kind: 1}
    assert ids([await client.page()]) == FOLLOWERS
    assert client.report["bill_usd"] == 0.3
    assert client.report["requests"] == {"followers": 2}


@pytest.mark.parametrize("kind", ["reset", "reset-billed"])
async def test_a_reset_is_one_on_the_wire(start: Start, kind: str) -> None:
    client = await start(f"{kind}=1")
    reader, writer = await asyncio.open_connection("127.0.0.1", client.running.port)
    writer.write(b"GET /2/users/1 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer t\r\n\r\n")
    with pytest.raises(ConnectionResetError):
        await reader.read()
    writer.close()


async def test_silence_lasts_as_long_as_specified_and_ends_with_the_emulator(start: Start) -> None:
    client = await start("timeout=1@600s")
    waiting = asyncio.ensure_future(client.get())
    async with asyncio.timeout(60):
        while not client.report["faults"]["timeout"]:
            await asyncio.sleep(0)
    assert not waiting.done()
    await client.running.close()
    with pytest.raises(aiohttp.ClientError):
        await waiting


async def test_a_slow_answer_is_an_answer(start: Start) -> None:
    client = await start("slow#1@0.2s")
    began = asyncio.get_running_loop().time()
    assert ids([await client.page()]) == FOLLOWERS
    assert asyncio.get_running_loop().time() - began >= 0.2
    assert client.report["faults"] == {"slow": 1}


async def test_a_cut_body_is_shorter_than_its_header(start: Start) -> None:
    client = await start("cut=1")
    with socket.create_connection(("127.0.0.1", client.running.port)) as wire:
        wire.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_sendall(
            wire, b"GET /2/users/1/followers HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer t\r\n\r\n"
        )
        received = b""
        while chunk := await loop.sock_recv(wire, 65536):
            received += chunk
    head, _, body = received.partition(b"\r\n\r\n")
    length = next(int(line.split()[1]) for line in head.split(b"\r\n") if line.startswith(b"Content-Length"))
    assert len(body) < length


async def test_cut_gzip_has_all_bytes_that_it_promised_and_no_end(start: Start) -> None:
    client = await start("cut-gzip=1")
    session = aiohttp.ClientSession(headers=BEARER, auto_decompress=False)
    async with session, session.get(f"{client.running.url}/2/users/1/followers") as answer:
        assert answer.headers["Content-Encoding"] == "gzip"
        body = await answer.read()
    with pytest.raises(EOFError):
        gzip.decompress(body)
    assert client.report["bill_usd"] == 0.3


async def test_gzip_is_cut_only_where_it_is_accepted(start: Start) -> None:
    client = await start("cut-gzip=1")
    answer = await client.session.get(
        f"{client.running.url}/2/users/1", headers={**BEARER, "Accept-Encoding": "identity"}
    )
    assert (await answer.json())["data"]["id"] == "1"
    assert client.report["faults"] == {"cut-gzip": 0}


async def test_html_with_200(start: Start) -> None:
    client = await start("html=1")
    answer = await client.get()
    assert (answer.status, answer.content_type) == (200, "text/html")
    assert client.report["bill_usd"] == 0


async def test_junk_is_never_what_was_asked_for(start: Start) -> None:
    client = await start("junk=1")
    bodies = {await (await client.get()).read() for _ in range(120)}
    torn = 0
    for body in bodies:
        try:
            page = json.loads(body)
        except ValueError:
            torn += 1
            continue
        data = page.get("data") if isinstance(page, dict) else None
        assert not (isinstance(data, list) and len(data) == len(FOLLOWERS))
    assert torn > 10
    assert len(bodies) - torn > 8
    assert client.report["bill_usd"] == 0.3


async def test_a_revoked_token_stays_revoked_and_others_continue(start: Start) -> None:
    client = await start("revoked#3")
    statuses = [(await client.get(credential=name)).status for name in ("a", "b", "a", "b", "a", "c")]
    assert statuses == [200, 200, 401, 200, 401, 200]
    assert client.report["faults"] == {"revoked": 2}, "refused twice"


async def test_as_many_tokens_are_revoked_as_were_asked_for(start: Start) -> None:
    client = await start("revoked#1x2")
    statuses = [(await client.get(credential=name)).status for name in ("a", "a", "a", "b", "b", "c", "a")]
    assert statuses == [401, 401, 401, 401, 401, 200, 401]


async def test_an_app_token_does_not_expire_and_a_users_can_be_renewed(start: Start) -> None:
    client = await start("expired#1")

    async def renewed(refresh: str) -> dict[str, str]:
        form = {"grant_type": "refresh_token", "refresh_token": refresh}
        async with client.session.post(f"{client.running.url}/2/oauth2/token", data=form) as answer:
            granted: dict[str, str] = await answer.json()
            return granted

    assert (await client.get()).status == 200
    grant = await renewed("first")
    first = grant["access_token"]
    assert [(await client.get(credential=first)).status for _ in range(2)] == [401, 401]
    grant = await renewed(grant["refresh_token"])
    assert (await client.get(credential=grant["access_token"])).status == 200
    assert client.report["faults"] == {"expired": 2}


async def test_short_pages_skip_nothing_and_cost_what_they_hold(start: Start) -> None:
    client = await start("short=1")
    pages = await client.crawl(max_results=20)
    assert all(page["meta"]["result_count"] < 20 for page in pages)
    assert ids(pages) == FOLLOWERS
    assert client.report["returned"]["follower"] == 30
    struck = client.report["faults"]["short"]
    assert struck == len(pages) - 1 > 2, "the last page was not shorter than it would have been"
    await client.crawl("/2/users/1/tweets", max_results=5)
    assert client.report["faults"]["short"] == struck, "a page of 5 posts cannot be asked for shorter"


@pytest.mark.parametrize("path", ["/2/users/1/followers", "/2/users/40/following", "/2/users/1/tweets"])
async def test_empty_pages_lead_on(start: Start, path: str) -> None:
    client = await start("empty=1x4")
    pages = await client.crawl(path, max_results=10)
    assert [page["meta"]["result_count"] for page in pages[:4]] == [0] * 4
    assert all("data" not in page for page in pages[:4])
    assert client.report["faults"] == {"empty": 4}
    assert ids(pages) == ids(await client.crawl(path, max_results=10))
    assert client.report["repeated_pages"] == len(pages) - 4


async def test_a_page_comes_again_under_a_new_token(start: Start) -> None:
    client = await start("again#2x3")
    pages = await client.crawl(max_results=10)
    assert [len(ids([page])) for page in pages] == [10] * 6
    assert ids(pages) == FOLLOWERS[:10] + FOLLOWERS[10:20] * 4 + FOLLOWERS[20:]
    tokens = [page["meta"]["next_token"] for page in pages[:-1]]
    assert len(set(tokens)) == len(tokens)
    assert client.report["repeated_pages"] == client.report["faults"]["again"] == 3
    assert client.report["bill_usd"] == 0.3


async def test_a_page_comes_again_under_its_own_token(start: Start) -> None:
    client = await start("repeat#1x3")
    pages = await client.crawl(max_results=10)
    assert ids(pages) == FOLLOWERS[:10] + FOLLOWERS[10:20] * 4 + FOLLOWERS[20:]
    assert len({page["meta"]["next_token"] for page in pages[:4]}) == 1


async def test_a_loop_never_ends_in_its_list_and_only_there(start: Start) -> None:
    client = await start("loop#2")
    pages = await client.crawl(max_results=10, most_pages=50)
    assert ids(pages) == FOLLOWERS[:10] + FOLLOWERS[10:20] * 49
    assert client.report["faults"] == {"loop": 49}
    assert ids(await client.crawl("/2/users/40/followers", max_results=1)) == [41, 1]


async def test_an_alias_is_good_for_its_own_list_alone(start: Start) -> None:
    client = await start("again#1")
    token = (await client.page(max_results=10))["meta"]["next_token"]
    for path in ("/2/users/40/followers", "/2/users/1/following", "/2/users/1/tweets"):
        assert (await client.get(path, max_results=10, pagination_token=token)).status == 400
    assert ids([await client.page(max_results=10, pagination_token=token)]) == FOLLOWERS[:10]


async def test_a_stale_token_is_refused_once(start: Start) -> None:
    client = await start("stale=1x1")
    page = await client.page(max_results=20)
    token = page["meta"]["next_token"]
    refused = await client.get(max_results=20, pagination_token=token)
    assert refused.status == 400
    assert (await refused.json(content_type=None))["errors"][0]["parameters"] == {"pagination_token": [token]}
    assert ids([await client.page(max_results=20, pagination_token=token)]) == FOLLOWERS[20:]
    assert client.report["bill_usd"] == 0.3


@pytest.mark.parametrize(
    ("kind", "title"), [("protect", "Authorization"), ("suspend", "Forbidden"), ("delete", "Not Found")]
)
async def test_a_user_is_lost_in_the_middle_of_the_list(start: Start, kind: str, title: str) -> None:
    client = await start(f"{kind}=1")
    pages = await client.crawl(max_results=10)
    assert ids(pages) == FOLLOWERS[:10]
    assert pages[1]["errors"][0]["title"].startswith(title)
    assert client.report["faults"] == {kind: 1}
    assert client.report["bill_usd"] == 0.1
    truth = client.world.truth()
    assert truth.statuses(1) == [
        "active",
        {"protect": "protected", "suspend": "suspended"}.get(kind, "deleted"),
    ]
    assert truth.always_followers(1) == []
    assert truth.ever_followers(1) == FOLLOWERS


@pytest.mark.parametrize("seed", range(8))
async def test_followers_come_and_go_and_those_who_stay_are_served(start: Start, seed: int) -> None:
    client = await start("arrive=0.5,leave=0.5", seed=seed)
    pages = await client.crawl(max_results=3)
    found = ids(pages)
    truth = client.world.truth()
    assert set(truth.always_followers(1)) <= set(found) <= set(truth.ever_followers(1))
    assert len(set(found)) == len(found)
    faults = client.report["faults"]
    assert faults["arrive"] > 0
    assert faults["leave"] > 0
    assert sorted(client.world.all_followers(1)) != FOLLOWERS


async def test_posts_arrive_while_one_pages(start: Start) -> None:
    client = await start("post=1")
    found = ids(await client.crawl("/2/users/1/tweets", max_results=10))
    truth = client.world.truth()
    assert set(truth.always_posts(1)) <= set(found) <= set(truth.ever_posts(1))
    assert len(truth.always_posts(1)) == 60
    assert len(truth.ever_posts(1)) > 60
    assert found == sorted(found, reverse=True)


async def test_the_nth_request_is_struck_and_as_many_after_it_as_were_asked_for(start: Start) -> None:
    client = await start("402#3x2,followers:503#2x*")
    statuses = [(await client.get("/2/users/1")).status for _ in range(6)]
    assert statuses == [200, 200, 402, 402, 200, 200]
    statuses = [(await client.get()).status for _ in range(4)]
    assert statuses == [200, 503, 503, 503]
    assert client.report["faults"] == {"402": 2, "503": 3}


async def test_a_number_waits_for_a_request_that_it_can_strike(start: Start) -> None:
    client = await start("again#1,500#1")
    assert (await client.get("/2/users/1")).status == 500
    assert (await client.get("/2/users/2")).status == 200
    assert "next_token" in (await client.page())["meta"]
    assert client.report["faults"] == {"again": 1, "500": 1}


async def test_the_same_requests_meet_the_same_faults(start: Start) -> None:
    spec = "5xx=0.2,429=0.1,html=0.1,junk=0.2,empty=0.1,again=0.1,short=0.1"

    async def story(seed: int) -> list[tuple[int, bytes]]:
        client = await start(spec, seed=seed)
        answers = [await client.get(max_results=n + 1) for n in range(40)]
        return [(answer.status, await answer.read()) for answer in answers]

    first, same, other = [await story(seed) for seed in (7, 7, 8)]
    assert first == same
    assert first != other


async def test_rates_are_what_they_say(start: Start) -> None:
    client = await start("503=0.25,504=0.25,user:502=0.5", limits={"user": 10_000})
    for _ in range(1000):
        await client.get("/2/users/1")
    faults = client.report["faults"]
    assert sum(faults.values()) == 1000
    assert 180 < faults["503"] < 320
    assert 180 < faults["504"] < 320


async def test_the_report_is_never_struck(start: Start) -> None:
    client = await start("503=1")
    for _ in range(3):
        report = await client.page("/_emulator/report")
    assert report["faults"] == {"503": 0}
    assert report["requests"] == {}


PASSING = (
    "5xx",
    "429",
    "401",
    "errors",
    "reset",
    "reset-billed",
    "cut",
    "html",
    "empty",
    "again",
    "short",
    "stale",
)


async def test_each_fault_strikes_in_a_mix_and_a_stubborn_client_gets_everything(start: Start) -> None:
    client = await start(",".join(f"{kind}=0.04" for kind in PASSING), seed=3, limits={"followers": 100_000})
    while not all(client.report["faults"].values()):
        found: list[int] = []
        token: str | None = ""
        while token is not None:
            query = {"max_results": 5} | ({"pagination_token": token} if token else {})
            try:
                page = await client.page(**query)
                found += ids([page])
                token = page["meta"].get("next_token")
            except (aiohttp.ClientError, AssertionError, ValueError, KeyError):
                continue
        assert list(dict.fromkeys(found)) == FOLLOWERS
    assert client.report["bill_usd"] == 0.3


async def test_odd_pages_hold_all_that_was_asked_for(start: Start) -> None:
    client = await start("odd=1", limits={"followers": 1_000})
    bodies = {await (await client.get()).read() for _ in range(60)}
    assert len(bodies) == 8
    for body in bodies:
        text = body.decode(json.detect_encoding(body))
        found, _ = json.JSONDecoder().raw_decode(text[text.index("{") :])
        assert [int(user["id"]) for user in found["data"]] == FOLLOWERS
    assert client.report["bill_usd"] == 0.3
