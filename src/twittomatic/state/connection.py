"""One connection to the server per process, which sends concurrent commands together."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import random
import re
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.sentinel import SentinelConnectionPool
from redis.exceptions import (
    BusyLoadingError,
    ConnectionError,
    MasterDownError,
    NoScriptError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
    TimeoutError,
)

from twittomatic.errors import SettingsError, StateError, StateUnavailable
from twittomatic.state.failover import Replication, UnknownServiceError, lacks_replicas
from twittomatic.state.redis_errors import FULL, is_permanent, refusal
from twittomatic.state.scripts import source

_log = logging.getLogger(__name__)
_Argument = str | bytes | int | float
_Call = tuple[tuple[_Argument, ...], asyncio.Future[Any]]
_MOST_COMMANDS = 512  # a pipeline's answers are held in memory until all are there
_LATER = (
    ConnectionError,
    TimeoutError,
    ReadOnlyError,
    BusyLoadingError,
    MasterDownError,
    OutOfMemoryError,  # until maxmemory is raised
    OSError,
)
_CLIENT_NAME = re.compile(r" name=(\S*)")
_LATER_WORDS = ("NOREPLICAS", "UNBLOCKED")  # a failover: no replica yet, or this server is a replica now
_FIRST_DELAY_S, _LONGEST_DELAY_S = 0.02, 0.5
_SETTLING_S = 10.0  # after the server was away: by then everybody who lives has found it again


class Connection:
    """Sends commands and scripts; what several tasks send at the same moment takes one round trip.

    While the server is unavailable, every call waits and is sent again, so each of our scripts may run twice:
    its header says why that is harmless. Where the server has replicas, no call returns before one of them
    has what it wrote.

    Args:
        redis: A client that decodes responses; the connection closes it.
        patience_s: How long a call waits for a server that is unavailable.
    """

    def __init__(self, redis: Redis, *, patience_s: float = 60.0) -> None:
        self._redis = redis
        self.patience_s = patience_s
        self._digests: dict[str, str] = {}
        self._waiting: list[_Call] = []
        self._sender: asyncio.Task[None] | None = None
        behind_sentinel = isinstance(redis.connection_pool, SentinelConnectionPool)
        self._replication = Replication(required=behind_sentinel)
        self._settled_at = float("-inf")

    @property
    def redis(self) -> Redis:
        """The client itself, for commands that block (`XREADGROUP BLOCK`) and must not hold others up."""
        return self._redis

    @property
    def is_settled(self) -> bool:
        """Whether the server was available for the last seconds; if not, processes may be reconnecting."""
        return asyncio.get_running_loop().time() >= self._settled_at

    async def call(self, *command: _Argument) -> Any:
        """Send one command and return its answer.

        Raises:
            StateUnavailable: no server answered within `patience_s`.
            StateError: the server refused the command.
            SettingsError: it refused the connection, or an ACL the command.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()
        self._waiting.append((command, future))
        if self._sender is None:
            self._sender = loop.create_task(self._send())
        return await future

    async def ping(self) -> None:
        """Make sure that the server answers.

        Raises:
            StateUnavailable: no server answered within `patience_s`.
        """
        await self.call("PING")

    async def keeps_append_only_file(self) -> bool | None:
        """Return whether the server has an append-only file; None where it does not say."""
        try:
            config = await self._redis.config_get("appendonly")
        except RedisError:  # a hosted server may refuse
            return None
        return {"yes": True, "no": False}.get(str(config.get("appendonly")))

    async def names(self) -> set[str] | None:
        """Return the names of the clients that are connected, None where the server does not say.

        By `call`: a task that waits for the client itself can lose its cancellation before Python 3.12, and a
        master did not end for it.
        """
        try:
            clients = await self.call("CLIENT", "LIST")
        except (StateError, SettingsError):  # away, or not allowed
            return None
        return set(_CLIENT_NAME.findall(clients))

    async def run(self, script: str, keys: Sequence[str], arguments: Sequence[_Argument] = ()) -> Any:
        """Run one of our scripts and return its result.

        Args:
            script: Its path in `state/scripts`, without the suffix: `jobs/commit`.
            keys: KEYS, as its header lists them.
            arguments: ARGV.

        Raises:
            StateUnavailable: no server answered within `patience_s`.
            StateError: the script failed, which is a fault of ours.
        """
        return await self.call("EVALSHA", self._digest(script), len(keys), *keys, *arguments)

    async def close(self) -> None:
        """Close the client; calls that wait fail."""
        if self._sender:
            self._sender.cancel()
            with suppress(asyncio.CancelledError):
                await self._sender
        for _, future in self._waiting:
            future.cancel()
        await self._redis.aclose()

    def _digest(self, script: str) -> str:
        if script not in self._digests:
            self._digests[script] = hashlib.sha1(source(script).encode(), usedforsecurity=False).hexdigest()
        return self._digests[script]

    async def _send(self) -> None:
        try:
            while self._waiting:
                batch = self._waiting[:_MOST_COMMANDS]
                del self._waiting[:_MOST_COMMANDS]
                try:
                    await self._send_batch(batch)
                except Exception as error:  # noqa: BLE001 - every caller gets it
                    for _, future in batch:
                        if not future.done():
                            future.set_exception(error)
                except BaseException:
                    for _, future in batch:
                        future.cancel()
                    raise
        finally:
            self._sender = None

    async def _send_batch(self, batch: list[_Call]) -> None:
        loop = asyncio.get_running_loop()
        began_at = loop.time()
        delay_s = _FIRST_DELAY_S
        resent = False
        is_full = False
        while batch:
            batch, error = await self._attempt(batch, resent=resent)
            resent = True
            if error is not None:
                self._settled_at = loop.time() + _SETTLING_S
                if loop.time() >= began_at + self.patience_s:  # which may end while it waits
                    raise StateUnavailable(_sentence(error)) from error
                if isinstance(error, OutOfMemoryError):
                    if not is_full:
                        is_full = True
                        _log.warning("Redis is full; waiting until its maxmemory is raised")
                    await asyncio.sleep(delay_s)
                    delay_s = min(2 * delay_s, _LONGEST_DELAY_S)
                    continue  # the connection is as good as it was
                # A master that was replaced while it was frozen keeps its connections: look it up again.
                await self._redis.connection_pool.disconnect(inuse_connections=False)
                await asyncio.sleep(delay_s * random.uniform(0.5, 1.0))  # noqa: S311 - spreads reconnections
                delay_s = min(2 * delay_s, _LONGEST_DELAY_S)

    async def _attempt(self, batch: list[_Call], *, resent: bool) -> tuple[list[_Call], Exception | None]:
        """Send calls once; return those that must be sent again, and the error that prevents them."""
        confirming = self._replication.commands(asyncio.get_running_loop().time(), resent=resent)
        try:
            async with self._redis.pipeline(transaction=False) as pipeline:
                for command in (*(command for command, _ in batch), *confirming):
                    pipeline.execute_command(*command)
                answers = await pipeline.execute(raise_on_error=False)
            if any(isinstance(answer, NoScriptError) for answer in answers):
                for script in list(self._digests):
                    await self._redis.script_load(source(script))
        except _LATER as failure:
            if is_permanent(failure):
                raise refusal(failure) from None
            if _is(UnknownServiceError, failure):
                raise StateUnavailable(_sentence(failure)) from failure
            return batch, failure
        except RedisError as failure:  # it refuses the connection itself
            raise refusal(failure) from None
        error = self._replication.failure(answers[len(batch) :])
        if error is not None:
            if passes(error):
                return batch, error
            raise refusal(error)
        again: list[_Call] = []
        for call, answer in zip(batch, answers[: len(batch)], strict=True):
            if isinstance(answer, NoScriptError):
                again.append(call)
            elif passes(answer):
                again.append(call)
                error = answer
            elif not call[1].done():
                if isinstance(answer, Exception):
                    call[1].set_exception(refusal(answer))
                else:
                    call[1].set_result(answer)
        return again, error


def passes(answer: object) -> bool:
    """Return whether an answer is an error that passes when the server is back."""
    if isinstance(answer, ResponseError):
        return isinstance(answer, _LATER) or str(answer).startswith(_LATER_WORDS)
    return isinstance(answer, _LATER)


def _is(kind: type[Exception], failure: Exception) -> bool:
    """Return whether a failure is of a kind; the client wraps errors while it connects."""
    return isinstance(failure, kind) or isinstance(failure.__cause__, kind)


def _sentence(error: Exception) -> str:
    if lacks_replicas(error):
        return (
            "No replica of the Redis server confirms what is written, so it could be lost; "
            "start one, then start again. `twittomatic doctor` shows what is missing."
        )
    if isinstance(error, OutOfMemoryError):
        return FULL
    if isinstance(error, BusyLoadingError):
        return "Redis is still loading its data; give the same command again when it is ready."
    if isinstance(error, MasterDownError):
        return "REDIS_URL names a replica that has lost its master; give the master, or start it again."
    if isinstance(error, ReadOnlyError):
        return "REDIS_URL names a replica, which accepts no writes; give the address of its master."
    return f"Redis cannot be reached ({error}); check REDIS_URL and the server, then start again."
