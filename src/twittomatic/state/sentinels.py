"""Who is the master: what Sentinels say, and the newest word counts."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import msgspec
from redis.asyncio import Redis
from redis.asyncio.sentinel import MasterNotFoundError
from redis.exceptions import AuthenticationError, RedisError, ResponseError

Address = tuple[str, int]


class UnknownServiceError(MasterNotFoundError):
    """The Sentinels answer, and none of them watches this service: to ask again is of no use."""


class Word(msgspec.Struct, frozen=True, kw_only=True):
    """What one Sentinel says of a service.

    Attributes:
        master: Where its master is.
        epoch: Of the failover that made it one.
        is_down: Whether it seems to be down.
        state: All that `SENTINEL MASTER` tells.
    """

    master: Address
    epoch: int
    is_down: bool
    state: Mapping[str, Any]


class Sentinels:
    """The Sentinels of a service, as a connection pool of redis-py asks them.

    A Sentinel that was down during a failover still names the old master for a while, so all of them are
    heard, and the latest failover counts.

    Args:
        addresses: Of all of them.
        options: Of a client of one, credentials among them; a Sentinel without a password does without.
    """

    def __init__(self, addresses: Sequence[Address], options: Mapping[str, Any]) -> None:
        self.addresses = addresses
        self.options = options

    async def discover_master(self, service_name: str) -> Address:
        """Return where the master of a service is now.

        Raises:
            UnknownServiceError: they watch no such service.
            MasterNotFoundError: nobody can tell, or it is down and nothing has taken its place yet.
        """
        said = await asyncio.gather(
            *[self.ask(address, service_name) for address in self.addresses], return_exceptions=True
        )
        for one in said:
            if isinstance(one, BaseException) and not isinstance(one, (RedisError, OSError)):
                raise one
        words = [one for one in said if isinstance(one, Word)]
        if not words:
            raise self._nobody(service_name, said)
        newest = max(words, key=lambda word: (word.epoch, not word.is_down))
        if newest.is_down:
            raise MasterNotFoundError(
                f"the master of “{service_name}” is down, and no replica has taken its place"
            )
        return newest.master

    async def ask(self, address: Address, service: str) -> Word:
        """Hear one Sentinel.

        Raises:
            RedisError, OSError: it does not answer, or knows no such service.
        """
        with suppress(AuthenticationError):
            return await _word(address, service, self.options)
        open_to_all = {key: self.options[key] for key in self.options if key not in ("username", "password")}
        return await _word(address, service, open_to_all)

    def _nobody(self, service: str, said: Sequence[Word | BaseException]) -> MasterNotFoundError:
        places = ", ".join(f"{host}:{port}" for host, port in self.addresses)
        if any(isinstance(error, AuthenticationError) for error in said):
            return MasterNotFoundError(f"the Sentinels at {places} do not accept the credentials")
        if any(isinstance(error, ResponseError) for error in said):
            return UnknownServiceError(f"the Sentinels at {places} watch no service called “{service}”")
        return MasterNotFoundError(f"none of the Sentinels at {places} answers")


async def _word(address: Address, service: str, options: Mapping[str, Any]) -> Word:
    sentinel = Redis(host=address[0], port=address[1], **options)
    try:
        state: Any = await sentinel.sentinel_master(service)
        # Asked last: in the middle of a failover this one is ahead.
        master: Any = await sentinel.sentinel_get_master_addr_by_name(service)
    finally:
        await sentinel.aclose()
    if master is None:
        raise ResponseError("No such master with that name")
    is_down = master == (state["ip"], state["port"]) and (state["is_sdown"] or state["is_odown"])
    return Word(master=master, epoch=int(state["config-epoch"]), is_down=bool(is_down), state=state)
