"""What `doctor` says of replicas and Sentinels."""

import asyncio
import signal

from replicated import Replicated

from twittomatic.app.checks import FAILED, OK, WARNING
from twittomatic.app.checks.server import replica_checks
from twittomatic.state.client import replication_at


async def found(url: str) -> dict[str, tuple[str, str]]:
    status = await replication_at(url, "test")
    return {what: (verdict, sentence) for what, verdict, sentence in replica_checks(status)}


async def test_all_is_well(replicas: Replicated) -> None:
    assert await found(replicas.url) == {
        "Replicas": (OK, "2; a write counts once one of them has it."),
        "Sentinel": (OK, "3 watch “main”, and fail over after 1500 ms."),
    }
    assert set(await found(f"redis://127.0.0.1:{replicas.master.port}")) == {"Replicas"}


async def test_a_server_that_is_not_replicated(replicas: Replicated) -> None:
    replica = replicas.replicas[0]
    assert await found(f"redis://127.0.0.1:{replica.port}") == {}


async def test_settings_that_lose_something(replicas: Replicated) -> None:
    node, sentinel = replicas.master.client, replicas.sentinels[0].client
    node.config_set("min-replicas-to-write", 0)
    sentinel.sentinel_set("main", "down-after-milliseconds", 999)
    try:
        said = await found(replicas.url)
        node.config_set("appendonly", "no")
        without_file = await found(replicas.url)
    finally:
        node.config_set("appendonly", "yes")
        node.config_set("min-replicas-to-write", 1)
        sentinel.sentinel_set("main", "down-after-milliseconds", 1500)
    assert said["Replicas"][0] == said["Sentinel"][0] == WARNING
    assert "set min-replicas-to-write 1" in said["Replicas"][1]
    assert said["Sentinel"][1].startswith("down-after-milliseconds is 999;")
    assert without_file["Replicas"][0] == FAILED


async def test_missing_users(replicas: Replicated) -> None:
    master, silent = replicas.master, replicas.sentinels[0]
    silent.send(signal.SIGSTOP)
    first, second = replicas.replicas
    first.kill()
    await asyncio.to_thread(replicas.until, lambda: master.info()["connected_slaves"] == 1)
    said = await found(replicas.url)
    assert said["Sentinel"] == (WARNING, f"127.0.0.1:{silent.port} has no answer about “main”.")
    assert said["Replicas"][0] == WARNING
    second.kill()
    await asyncio.to_thread(replicas.until, lambda: master.info()["connected_slaves"] == 0)
    assert (await found(replicas.url))["Replicas"][0] == FAILED
