"""One connection for a process: calls travel together, wait for a server that is away, and are sent again."""

import asyncio
import itertools
import os
import signal
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path

import pytest

from support.state import LedCrawl
from twittomatic.errors import SettingsError, StateError, StateUnavailable
from twittomatic.model import Checkpoint, Module, WorkerReport
from twittomatic.networks.base import Limit
from twittomatic.state.account import Account
from twittomatic.state.client import client
from twittomatic.state.connection import Connection
from twittomatic.state.embedded.server import Role, embedded
from twittomatic.state.jobs import Jobs
from twittomatic.state.keys import NetworkKeys
from twittomatic.state.permits import Permit
from twittomatic.state.scripts import source

REPORT = WorkerReport(seen_at="2026-01-01T00:00:00Z")


class Relay:
    """A TCP relay to the server that can lose an answer although the command was carried out."""

    def __init__(self, socket: str) -> None:
        self._socket = socket
        self._connections: set[asyncio.StreamWriter] = set()
        self.loses_answers = 0
        self.lost = 0

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server_reader, server_writer = await asyncio.open_unix_connection(self._socket)
        self._connections |= {writer, server_writer}
        await asyncio.gather(
            self._copy(reader, server_writer, answers=False),
            self._copy(server_reader, writer, answers=True),
        )
        self._connections -= {writer, server_writer}

    async def _copy(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, answers: bool
    ) -> None:
        with suppress(OSError):
            while data := await reader.read(1 << 16):
                if answers and self.loses_answers:
                    self.loses_answers -= 1
                    self.lost += 1
                    break
                writer.write(data)
                await writer.drain()
        with suppress(OSError):
            writer.close()
            await writer.wait_closed()

    def cut(self) -> None:
        for writer in self._connections:
            writer.close()


