"""The wire against hostile servers: one request goes out, every answer is classified, no token is shown."""

import asyncio
import gzip
import logging
import re
import socket
import traceback
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, ExitStack, suppress

import pytest

from twittomatic.emulator import Emulator, GraphWorld, serve
from twittomatic.errors import NetworkError, UnexpectedPayload, UpstreamUnavailable
from twittomatic.fetch.transport import Transport
from twittomatic.model import User
from twittomatic.networks.base import Request, Response
from twittomatic.networks.x import X

SECRET = "hunter2-AAAA%2Fvery-secret"
HEADERS = {"Authorization": f"Bearer {SECRET}"}
PAGE = X(url="http://x").followers(User("1"), token=None, size=1000)
FREE = X(url="http://x").probe()
Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]


class Server:
    """Answers every request with the same bytes, and keeps what it was sent."""

    def __init__(self, answer: Answer, greeting: bytes = b"") -> None:
        self._answer = answer
        self._greeting = greeting
        self._tasks: set[asyncio.Task[None]] = set()
        self.requests: list[str] = []
        self.url = ""

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._tasks.add(task)
        writer.write(self._greeting)
        with suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while True:
                self.requests.append((await reader.readuntil(b"\r\n\r\n")).decode())
                await self._answer(writer)
        writer.close()
        self._tasks.discard(task)

    def stop(self) -> None:
        for task in self._tasks:
            task.cancel()


def raw(data: bytes, *, then: Answer | None = None) -> Answer:
    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(data)
        with suppress(OSError):
            await writer.drain()
        if then:
            await then(writer)

    return answer


async def reset(writer: asyncio.StreamWriter) -> None:
    """Break off with an RST."""
    linger = b"\x01\0\0\0\0\0\0\0"
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    writer.transport.abort()


async def leave(writer: asyncio.StreamWriter) -> None:
    writer.close()


async def stay_silent(_writer: asyncio.StreamWriter) -> None:
    await asyncio.Event().wait()


