"""Replicas: what was acknowledged survives the master, and what no replica has is not acknowledged."""

import asyncio
import signal
from collections.abc import Awaitable, Callable
from typing import Any

from replicated import Process, Replicated

from twittomatic.state.connection import Connection
from twittomatic.state.failover import Replication

DEADLINE_S = 60.0


class Careless(Replication):
    """Believes whatever the master says."""

    def commands(self, now: float, *, resent: bool) -> list[tuple[str | int, ...]]:
        return []


async def until(condition: Callable[[], Awaitable[object]]) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while not await condition():
            await asyncio.sleep(0.01)


def direct(node: Process) -> str:
    return f"redis://127.0.0.1:{node.port}"


async def calls_of(node: Process, command: str) -> int:
    """How often a node carried a command out."""
    stats = await asyncio.to_thread(node.info, "commandstats")
    return int(stats.get(f"cmdstat_{command}", {}).get("calls", 0))


async def test_without_replicas_nothing_waits(connection: Connection) -> None:
    before = await connection.call("INFO", "commandstats")
    for number in range(20):
        await connection.call("SET", "unreplicated", number)
    after = await connection.call("INFO", "commandstats")
    assert after.get("cmdstat_wait") == before.get("cmdstat_wait")
    assert after["cmdstat_role"]["calls"] - before.get("cmdstat_role", {"calls": 0})["calls"] <= 1


async def test_replicas_are_found_without_sentinel(
    replicas: Replicated, reach: Callable[..., Connection]
) -> None:
    master = replicas.master
    connection, before = reach(direct(master)), await calls_of(master, "wait")
    await asyncio.gather(*[connection.call("SET", f"found-{i}", i) for i in range(50)])
    await connection.call("SET", "found", 1)
    assert await calls_of(master, "wait") - before == 2  # the first pipeline once more, and the second


class Writer:
    """Adds numbers to its own set, and keeps those that were acknowledged."""

    def __init__(self, connection: Connection, key: str) -> None:
        self._connection = connection
        self._key = key
        self.acknowledged: set[str] = set()

    async def write(self, numbers: range) -> None:
        await asyncio.gather(*map(self._write, numbers))

    async def _write(self, number: int) -> None:
        await self._connection.call("SADD", self._key, number)
        self.acknowledged.add(str(number))

    async def kept(self) -> set[str]:
        found: set[str] = await self._connection.call("SMEMBERS", self._key)
        return found


async def test_what_was_acknowledged_survives_the_master(
    replicas: Replicated, reach: Callable[..., Connection]
) -> None:
    """Even when all is lost that was on its way to the replicas. Without waiting it does not survive."""
    believing = reach(replicas.url)
    believing._replication = Careless(required=False)
    careful, careless = Writer(reach(replicas.url), "careful"), Writer(believing, "careless")
    for writer in (careful, careless):
        await writer.write(range(100))
    master, frozen = replicas.master, replicas.replicas
    for replica in frozen:
        replica.send(signal.SIGSTOP)
    writing = asyncio.gather(careful.write(range(100, 200)), careless.write(range(100, 200)))
    await asyncio.to_thread(replicas.until, lambda: master.client.scard("careful") == 200)
    async with asyncio.timeout(DEADLINE_S):
        while len(careless.acknowledged) < 200:
            await asyncio.sleep(0.002)
    seen = {writer: set(writer.acknowledged) for writer in (careful, careless)}
    replicas.lose_master()
    async with asyncio.timeout(DEADLINE_S):
        await writing
        assert (len(seen[careful]), len(seen[careful] - await careful.kept())) == (100, 0)
        assert (len(seen[careless]), len(seen[careless] - await careless.kept())) == (200, 100)
        assert await careful.kept() == careful.acknowledged  # what was not yet was sent again


async def test_what_is_sent_again_waits_although_it_writes_nothing(
    replicas: Replicated, reach: Callable[..., Connection]
) -> None:
    """Only the answer was lost: the second time there is nothing to write, and no replica has it yet."""
    master, frozen = replicas.master, replicas.replicas
    connection = reach(direct(master))
    await connection.call("PING")
    for replica in frozen:
        replica.send(signal.SIGSTOP)
    call = asyncio.create_task(connection.call("SETNX", "twice", 1))
    before = await calls_of(master, "wait")
    await until(lambda: _value(master, "twice"))
    await asyncio.to_thread(
        master.client.execute_command, "CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"
    )
    await until(lambda: _more(master, "setnx", 2))
    await until(lambda: _more(master, "wait", before + 2))
    assert not call.done()
    for replica in frozen:
        replica.send(signal.SIGCONT)
    async with asyncio.timeout(DEADLINE_S):
        assert await call == 0


async def _value(node: Process, key: str) -> Any:
    return await asyncio.to_thread(node.client.get, key)


async def _more(node: Process, command: str, least: int) -> bool:
    return await calls_of(node, command) >= least
