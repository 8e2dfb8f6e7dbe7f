"""Behind Sentinel: which node is the master, which is not believed, and the message when there is none."""

import asyncio
import signal
from collections.abc import Callable

import pytest
from replicated import SERVICE, Replicated, replicated

from support.state import LedCrawl
from twittomatic.errors import LeaseLost, SettingsError, StateUnavailable
from twittomatic.model import Checkpoint, Module, WorkerReport
from twittomatic.networks.base import Limit
from twittomatic.state.account import Account
from twittomatic.state.client import client
from twittomatic.state.connection import Connection
from twittomatic.state.failover import Replication, Sentinels
from twittomatic.state.keys import NetworkKeys
from twittomatic.state.permits import Permit

REPORT = WorkerReport(seen_at="2026-01-01T00:00:00Z")

DEADLINE_S = 60.0


async def sentence(connection: Connection, *command: str) -> str:
    async with asyncio.timeout(DEADLINE_S):
        with pytest.raises((StateUnavailable, SettingsError)) as caught:
            await connection.call(*command or ("PING",))
    return str(caught.value)


async def test_unreachable_sentinels(reach: Callable[..., Connection]) -> None:
    said = await sentence(reach("redis+sentinel://:hunter2@127.0.0.1:1,127.0.0.1:2/main", patience_s=0.1))
    assert said == (
        "Redis cannot be reached (none of the Sentinels at 127.0.0.1:1, 127.0.0.1:2 answers); "
        "check REDIS_URL and the server, then start again."
    )


async def test_an_unknown_service(replicas: Replicated, reach: Callable[..., Connection]) -> None:
    said = await sentence(reach(f"{replicas.url}s", patience_s=600))
    assert "watch no service called “mains”); check REDIS_URL" in said


async def test_one_sentinel_is_enough(replicas: Replicated, reach: Callable[..., Connection]) -> None:
    replicas.sentinels[0].kill()
    replicas.sentinels[1].send(signal.SIGSTOP)
    assert await reach(replicas.url).call("PING")


async def test_the_replicas_are_gone(replicas: Replicated, reach: Callable[..., Connection]) -> None:
    """Nothing is acknowledged meanwhile, whatever the master itself would accept."""
    master = replicas.master
    connection = reach(replicas.url, patience_s=600)
    await connection.call("DEL", "alone")
    master.client.config_set("min-replicas-to-write", 0)
    for replica in replicas.replicas:
        replica.kill()
    call = asyncio.create_task(connection.call("INCR", "alone"))
    said = await sentence(reach(replicas.url, patience_s=0.1))
    assert said.startswith("No replica of the Redis server confirms what is written")
    assert await asyncio.to_thread(master.client.get, "alone")
    assert not call.done()
    await asyncio.to_thread(replicas.heal)
    master.client.config_set("min-replicas-to-write", 1)
    async with asyncio.timeout(DEADLINE_S):
        assert await call >= 1


async def test_a_master_that_comes_back_with_old_data_is_not_believed(
    replicas: Replicated, reach: Callable[..., Connection]
) -> None:
    """Nor is a Sentinel that slept through the failover and still names it."""
    connection = reach(replicas.url)
    await connection.call("SET", "version", "old")
    sleeper = replicas.sentinels[0]
    memory = (sleeper.directory / "conf").read_text()
    old = await asyncio.to_thread(replicas.fail_over)
    async with asyncio.timeout(DEADLINE_S):
        await connection.call("SET", "version", "new")
    old.start()  # as the master that it was
    await asyncio.to_thread(replicas.until, lambda: old.info().get("role") == "master")
    sentinels = Sentinels([("127.0.0.1", one.port) for one in replicas.sentinels], {"decode_responses": True})

    async def is_behind() -> bool:
        """Wake the sleeper, discover the master, and return whether the sleeper still named the old one."""
        sleeper.kill()
        (sleeper.directory / "conf").write_text(memory)
        sleeper.start()
        await asyncio.to_thread(replicas.until, lambda: sleeper.info("sentinel"))
        assert await sentinels.discover_master(SERVICE) == ("127.0.0.1", replicas.master.port)
        words = [await sentinels.ask(address, SERVICE) for address in sentinels.addresses]
        return bool(words[0].epoch < words[1].epoch)

    async with asyncio.timeout(DEADLINE_S):
        while not await is_behind():  # it catches up within a second, or on a busy machine before it is asked
            pass
    assert await reach(replicas.url).call("GET", "version") == "new"
    deceived = reach(f"redis://127.0.0.1:{old.port}", patience_s=0.1)
    deceived._replication = Replication(required=True)
    assert "No replica" in await sentence(deceived, "GET", "version")


