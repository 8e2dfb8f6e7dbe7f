"""Requirements on a server before a crawl relies on it: each refusal has its own sentence."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from valkeyd import admin, valkeyd

from twittomatic.errors import SettingsError, StateUnavailable, TwittomaticError
from twittomatic.state import scripts
from twittomatic.state.admission import NEEDED, admit
from twittomatic.state.connection import Connection

POLICIES = [
    "allkeys-lru",
    "allkeys-lfu",
    "allkeys-random",
    "volatile-lru",
    "volatile-lfu",
    "volatile-random",
    "volatile-ttl",
]
ALL_BUT = "reset on >pw ~* &* +@all"


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with valkeyd() as port:
        yield port


@pytest.fixture
def server(port: int) -> Iterator[Redis]:
    with admin(port) as server:
        yield server
        server.config_set("maxmemory-policy", "noeviction")
        server.config_set("maxmemory", 0)


async def refused(connection: Connection, **options: Any) -> str:
    with pytest.raises(TwittomaticError) as caught:
        await admit(connection, **options)
    assert isinstance(caught.value, SettingsError)
    return str(caught.value)


async def test_a_server_that_keeps_everything_is_admitted(
    port: int, reach: Callable[..., Connection]
) -> None:
    assert re.fullmatch(r"Valkey 9\.\d", await admit(reach(f"redis://127.0.0.1:{port}")))


@pytest.mark.parametrize("policy", POLICIES)
async def test_every_policy_that_evicts_is_refused_by_name(
    server: Redis, port: int, reach: Callable[..., Connection], policy: str
) -> None:
    server.config_set("maxmemory-policy", policy)
    said = await refused(reach(f"redis://127.0.0.1:{port}"), allow_unchecked=True)
    assert f"maxmemory-policy is {policy}," in said
    assert "set maxmemory-policy noeviction" in said


async def test_a_user_without_info_is_admitted_on_demand_alone(
    server: Redis, port: int, reach: Callable[..., Connection]
) -> None:
    server.execute_command("ACL", "SETUSER", "blind", *ALL_BUT.split(), "-info")
    url = f"redis://blind:pw@127.0.0.1:{port}"
    assert "ALLOW_UNCHECKED_REDIS" in await refused(reach(url))
    assert await admit(reach(url), allow_unchecked=True) == "a server of unknown version"


@pytest.mark.parametrize(
    ("rule", "named"),
    [
        ("-client", "the command CLIENT SETNAME"),
        ("-client|setname", "the command CLIENT SETNAME"),
        ("-evalsha", "the command EVALSHA"),
        ("-script", "the command SCRIPT LOAD"),
        ("-xadd", "XADD on"),
        ("-xgroup|setid", "XGROUP SETID on"),
        ("-hset -zadd", "HSET, ZADD on"),
        ("-xreadgroup", "XREADGROUP on"),
        ("-ping", "the command PING"),
        ("resetkeys ~other:*", "may not use keys that begin with tw:"),
    ],
)
async def test_a_command_that_an_acl_forbids_is_named(
    server: Redis, port: int, reach: Callable[..., Connection], rule: str, named: str
) -> None:
    server.script_flush()
    server.execute_command("ACL", "SETUSER", "bound", *ALL_BUT.split(), *rule.split())
    said = await refused(reach(f"redis://bound:pw@127.0.0.1:{port}"))
    assert named in said
    assert "ACL" in said


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("redis://127.0.0.1:{port}/99", "a database that the server does not have"),
        ("redis://nobody:wrong@127.0.0.1:{port}", "does not accept the credentials of REDIS_URL"),
        ("redis://nobody:wrong@127.0.0.1:{port}?protocol=3", "does not accept the credentials of REDIS_URL"),
    ],
)
async def test_an_address_that_is_not_right(
    port: int, reach: Callable[..., Connection], url: str, sentence: str
) -> None:
    assert sentence in await refused(reach(url.format(port=port)))


async def test_a_password_that_is_missing(reach: Callable[..., Connection]) -> None:
    with valkeyd("--requirepass", "pw") as port:
        said = await refused(reach(f"redis://127.0.0.1:{port}"))
    assert "does not accept the credentials of REDIS_URL" in said


async def test_a_cluster_is_refused(reach: Callable[..., Connection]) -> None:
    with valkeyd("--cluster-enabled", "yes") as port:
        with admin(port) as server:
            server.execute_command("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
        assert "a Redis Cluster" in await refused(reach(f"redis://127.0.0.1:{port}"))
        with pytest.raises(SettingsError, match="a Redis Cluster"):  # for a process that was not admitted
            connection = reach(f"redis://127.0.0.1:{port}")
            await connection.run("leader/acquire", ["a", "b", "c"], ["me", 0, 1000, "id", ""])


@pytest.mark.parametrize("stale", ["yes", "no"])
async def test_a_replica_is_refused(reach: Callable[..., Connection], stale: str) -> None:
    with (
        valkeyd("--replicaof", "127.0.0.1", "1", "--replica-serve-stale-data", stale) as port,
        pytest.raises(StateUnavailable, match="REDIS_URL names a replica"),
    ):
        await admit(reach(f"redis://127.0.0.1:{port}", patience_s=0))


async def test_a_server_that_still_loads(reach: Callable[..., Connection]) -> None:
    async with scripted(b"-LOADING Redis is loading the dataset in memory\r\n") as port:
        with pytest.raises(StateUnavailable, match="still loading"):
            await admit(reach(f"redis://127.0.0.1:{port}", patience_s=0))


@pytest.mark.parametrize(
    "greeting",
    [
        b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"220 mail ESMTP\r\n",
        b"\x15\x03\x03\x00\x02\x02\x0a",
        b"\x00\xff\xfe\x01",
        b"+hello\r\n",
    ],
)
@pytest.mark.parametrize("options", ["", "?protocol=3"])
async def test_what_is_no_redis(reach: Callable[..., Connection], greeting: bytes, options: str) -> None:
    async with scripted(greeting) as port:
        assert "Redis protocol" in await refused(reach(f"redis://127.0.0.1:{port}{options}", patience_s=0))


@pytest.mark.parametrize(
    ("told", "sentence"),
    [
        ("redis_version:6.2.14", "Redis 6.2 is too old"),
        ("redis_version:7.2.4\r\nvalkey_version:7.2.5", "Valkey 7.2 is too old"),
        ("redis_version:7.2.4\r\nredis_mode:cluster", "a Redis Cluster"),
        ("redis_version:7.2.4", "does not say whether it evicts keys"),
        ("redis_version:7.2.4\r\nmaxmemory_policy:volatile-lru", "maxmemory-policy is volatile-lru"),
    ],
)
async def test_what_a_server_reports_about_itself(
    reach: Callable[..., Connection], told: str, sentence: str
) -> None:
    info = told.encode() + b"\r\n"
    async with scripted(b"$%d\r\n%s\r\n" % (len(info), info)) as port:
        assert sentence in await refused(reach(f"redis://127.0.0.1:{port}", patience_s=0))


@asynccontextmanager
async def scripted(answer: bytes) -> AsyncIterator[int]:
    """Serve on a port of loopback: `answer` to all but the greeting of a client to a Redis, if it is one."""
    is_redis = answer.startswith((b"$", b"-"))

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            if not line.startswith(b"*"):
                continue
            words = []
            for _ in range(int(line[1:])):
                size = int((await reader.readline())[1:])
                words.append((await reader.readexactly(size + 2))[:-2].upper())
            polite = is_redis and words[0] in (b"CLIENT", b"HELLO", b"PING")
            writer.write({b"PING": b"+PONG\r\n"}.get(words[0], b"+OK\r\n") if polite else answer)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def test_a_server_that_is_full_is_waited_for(
    server: Redis, port: int, reach: Callable[..., Connection]
) -> None:
    connection = reach(f"redis://127.0.0.1:{port}", patience_s=30)
    await admit(connection)
    server.config_set("maxmemory", 1)
    writing = asyncio.create_task(connection.call("HSET", "some", "field", 1))
    reading = await connection.call("HGET", "some", "other")
    assert reading is None
    assert not writing.done()  # the other one was answered in the same pipeline
    server.config_set("maxmemory", 0)
    assert await writing == 1


@pytest.mark.parametrize("how", ["call", "script"])
async def test_a_server_that_stays_full_is_reported(
    server: Redis, port: int, reach: Callable[..., Connection], how: str
) -> None:
    connection = reach(f"redis://127.0.0.1:{port}", patience_s=0)
    server.config_set("maxmemory", 1)
    with pytest.raises(StateUnavailable, match=r"Redis is full.*raise maxmemory"):
        if how == "call":
            await connection.call("HSET", "some", "field", 1)
        else:
            await connection.run("leader/acquire", ["a", "b", "c"], ["me", 0, 1000, "id", ""])


def test_every_command_of_a_script_is_among_those_that_an_acl_is_asked_for() -> None:
    files = [*Path(scripts.__file__).parent.rglob("*.lua")]
    used = {
        " ".join(filter(None, found))
        for file in files
        for found in re.findall(
            r"redis\.p?call\('([A-Z]+)'(?:, '(CREATE|DELCONSUMER|DESTROY|SETID|GROUPS|STREAM)')?",
            file.read_text(),
        )
    }
    assert used
    assert used - {re.sub(" (key|GROUP |STREAMS).*", "", line) for line in NEEDED} == set()
