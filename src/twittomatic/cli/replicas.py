"""What `doctor` looks at where the state server has replicas: would it survive the death of its master?"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.sentinel import SentinelConnectionPool
from redis.exceptions import RedisError

from twittomatic.cli.finding import FAILED, OK, WARNING, Finding
from twittomatic.state.sentinels import Sentinels, Word

_SHORTEST_DOWN_AFTER_MS = 1_000
_FEWEST_SENTINELS = 3
_FEWEST_REPLICAS = 2


async def findings(redis: Redis) -> AsyncIterator[Finding]:
    """Yield what is to be said of a server's replicas and Sentinels; nothing where there are none.

    Raises:
        RedisError, OSError: the server does not answer.
    """
    pool: Any = redis.connection_pool
    behind_sentinel = isinstance(pool, SentinelConnectionPool)
    info = await redis.info("replication")
    if behind_sentinel or info.get("connected_slaves"):
        yield await _replicas(redis, int(info.get("connected_slaves", 0)), behind_sentinel=behind_sentinel)
    if behind_sentinel:
        yield await _sentinels(pool.sentinel_manager, pool.service_name)


async def _replicas(redis: Redis, count: int, *, behind_sentinel: bool) -> Finding:
    if not count:
        return Finding("Replicas", FAILED, "There is none, so nothing that is written counts; start one.")
    config: Any = {}
    with suppress(RedisError):  # a hosted server may not tell
        config = await redis.config_get("appendonly", "min-replicas-to-write")
    if config.get("appendonly") == "no":
        return Finding(
            "Replicas", FAILED, "A master that comes back empty empties its replicas; set appendonly yes."
        )
    if config.get("min-replicas-to-write") == "0":
        return Finding(
            "Replicas",
            WARNING,
            "A master that was cut off goes on taking writes, which are lost; set min-replicas-to-write 1.",
        )
    if behind_sentinel and count < _FEWEST_REPLICAS:
        return Finding(
            "Replicas", WARNING, "There is one; when it is gone, or leads, the crawl waits for another."
        )
    return Finding("Replicas", OK, f"{count}, and what is written counts when one of them has it.")


async def _sentinels(sentinels: Sentinels, service: str) -> Finding:
    said = await asyncio.gather(
        *[sentinels.ask(address, service) for address in sentinels.addresses], return_exceptions=True
    )
    words = [one for one in said if isinstance(one, Word)]
    silent = [
        f"{host}:{port}"
        for (host, port), one in zip(sentinels.addresses, said, strict=True)
        if not isinstance(one, Word)
    ]
    if silent:
        return Finding("Sentinel", WARNING, f"{', '.join(silent)} tells nothing of “{service}”.")
    if len({word.master for word in words}) > 1:
        return Finding("Sentinel", WARNING, "They do not agree on who the master is; ask again in a minute.")
    watching = min(int(word.state["num-other-sentinels"]) + 1 for word in words)
    if watching < _FEWEST_SENTINELS:
        return Finding(
            "Sentinel", WARNING, f"{watching} watch “{service}”; with fewer than three a failover can fail."
        )
    down_after_ms = min(int(word.state["down-after-milliseconds"]) for word in words)
    if down_after_ms < _SHORTEST_DOWN_AFTER_MS:
        return Finding(
            "Sentinel",
            WARNING,
            f"down-after-milliseconds is {down_after_ms}; below 1,000 a busy master is replaced for nothing.",
        )
    return Finding("Sentinel", OK, f"{watching} watch “{service}”, and fail over after {down_after_ms} ms.")