@pytest.fixture
async def relay(server_url: str) -> AsyncIterator[tuple[Relay, str]]:
    relay = Relay(server_url.removeprefix("unix://"))
    server = await asyncio.start_server(relay, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    yield relay, f"redis://127.0.0.1:{port}"
    server.close()
    relay.cut()
    await server.wait_closed()


@pytest.fixture
async def lossy(relay: tuple[Relay, str]) -> AsyncIterator[Connection]:
    """A connection that loses the answer to what is asked next, and has to ask again."""
    connection = Connection(client(relay[1], "lossy"))
    # Load them first, so that the lost answer is not the server's "no such script".
    for script in ("ledger/acquire", "ledger/settle", "jobs/commit", "jobs/release"):
        await connection.call("SCRIPT", "LOAD", source(script))
    yield connection
    await connection.close()
    assert relay[0].lost  # or nothing was shown


async def reads(connection: Connection) -> int:
    """How often the server has read from any socket."""
    stats = await connection.call("INFO", "stats")
    return int(stats["total_reads_processed"])


async def test_calls_of_one_moment_are_one_round_trip(connection: Connection) -> None:
    before = await reads(connection)
    answers = await asyncio.gather(*[connection.call("ECHO", str(i)) for i in range(50)])
    assert answers == [str(i) for i in range(50)]
    assert await reads(connection) - before == 2  # the calls, and the question itself


async def test_calls_one_after_the_other_are_a_round_trip_each(connection: Connection) -> None:
    before = await reads(connection)
    for i in range(10):
        await connection.call("ECHO", str(i))
    assert await reads(connection) - before == 11


async def test_any_number_of_calls(connection: Connection) -> None:
    answers = await asyncio.gather(*[connection.call("ECHO", str(i)) for i in range(5_000)])
    assert answers == [str(i) for i in range(5_000)]


async def test_calls_are_carried_out_in_their_order(connection: Connection) -> None:
    await connection.call("DEL", "order")
    await asyncio.gather(*[connection.call("RPUSH", "order", i) for i in range(1_500)])
    assert await connection.call("LRANGE", "order", 0, -1) == [str(i) for i in range(1_500)]


async def test_a_refusal_is_of_one_call(connection: Connection) -> None:
    await connection.call("SET", "text", "x")
    answers = await asyncio.gather(
        connection.call("ECHO", "a"),
        connection.call("INCR", "text"),
        connection.call("ECHO", "b"),
        return_exceptions=True,
    )
    assert answers[::2] == ["a", "b"]
    assert isinstance(answers[1], StateError)
    assert not isinstance(answers[1], StateUnavailable)
    assert "not an integer" in str(answers[1])


async def test_a_cancelled_call_takes_nothing_from_others(connection: Connection) -> None:
    calls = [asyncio.ensure_future(connection.call("ECHO", str(i))) for i in range(6)]
    await asyncio.sleep(0)
    calls[2].cancel()
    answers = await asyncio.gather(*calls, return_exceptions=True)
    assert answers[:2] + answers[3:] == ["0", "1", "3", "4", "5"]
    assert isinstance(answers[2], asyncio.CancelledError)
    assert await connection.call("ECHO", "x") == "x"


async def test_scripts_survive_that_the_server_forgets_them(led: LedCrawl) -> None:
    [job] = await led.lease_new(led.worker())
    await led.call("SCRIPT", "FLUSH")
    before, moved = await asyncio.gather(led.call("ECHO", "x"), led.feed())
    assert before == "x"
    assert moved[-1] == "running"
    await led.call("SCRIPT", "FLUSH")
    await asyncio.gather(
        led.worker().commit(job, Checkpoint(part="p"), {"pages": 1}), led.frontier.discover(["7"], 0)
    )
    assert (await led.crawl.status()).counters["pages"] == 1
    assert await led.frontier.seen() == 2


async def test_an_unknown_script(connection: Connection) -> None:
    with pytest.raises(FileNotFoundError):
        await connection.run("nonsense", [])


async def test_a_server_that_has_no_replica_yet_is_waited_for(led: LedCrawl) -> None:
    """As in the moment after a failover, when the new master still stands alone."""
    await led.call("CONFIG", "SET", "min-replicas-to-write", 1)
    call = asyncio.create_task(led.frontier.discover(["1"], 0))
    try:
        async with asyncio.timeout(30):
            while "errorstat_NOREPLICAS" not in await led.connection.redis.info("errorstats"):
                assert not call.done()
        assert not call.done()
    finally:
        await led.connection.redis.config_set("min-replicas-to-write", 0)
    assert await call == 1


async def test_no_server_at_all(tmp_path: Path) -> None:
    connection = Connection(client(f"unix://{tmp_path}/none.sock", "test"), patience_s=0.05)
    calls = await asyncio.gather(connection.call("PING"), connection.call("PING"), return_exceptions=True)
    await connection.close()
    for error in calls:
        assert isinstance(error, StateUnavailable)
        assert "check REDIS_URL" in str(error)


async def test_credentials_that_are_not_accepted_are_not_tried_for_long(server_url: str) -> None:
    url = server_url.replace("unix://", "unix://nobody:hunter2@")
    connection = Connection(client(url, "test"), patience_s=600)
    async with asyncio.timeout(30):
        with pytest.raises(SettingsError, match="credentials") as caught:
            await connection.call("PING")
    assert "hunter2" not in str(caught.value)
    await connection.close()


async def test_closing_ends_calls_that_wait(tmp_path: Path) -> None:
    connection = Connection(client(f"unix://{tmp_path}/none.sock", "test"), patience_s=600)
    calls = [asyncio.create_task(connection.call("PING")) for _ in range(3)]
    async with asyncio.timeout(30):
        while connection.is_settled:  # until the first attempt has failed
            await asyncio.sleep(0.001)
    calls.append(asyncio.create_task(connection.call("PING")))
    await asyncio.sleep(0)
    await connection.close()
    results = await asyncio.gather(*calls, return_exceptions=True)
    assert all(isinstance(result, asyncio.CancelledError) for result in results)


async def test_a_connection_that_was_cut_is_opened_again(relay: tuple[Relay, str]) -> None:
    connection = Connection(client(relay[1], "cut"))
    for i in range(5):
        assert await connection.call("ECHO", str(i)) == str(i)
        relay[0].cut()
        await asyncio.sleep(0)
    await connection.close()


async def test_a_permit_whose_answer_was_lost_is_granted_once(
    relay: tuple[Relay, str], lossy: Connection
) -> None:
    money = Account(lossy, NetworkKeys("lossy-money"), budget=1_000_000, horizon_s=60)
    relay[0].loses_answers = 1
    one = await money.acquire(
        "x", {"a": Limit(requests=2, window_s=900)}, price=10_000, wanted=60, fields=["crawl:x"]
    )
    assert isinstance(one, Permit)
    assert (await money.totals()).reserved == 600_000
    relay[0].loses_answers = 1
    await money.settle(one, 250_000)
    totals = await money.totals()
    assert (totals.spent, totals.reserved, totals.fields) == (250_000, 0, {"crawl:x": 250_000})
    another = await money.acquire("x", {"a": Limit(requests=2, window_s=900)}, price=0, wanted=1)
    assert isinstance(another, Permit)


async def test_a_page_whose_answer_was_lost_counts_once(
    led: LedCrawl, relay: tuple[Relay, str], lossy: Connection
) -> None:
    jobs = Jobs(lossy, led.keys, "worker")
    [job] = await led.lease_new(jobs)
    relay[0].loses_answers = 1
    await jobs.commit(job, Checkpoint(part="p"), {"pages": 1})
    relay[0].loses_answers = 1
    await jobs.release(job, "ready")
    progress = await led.crawl.status()
    assert progress.counters["pages"] == 1
    assert (progress.jobs[Module.FOLLOWER].ready, progress.jobs[Module.FOLLOWER].leased) == (1, 0)


async def test_jobs_whose_lease_was_lost_on_the_way_come_back(
    led: LedCrawl, relay: tuple[Relay, str], lossy: Connection
) -> None:
    jobs = Jobs(lossy, led.keys, "worker")
    await led.frontier.discover(["1", "2"], 0)
    await led.feed()
    relay[0].loses_answers = 1
    assert len(await jobs.lease(Module.FOLLOWER, 9)) == 2
    assert (await led.crawl.status()).jobs[Module.FOLLOWER].leased == 2
    await jobs.leave([Module.FOLLOWER])
    assert (await led.crawl.status()).jobs[Module.FOLLOWER].ready == 2


@pytest.fixture
async def mortal() -> AsyncIterator[tuple[Connection, Callable[[], int]]]:
    """A connection to a server of the test's own, and what kills that; its owner starts it again."""
    with tempfile.TemporaryDirectory(prefix="tw") as directory:
        async with embedded(Path(directory), Role.OWN) as url:

            def kill() -> int:
                pid = int((Path(directory) / "valkey.pid").read_text())
                os.kill(pid, signal.SIGKILL)
                return pid

            connection = Connection(client(url, "test"))
            yield connection, kill
            await connection.close()


async def test_calls_wait_for_a_server_that_was_killed(
    mortal: tuple[Connection, Callable[[], int]],
) -> None:
    """Every call is answered in the end, and what was acknowledged before is still there."""
    connection, kill = mortal
    acknowledged: set[int] = set()
    numbers = itertools.count()
    stop = asyncio.Event()

    async def count() -> None:
        while not stop.is_set():
            number = next(numbers)
            await connection.call("SADD", "numbers", number)
            acknowledged.add(number)

    tasks = [asyncio.create_task(count()) for _ in range(10)]
    async with asyncio.timeout(60):
        await connection.call("SET", "sign", "x")
        kill()
        before = len(acknowledged)
        assert await connection.call("GET", "sign") == "x"  # waits for the next one
        while len(acknowledged) < before + 100:
            await asyncio.sleep(0.002)
        stop.set()
        await asyncio.gather(*tasks)
    members = await connection.call("SMEMBERS", "numbers")
    assert {int(number) for number in members} >= acknowledged
    info = await connection.call("INFO", "server")
    assert info["uptime_in_seconds"] < 60


async def test_a_crawl_continues_on_the_next_server(
    led_on: Callable[[Connection], LedCrawl], mortal: tuple[Connection, Callable[[], int]]
) -> None:
    connection, kill = mortal
    led = led_on(connection)
    await led.begin()
    jobs = led.worker()
    [job] = await led.lease_new(jobs)
    await jobs.commit(job, Checkpoint(part="p"), {})
    waiting = asyncio.create_task(jobs.lease(Module.FOLLOWER, 1))
    await asyncio.sleep(0)
    async with asyncio.timeout(60):
        kill()
        assert await waiting == []
        assert await led.leadership.lead()
        assert (await jobs.heartbeat([job], REPORT)).lost == []
        await jobs.complete(job)
        await led.lease_new(jobs, [2])