async def drip(writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(b"1\r\nx\r\n")
        await writer.drain()
        await asyncio.sleep(0.01)


def http(body: bytes, status: str = "200 OK", *headers: str, length: int | None = None) -> bytes:
    lines = [
        f"HTTP/1.1 {status}",
        f"Content-Length: {len(body) if length is None else length}",
        *headers,
        "",
        "",
    ]
    return "\r\n".join(lines).encode() + body


def bomb() -> bytes:
    """A hundred kilobytes that become a hundred megabytes."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    megabyte = bytes(1 << 20)
    return b"".join(packer.compress(megabyte) for _ in range(100)) + packer.flush()


BODY = b'{"data":[{"id":"1"}],"meta":{"result_count":1}}'
ZIPPED = gzip.compress(BODY)
GZIP = "Content-Encoding: gzip"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.fixture
async def start() -> AsyncIterator[Callable[[Answer], Awaitable[Server]]]:
    """Start a hostile server: `await start(raw(b"..."))`."""
    async with AsyncExitStack() as stack:

        async def start(answer: Answer, greeting: bytes = b"") -> Server:
            server = Server(answer, greeting)
            listening = await asyncio.start_server(server, "127.0.0.1", 0)
            stack.callback(server.stop)
            stack.callback(listening.close)
            server.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
            return server

        yield start


async def send(url: str, request: Request = PAGE, *, timeout_s: float = 30) -> Response:
    async with Transport(timeout_s=timeout_s) as transport:
        return await transport.send(url, request, HEADERS)


def shows_no_token(error: BaseException, caplog: pytest.LogCaptureFixture) -> None:
    """Neither in its text nor where it is logged with everything it knows."""
    logging.getLogger("test").error("failed: %r", error, exc_info=error)
    told = [str(error), repr(error), *traceback.format_exception(error), caplog.text]
    told += [str(record.__dict__) for record in caplog.records if record.name != "test"]
    assert SECRET not in "".join(told)


async def test_what_the_emulator_sends_comes_whole() -> None:
    for compress in (False, True):
        emulator = Emulator(GraphWorld([(1, i) for i in range(2, 900)]), compress=compress)
        running = await serve(emulator)
        response = await send(running.url)
        assert response.status == 200
        assert response.headers["x-rate-limit-limit"] == "300"
        assert response.headers.get("content-encoding") == ("gzip" if compress else None)
        assert len(X(url=running.url).decode(PAGE, response).ids) == 898
        await running.close()


async def test_what_goes_out(start: Callable[[Answer], Awaitable[Server]]) -> None:
    server = await start(raw(http(BODY)))
    assert (await send(server.url)).body == BODY
    [request] = server.requests
    head, *lines = request.split("\r\n")
    assert re.match(r"GET /2/users/1/followers\?max_results=1000&user\.fields=\S+ HTTP/1\.1$", head)
    headers = dict(line.split(": ", 1) for line in lines if line)
    assert headers["Authorization"] == f"Bearer {SECRET}"
    assert headers["Accept-Encoding"] == "gzip"
    assert headers["User-Agent"].startswith("twittomatic/")


async def test_connections_are_kept(start: Callable[[Answer], Awaitable[Server]]) -> None:
    server = await start(raw(http(BODY, "200 OK", "Set-Cookie: a=b")))
    async with Transport(timeout_s=30) as transport:
        for _ in range(3):
            await transport.send(server.url, PAGE, HEADERS)
    assert len(server.requests) == 3
    assert not any("Cookie" in request for request in server.requests)


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See", "307 Temporary", "308 Permanent"])
async def test_no_redirect_is_followed(start: Callable[[Answer], Awaitable[Server]], status: str) -> None:
    thief = await start(raw(http(BODY)))
    server = await start(raw(http(b"", status, f"Location: {thief.url}/2/users")))
    response = await send(server.url)
    assert response.status == int(status[:3])
    assert thief.requests == []
    assert len(server.requests) == 1
    with pytest.raises(UnexpectedPayload, match="redirect"):
        X(url=server.url).decode(PAGE, response)


@pytest.mark.parametrize("encoding", ["gzip", "x-gzip", "GZIP"])
async def test_gzip_is_unpacked(start: Callable[[Answer], Awaitable[Server]], encoding: str) -> None:
    server = await start(raw(http(ZIPPED, "200 OK", f"Content-Encoding: {encoding}")))
    assert (await send(server.url)).body == BODY


async def test_an_answer_without_a_body(start: Callable[[Answer], Awaitable[Server]]) -> None:
    server = await start(raw(http(b"", "200 OK", GZIP)))
    assert (await send(server.url)).body == b""


async def test_a_page_of_html(start: Callable[[Answer], Awaitable[Server]]) -> None:
    page = b"<html>" + b"x" * 100_000
    server = await start(raw(http(page, "503 Service Unavailable", "Content-Type: text/html")))
    response = await send(server.url)
    assert (response.status, response.body) == (503, page)


@pytest.mark.parametrize(
    ("sent", "is_whole"),
    [
        (http(BODY), True),
        (http(ZIPPED, "200 OK", GZIP), True),
        (http(gzip.compress(BODY[:9]) + gzip.compress(BODY[9:]), "200 OK", GZIP), True),
        (http(BODY, "200 OK", GZIP), True),  # called gzip, and is none
        (http(BODY, "200 OK", "Content-Encoding: identity"), True),
        (CHUNKED + b"%x\r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY), True),
        (b"HTTP/1.0 200 OK\r\n\r\n" + BODY, False),
        (b"HTTP/1.0 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + ZIPPED, True),
        (b"HTTP/1.0 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + BODY, False),
    ],
)
async def test_whether_a_body_is_known_to_be_whole(
    start: Callable[[Answer], Awaitable[Server]], sent: bytes, is_whole: bool
) -> None:
    """By its length, its last chunk, or the sum of what was packed; not where the connection just ends."""
    server = await start(raw(sent, then=leave))
    response = await send(server.url)
    assert (response.body, response.is_whole) == (BODY, is_whole)


@pytest.mark.parametrize("status", ["301 Moved", "404 Not Found", "429 Too Many", "503 Overloaded"])
@pytest.mark.parametrize("body", ["cut", "not gzip", "silent"])
async def test_a_refusal_counts_though_its_body_is_cut(
    start: Callable[[Answer], Awaitable[Server]], status: str, body: str
) -> None:
    """Nothing was served, so nothing is billed; its headers say what to do."""
    server = await start(
        {
            "cut": raw(http(BODY, status, "Retry-After: 7", length=5_000), then=leave),
            "not gzip": raw(http(ZIPPED[:-9], status, "Retry-After: 7", GZIP)),
            "silent": raw(http(BODY, status, "Retry-After: 7", length=5_000), then=stay_silent),
        }[body]
    )
    response = await send(server.url, timeout_s=0.5 if body == "silent" else 30)
    assert (str(response.status), response.headers["retry-after"]) == (status[:3], "7")
    assert (response.body, response.is_whole) == (b"", False)
    with pytest.raises(NetworkError) as caught:
        X(url=server.url).decode(PAGE, response)
    assert getattr(caught.value, "most_billed", 0) == 0


HOSTILE = {
    "says nothing and leaves": (leave, "broke off"),
    "resets": (reset, "broke off"),
    "resets in the body": (raw(http(BODY, length=5_000), then=reset), "broke off"),
    "leaves in the headers": (raw(b"HTTP/1.1 200 OK\r\nContent-Le", then=leave), "broke off"),
    "leaves in the body": (raw(http(BODY, length=5_000), then=leave), "broke off"),
    "leaves between chunks": (raw(CHUNKED + b"3\r\nabc\r\n", then=leave), "broke off"),
    "sends a chunk that is none": (raw(CHUNKED + b"zz\r\nabc\r\n", then=leave), "broke off"),
    "sends half a gzip": (raw(http(ZIPPED[:-9], "200 OK", GZIP)), "broke off"),
    "sends a gzip without its sum": (raw(http(ZIPPED[:-8], "200 OK", GZIP)), "broke off"),
    "sends a gzip with a wrong sum": (raw(http(ZIPPED[:-8] + bytes(8), "200 OK", GZIP)), "broke off"),
    "sends half a second gzip": (raw(http(ZIPPED + ZIPPED[:-9], "200 OK", GZIP)), "broke off"),
    "packs what it should not": (raw(http(BODY, "200 OK", "Content-Encoding: br")), "broke off"),
    "announces too much": (raw(http(BODY, length=1 << 40)), "broke off"),
    "speaks no HTTP": (raw(b"SSH-2.0-OpenSSH_9.6\r\n\r\n", then=leave), "broke off"),
    "echoes what it heard": (raw(f"HTTP/1.1 {SECRET}\r\n\r\n".encode(), then=leave), "broke off"),
    "says nothing": (stay_silent, "did not answer within"),
    "says nothing after the headers": (raw(http(b"", length=9), then=stay_silent), "did not answer within"),
    "never comes to an end": (raw(CHUNKED, then=drip), "did not answer within"),
}


@pytest.mark.parametrize("kind", HOSTILE)
async def test_a_request_that_may_have_been_served(
    start: Callable[[Answer], Awaitable[Server]], kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    """It was sent once; whether it is billed is unknown, unless it is free."""
    caplog.set_level(logging.DEBUG)
    answer, words = HOSTILE[kind]
    timeout_s = 0.5 if "not answer" in words else 30
    for request in (PAGE, FREE):
        server = await start(answer)
        with pytest.raises(UpstreamUnavailable, match=words) as caught:
            await send(server.url, request, timeout_s=timeout_s)
        assert caught.value.most_billed == (None if request is PAGE else 0)
        assert not caught.value.answered
        assert server.url.removeprefix("http://") in str(caught.value)
        assert len(server.requests) == 1
        shows_no_token(caught.value, caplog)


async def test_a_kept_connection_that_breaks_off_is_not_asked_again(
    start: Callable[[Answer], Awaitable[Server]],
) -> None:
    """A permit is for one request; another attempt needs another permit."""
    answers = iter([raw(http(BODY)), leave])

    async def answer(writer: asyncio.StreamWriter) -> None:
        await next(answers)(writer)

    server = await start(answer)
    async with Transport(timeout_s=30) as transport:
        await transport.send(server.url, PAGE, HEADERS)
        with pytest.raises(UpstreamUnavailable):
            await transport.send(server.url, PAGE, HEADERS)
    assert len(server.requests) == 2


async def test_a_bomb_of_gzip_does_not_go_off(start: Callable[[Answer], Awaitable[Server]]) -> None:
    server = await start(raw(http(bomb(), "200 OK", GZIP)))
    with pytest.raises(UpstreamUnavailable, match="broke off"):
        await send(server.url)


async def test_a_body_longer_than_makes_sense(start: Callable[[Answer], Awaitable[Server]]) -> None:
    chunk = b"%x\r\n" % (1 << 20) + bytes(1 << 20) + b"\r\n"

    async def pour(writer: asyncio.StreamWriter) -> None:
        for _ in range(100):
            writer.write(chunk)
            await writer.drain()
        writer.write(b"0\r\n\r\n")

    server = await start(raw(CHUNKED, then=pour))
    with pytest.raises(UpstreamUnavailable, match="broke off"):
        await send(server.url)


def nobody_listens() -> str:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"http://127.0.0.1:{server.getsockname()[1]}"


@pytest.mark.parametrize("kind", ["nobody listens", "no such host", "no TLS", "no URL"])
async def test_a_request_that_never_left_costs_nothing(
    start: Callable[..., Awaitable[Server]], kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    server = await start(stay_silent, greeting=b"220 this is no TLS\r\n")
    url = {
        "nobody listens": nobody_listens(),
        "no such host": "http://a..b",
        "no TLS": server.url.replace("http", "https"),
        "no URL": "http://",
    }[kind]
    with pytest.raises(UpstreamUnavailable, match=r"cannot be reached .*; check the URL") as caught:
        await send(url)
    assert caught.value.most_billed == 0
    assert not caught.value.answered
    shows_no_token(caught.value, caplog)


async def test_a_connection_that_does_not_come_about_costs_nothing() -> None:
    """As behind a firewall that drops what it does not like: nothing was asked, so nothing is owed."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full, ExitStack() as stack:
        address = full.getsockname()
        for _ in range(4):  # until the kernel lets no more in line
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(address)
        with pytest.raises(UpstreamUnavailable) as caught:
            await send(f"http://127.0.0.1:{address[1]}", timeout_s=0.5)
    assert "cannot be reached" in str(caught.value)
    assert caught.value.most_billed == 0
    assert not caught.value.answered


async def test_credentials_in_the_address_are_not_shown() -> None:
    url = nobody_listens().replace("http://", f"http://me:{SECRET}@")
    with pytest.raises(UpstreamUnavailable) as caught:
        await send(url)
    assert SECRET not in str(caught.value)
