"""Check whether a server can be trusted with a crawl; once, by each process that spends money or leads.

`crawl`, `master`, `worker` and `doctor` ask the same questions here, so they agree. A server that evicts
keys, or that cannot be checked, is refused: an evicted ledger would be taken for an empty one, and the
budget would be spent a second time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from redis.asyncio.sentinel import SentinelConnectionPool

from twittomatic.errors import SettingsError, StateUnavailable
from twittomatic.state.connection import Connection
from twittomatic.state.keys import RESENT, CrawlKeys, NetworkKeys
from twittomatic.state.redis_errors import CLUSTER, NO_REDIS

OLDEST_REDIS, OLDEST_VALKEY = (7, 0), (8, 0)
NEEDED = (
    "DEL key",
    "EXISTS key",
    "EXPIRE key 1",
    "GET key",
    "HDEL key f",
    "HEXISTS key f",
    "HGET key f",
    "HGETALL key",
    "HINCRBY key f 1",
    "HKEYS key",
    "HLEN key",
    "HMGET key f",
    "HSCAN key 0",
    "HSET key f v",
    "HSETNX key f v",
    "HVALS key",
    "LLEN key",
    "LPOP key",
    "LRANGE key 0 1",
    "LREM key 0 v",
    "PEXPIRE key 1",
    "PING",
    "RPOP key",
    "RPUSH key v",
    "SADD key v",
    "SCAN 0",
    "SCARD key",
    "SET key v",
    "SMEMBERS key",
    "TIME",
    "TYPE key",
    "UNLINK key",
    "XACK key g 1-1",
    "XADD key * f v",
    "XCLAIM key g c 0 1-1",
    "XDEL key 1-1",
    "XGROUP CREATE key g 0",
    "XGROUP DELCONSUMER key g c",
    "XGROUP DESTROY key g",
    "XGROUP SETID key g 0",
    "XINFO GROUPS key",
    "XINFO STREAM key",
    "XLEN key",
    "XPENDING key g",
    "XRANGE key - +",
    "XREAD STREAMS key 0",
    "XREADGROUP GROUP g c STREAMS key >",
    "XREVRANGE key + -",
    "ZADD key 1 v",
    "ZCARD key",
    "ZPOPMAX key",
    "ZRANGE key 0 1",
    "ZRANGEBYSCORE key 0 1",
    "ZREM key v",
    "ZREMRANGEBYSCORE key 0 1",
    "ZREVRANGE key 0 1",
    "ZREVRANGEBYSCORE key 1 0",
    "ZSCORE key v",
)
"""Every command that scripts and commands use, as `server/check_acl.lua` reads it."""


async def admit(connection: Connection, *, allow_unchecked: bool = False) -> str:
    """Make sure that a server can hold a crawl, and return its name and version, such as `Valkey 9.1`.

    Args:
        connection: Connection to the state server.
        allow_unchecked: Whether a server is admitted that does not say whether it evicts keys.

    Raises:
        SettingsError: it is no Redis, too old, a cluster, evicts keys, or its ACL forbids what is needed.
        StateUnavailable: it is away, still loading, or a replica.
    """
    if await connection.call("PING") not in (True, "PONG", b"PONG"):
        raise SettingsError(NO_REDIS)
    facts = await _facts(connection)
    name = _version(facts)
    if facts.get("cluster_enabled") or facts.get("redis_mode") == "cluster":
        raise SettingsError(CLUSTER)
    behind_sentinel = isinstance(connection.redis.connection_pool, SentinelConnectionPool)
    if facts.get("role") == "slave" and not behind_sentinel:
        raise StateUnavailable(
            "REDIS_URL names a replica, which accepts no writes; "
            "give the address of its master, or redis+sentinel:// to find it."
        )
    policy = facts.get("maxmemory_policy")
    if policy is None and not allow_unchecked:
        raise SettingsError(
            "REDIS_URL: the server does not say whether it evicts keys, as its user may not use INFO; "
            "allow INFO in the server's ACL. Only if you know that its maxmemory-policy is noeviction, "
            "set ALLOW_UNCHECKED_REDIS: a server that evicts keys makes the crawl pay beyond BUDGET_USD."
        )
    if policy is not None and policy != "noeviction":
        raise SettingsError(
            f"REDIS_URL: the server's maxmemory-policy is {policy}, so it may evict the record "
            "of what was spent; set maxmemory-policy noeviction, or give another server."
        )
    await _check_permissions(connection)
    return name


async def _facts(connection: Connection) -> Mapping[str, Any]:
    """Return the answer to INFO; empty where an ACL forbids it."""
    sections = ("server", "memory", "replication", "cluster")
    try:
        answers = await asyncio.gather(*[connection.call("INFO", section) for section in sections])
    except SettingsError:
        return {}
    facts: dict[str, Any] = {}
    for section in answers:
        facts |= section if isinstance(section, dict) else {}
    return facts


def _version(facts: Mapping[str, Any]) -> str:
    """Return name and version, which are new enough.

    Raises:
        SettingsError: they are not.
    """
    valkey = facts.get("valkey_version")
    written = str(valkey or facts.get("redis_version", ""))
    numbers = tuple(int(part) for part in written.split(".")[:2] if part.isdigit())
    if not numbers:
        return "a server of unknown version"
    name = f"{'Valkey' if valkey else 'Redis'} {'.'.join(map(str, numbers))}"
    if numbers < (OLDEST_VALKEY if valkey else OLDEST_REDIS):
        raise SettingsError(f"REDIS_URL: {name} is too old; Redis 7.0 or Valkey 8.0 is needed.")
    return name


async def _check_permissions(connection: Connection) -> None:
    """Make sure that the ACL allows every command on the keys of both families.

    Raises:
        SettingsError: it does not.
    """
    keys = [CrawlKeys("probe").crawl_hash, NetworkKeys("probe").ledger, RESENT]
    refused = await connection.run("server/check_acl", keys, NEEDED)
    if refused:
        names = sorted({line.split(" key")[0].split(" GROUP ")[0] for line in refused})
        raise SettingsError(
            f"REDIS_URL: its user may not use {', '.join(names)} on keys that begin with tw:; "
            "allow that in the server's ACL."
        )
