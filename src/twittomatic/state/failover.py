"""Failover: which server is the master, and which of its answers survive its death.

A master that dies takes with it what no replica had received. So `WAIT` goes at the end of every pipeline: it
answers when a replica has what the pipeline wrote, and with it all that was written before, by anybody. An
answer of a master that no replica follows, such as one that came back with old data, does not count.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import msgspec
from redis.asyncio import Redis
from redis.asyncio.sentinel import MasterNotFoundError, SentinelConnectionPool
from redis.exceptions import AuthenticationError, ConnectionError, RedisError, ResponseError

from twittomatic.state.keys import RESENT

Address = tuple[str, int]

_WAIT_MS = 2_000  # then the call is sent again; shorter than the client waits for an answer
_LOOK_S = 10.0  # between checks whether a server without replicas has got one
_NO_REPLICAS = "NOREPLICAS"


class UnconfirmedError(ConnectionError):
    """No replica confirmed a write, so it may be lost with the master."""


class Replication:
    """What one process knows of its server's replicas.

    Once a replica was seen, one is required: its absence may be the beginning of a failover.

    Args:
        required: Whether there must be a replica from the beginning, as behind Sentinel.
    """

    def __init__(self, *, required: bool) -> None:
        self.required = required
        self._look_at = float("-inf")

    def commands(self, now: float, *, resent: bool) -> list[tuple[str | int, ...]]:
        """Return the commands to append to a pipeline; mostly none where nothing is replicated.

        Args:
            now: Time on a monotonic clock, in seconds.
            resent: Whether the pipeline may have been executed before. A script that is harmless twice writes
                nothing the second time, and `WAIT` waits only for what its own connection wrote.
        """
        if self.required:
            written: list[tuple[str | int, ...]] = [("SET", RESENT, 1)] if resent else []
            return [*written, ("WAIT", 1, _WAIT_MS)]
        if now >= self._look_at:
            self._look_at = now + _LOOK_S
            return [("ROLE",)]
        return []

    def failure(self, answers: Sequence[Any]) -> Exception | None:
        """Return why the answers of a pipeline do not count, None when they do.

        Args:
            answers: To `commands`.
        """
        if not answers:
            return None
        if not self.required:
            self.required = _has_replicas(answers[0])
            return UnconfirmedError("a replica was found") if self.required else None
        for answer in answers:
            if isinstance(answer, ResponseError) and "replica instances" in str(answer):
                return ConnectionError("the master is a replica now")
            if isinstance(answer, Exception):
                return answer
        return None if answers[-1] else UnconfirmedError("no replica confirmed what was written")


def lacks_replicas(error: Exception) -> bool:
    """Return whether a call failed because no replica follows the master."""
    return isinstance(error, UnconfirmedError) or str(error).startswith(_NO_REPLICAS)


def _has_replicas(role: Any) -> bool:
    """Read the answer to ROLE; an error, where the user may not ask, means no."""
    return isinstance(role, list) and role[0] == "master" and bool(role[2])


class UnknownServiceError(MasterNotFoundError):
    """The Sentinels answer, but none of them watches this service; asking again is useless."""


class SentinelReply(msgspec.Struct, frozen=True, kw_only=True):
    """What one Sentinel reports of a service.

    Attributes:
        master: Address of its master.
        epoch: Epoch of the failover that made it the master.
        is_down: Whether the master seems to be down.
        state: Everything that `SENTINEL MASTER` answers.
    """

    master: Address
    epoch: int
    is_down: bool
    state: Mapping[str, Any]


class ReplicationStatus(msgspec.Struct, frozen=True, kw_only=True):
    """The replicas of a server, and what its Sentinels report.

    Attributes:
        replicas: How many are connected.
        append_only: Whether the server keeps an append-only file; None where it does not say.
        min_replicas: Its `min-replicas-to-write`; None where it does not say.
        service: Its name at the Sentinels, empty where REDIS_URL names none.
        sentinels: Each Sentinel, `host:port`, with its report; None where it has no answer.
    """

    replicas: int
    append_only: bool | None = None
    min_replicas: int | None = None
    service: str = ""
    sentinels: Sequence[tuple[str, SentinelReply | None]] = ()


class Sentinels:
    """The Sentinels of a service, as a connection pool of redis-py asks them.

    A Sentinel that was down during a failover names the old master for a while, so all of them are asked,
    and the latest failover counts.

    Args:
        addresses: Addresses of all Sentinels.
        options: Options of a Sentinel client, with credentials, which are omitted for a Sentinel without a
            password.
    """

    def __init__(self, addresses: Sequence[Address], options: Mapping[str, Any]) -> None:
        self.addresses = addresses
        self.options = options

    async def discover_master(self, service_name: str) -> Address:
        """Return the present address of a service's master.

        Raises:
            UnknownServiceError: they watch no such service.
            MasterNotFoundError: none of them knows, or the master is down and was not replaced yet.
        """
        replies = await asyncio.gather(
            *[self.ask(address, service_name) for address in self.addresses], return_exceptions=True
        )
        for one in replies:
            if isinstance(one, BaseException) and not isinstance(one, (RedisError, OSError)):
                raise one
        found = [one for one in replies if isinstance(one, SentinelReply)]
        if not found:
            raise self._not_found(service_name, replies)
        newest = max(found, key=lambda reply: (reply.epoch, not reply.is_down))
        if newest.is_down:
            raise MasterNotFoundError(
                f"the master of “{service_name}” is down, and no replica has taken its place"
            )
        return newest.master

    async def ask(self, address: Address, service: str) -> SentinelReply:
        """Ask one Sentinel.

        Raises:
            RedisError, OSError: it does not answer, or knows no such service.
        """
        with suppress(AuthenticationError):
            return await _reply(address, service, self.options)
        open_to_all = {key: self.options[key] for key in self.options if key not in ("username", "password")}
        return await _reply(address, service, open_to_all)

    def _not_found(
        self, service: str, replies: Sequence[SentinelReply | BaseException]
    ) -> MasterNotFoundError:
        places = ", ".join(f"{host}:{port}" for host, port in self.addresses)
        if any(isinstance(error, AuthenticationError) for error in replies):
            return MasterNotFoundError(f"the Sentinels at {places} do not accept the credentials")
        if any(isinstance(error, ResponseError) for error in replies):
            return UnknownServiceError(f"the Sentinels at {places} watch no service called “{service}”")
        return MasterNotFoundError(f"none of the Sentinels at {places} answers")


async def read_replication(redis: Redis) -> ReplicationStatus:
    """Read the replicas and Sentinels of a server.

    Raises:
        RedisError, OSError: the server does not answer.
    """
    pool: Any = redis.connection_pool
    info = await redis.info("replication")
    config: Any = {}
    with suppress(RedisError):  # a hosted server may refuse
        config = await redis.config_get("appendonly", "min-replicas-to-write")
    service, sentinels = "", []
    if isinstance(pool, SentinelConnectionPool):
        service, addresses = pool.service_name, pool.sentinel_manager.addresses
        replies = await asyncio.gather(
            *[pool.sentinel_manager.ask(address, service) for address in addresses], return_exceptions=True
        )
        sentinels = [
            (f"{host}:{port}", reply if isinstance(reply, SentinelReply) else None)
            for (host, port), reply in zip(addresses, replies, strict=True)
        ]
    return ReplicationStatus(
        replicas=int(info.get("connected_slaves", 0)),
        append_only={"yes": True, "no": False}.get(config.get("appendonly")),
        min_replicas=int(config["min-replicas-to-write"]) if "min-replicas-to-write" in config else None,
        service=service,
        sentinels=sentinels,
    )


async def _reply(address: Address, service: str, options: Mapping[str, Any]) -> SentinelReply:
    sentinel = Redis(host=address[0], port=address[1], **options)
    try:
        state: Any = await sentinel.sentinel_master(service)
        # Asked last: in the middle of a failover this answer is newer.
        master: Any = await sentinel.sentinel_get_master_addr_by_name(service)
    finally:
        await sentinel.aclose()
    if master is None:
        raise ResponseError("No such master with that name")
    is_down = master == (state["ip"], state["port"]) and (state["is_sdown"] or state["is_odown"])
    return SentinelReply(master=master, epoch=int(state["config-epoch"]), is_down=bool(is_down), state=state)