async def test_a_frozen_master_loses_nothing_that_was_acknowledged(
    replicas: Replicated, reach: Callable[..., Connection]
) -> None:
    """It sleeps through its own end, and wakes as the master it believes to be."""
    connection = reach(replicas.url)
    await connection.call("DEL", "awake")
    old = replicas.master
    acknowledged: set[str] = set()
    thawed = asyncio.Event()

    async def write(writer: int) -> None:
        number = 0
        while not thawed.is_set():
            await connection.call("SADD", "awake", f"{writer}-{number}")
            acknowledged.add(f"{writer}-{number}")
            number += 1

    writing = [asyncio.create_task(write(writer)) for writer in range(8)]
    async with asyncio.timeout(DEADLINE_S):
        while len(acknowledged) < 100:
            await asyncio.sleep(0.002)
        old.send(signal.SIGSTOP)
        await asyncio.to_thread(replicas.until, lambda: replicas.master is not old)
        old.send(signal.SIGCONT)
        before = len(acknowledged)
        while len(acknowledged) < before + 100:
            await asyncio.sleep(0.002)
        thawed.set()
        await asyncio.gather(*writing)
        assert await connection.call("SMEMBERS", "awake") == acknowledged


class Careless(Replication):
    """Believes whatever the master says."""

    def commands(self, now: float, *, resent: bool) -> list[tuple[str | int, ...]]:
        return []


async def test_writes_lost_with_the_master_do_no_harm(
    replicas: Replicated, reach: Callable[..., Connection], led_on: Callable[[Connection], LedCrawl]
) -> None:
    """A job that a worker holds is remembered by no server, and another one gets it; and no request went out
    whose money could have been forgotten."""
    connection, careless = reach(replicas.url), reach(replicas.url)
    careless._replication = Careless(required=False)
    await careless.call("PING")
    led = led_on(connection)
    await led.begin()
    await led.frontier.discover(["1"], 0)
    early, late = led.worker("early", careless), led.worker("late")
    keys = NetworkKeys(led.keys.crawl)
    money = Account(connection, keys, budget=1_000_000, horizon_s=60)
    master = replicas.master
    for replica in replicas.replicas:
        replica.send(signal.SIGSTOP)
    led.frontier._connection = careless
    await led.feed()
    [lost] = await early.lease(Module.FOLLOWER, 1)
    limits = {"a": Limit(requests=2, window_s=900)}
    asking = asyncio.create_task(money.acquire("x", limits, price=10_000, wanted=60))
    await asyncio.to_thread(replicas.until, lambda: master.client.exists(keys.ledger))
    assert not asking.done()
    replicas.lose_master()
    async with asyncio.timeout(DEADLINE_S):
        await led.leadership.lead()
        assert (await led.feed())[0] == 1
        [job] = await late.lease(Module.FOLLOWER, 1)
        assert (job.user_id, job.entry != lost.entry) == ("1", True)
        with pytest.raises(LeaseLost):
            await early.commit(lost, Checkpoint(part="early"), {"pages": 1})
        assert (await early.heartbeat([lost], REPORT)).lost == [lost]
        await late.commit(job, Checkpoint(part="late"), {"pages": 1})
        await late.complete(job)
        assert (await led.crawl.status()).counters["pages"] == 1
        permit = await asking
        assert isinstance(permit, Permit)
        assert (await money.totals()).reserved == 600_000
        await money.settle(permit, 250_000)
        totals = await money.totals()
        assert (totals.spent, totals.reserved) == (250_000, 0)


@pytest.mark.parametrize("sentinels_ask", [True, False], ids=["all", "nodes alone"])
def test_nodes_with_a_password(sentinels_ask: bool) -> None:
    with replicated(password="hunter2", sentinels_ask=sentinels_ask) as server:

        async def use() -> None:
            connection = Connection(client(server.url, "test"))
            await connection.call("SET", "a", 1)
            await connection.close()
            wrong = server.url.replace("hunter2", "hunter3")
            for url in (wrong, wrong.replace(":hunter3@", "")):
                stranger = Connection(client(url, "test"), patience_s=0.1)
                said = await sentence(stranger)
                assert "credentials" in said
                assert "hunter" not in said
                await stranger.close()

        asyncio.run(use())
