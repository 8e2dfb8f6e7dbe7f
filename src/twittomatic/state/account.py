"""Permits and ledger of an account: a request is granted in one step, and settled in another."""

from __future__ import annotations

import asyncio
import secrets
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from twittomatic.clock import steady_s
from twittomatic.errors import StateLost, StorageUnavailable
from twittomatic.networks.base import Limit, WindowReading
from twittomatic.state.connection import Connection
from twittomatic.state.keys import NetworkKeys
from twittomatic.state.leadership import Leadership
from twittomatic.state.redis_errors import decoding, gone
from twittomatic.state.spending import Spending, Spent

_SAMPLED = "05"  # last digits: a fifth of all ids, however many of their bits are alike
_LOST = {
    "ledger": "the ledger",
    "bookings": "a part of the ledger",
    "window": "a rate-limit window",
}
_EXPECTED = "expected:"  # before the name of a field of the ledger


class Permit(msgspec.Struct, frozen=True, kw_only=True):
    """The right to one request.

    Attributes:
        reservation: Name of the money reserved for it.
        credential: Name of the credential whose window it uses.
        endpoint: Endpoint of that window.
        resources: The most resources that the request may ask for.
        granted_at: When it was asked for, by `clock.steady_s`.
    """

    reservation: str
    credential: str
    endpoint: str
    resources: int
    granted_at: float


class RetryAfter(msgspec.Struct, frozen=True, kw_only=True):
    """No permit now: ask again after `seconds`."""

    seconds: float


class OverBudget(msgspec.Struct, frozen=True, kw_only=True):
    """The budget has too little left for the smallest request of this kind.

    Attributes:
        left: Micro-dollars that are left.
    """

    left: int


class NoCredential(msgspec.Struct, frozen=True, kw_only=True):
    """Every credential is rejected."""


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """The resources that a response delivered, to estimate the charge: each resource once a day.

    Attributes:
        day: UTC, as `2026-08-22`.
        resource: Kind of the resources.
        ids: Their ids, decimal.
        unit_price: Micro-dollars for each.
    """

    day: str
    resource: str
    ids: Sequence[str]
    unit_price: int


class Totals(msgspec.Struct, frozen=True, kw_only=True):
    """The ledger as a whole, in micro-dollars.

    Attributes:
        spent: By all crawls: every resource at its price, which is the most that the network can charge.
        expected: What it will probably charge, each resource once a UTC day; estimated from a fifth.
        reserved: Reserved for requests that are not settled yet.
        is_awaited: Whether a process waits until reserved money is settled.
        fields: Spending per `crawl:<name>`, `module:<crawl>:<module>`, `day:<date>`.
        expected_fields: What is expected of each.
    """

    spent: int = 0
    expected: int = 0
    reserved: int = 0
    is_awaited: bool = False
    fields: Mapping[str, int] = {}
    expected_fields: Mapping[str, int] = {}


class Account:
    """An account of a network: its windows and its ledger, shared by all its crawls on a server.

    Args:
        connection: Connection to the state server.
        keys: The account's keys.
        budget: Micro-dollars, None for no cap: for this process alone, until it shares its cap with the
            crawl's others (`share_cap`) or follows theirs (`follow`).
        horizon_s: A reservation that is not settled within this time is spent; longer than any request.
        crawl: Crawl whose cap that is.
        spending: Where this process records what it pays; None where it pays nothing.
    """

    def __init__(
        self,
        connection: Connection,
        keys: NetworkKeys,
        *,
        budget: int | None,
        horizon_s: float,
        crawl: str = "",
        spending: Spending | None = None,
    ) -> None:
        self._connection = connection
        self._keys = keys
        self._budget = budget
        self._horizon_ms = int(horizon_s * 1000)
        self._crawl = crawl
        self._follows = False
        self._spending = spending
        self.ledger = ""

    async def open(self, expected: str = "") -> None:
        """Open the ledger, or create it where there never was one, and keep its identity.

        Args:
            expected: Its identity, as the crawl has stored it.

        Raises:
            StateLost: there is a budget, and the server has lost the record of what was spent.
        """
        is_capped, new = self._budget is not None, secrets.token_hex(8)
        known = expected if is_capped else ""
        self.ledger = await self._connection.run("ledger/open", [self._keys.ledger], [new, known])
        if not self.ledger:
            raise self._gone("ledger")
        if self._spending and is_capped:
            if await asyncio.to_thread(self._spending.lost, self._keys.account, self.ledger):
                raise self._gone("ledger")
            if await self.records_beyond(self._spending):
                raise self._gone("bookings")

    async def find(self) -> str:
        """Use the existing ledger, and return its identity; empty if there is none."""
        self.ledger = await self._connection.call("HGET", self._keys.ledger, "id") or ""
        return self.ledger

    async def records_beyond(self, spending: Spending) -> dict[Path, Spent]:
        """Return the records of this ledger if they add up to more than it has.

        A server that went back to an older state has the same ledger: from a backup, or by a failover to a
        replica that lagged.
        """
        account = self._keys.account
        records = await asyncio.to_thread(spending.of, account, self.ledger)  # written after the ledger
        booked = await self._connection.call("HMGET", self._keys.ledger, "spent", "reserved")
        recorded = sum(record.spent for record in records.values())
        with decoding(f"the ledger of the account {account}"):
            return records if recorded > sum(int(amount or 0) for amount in booked) else {}

    async def repair(self, lost: int, least: int) -> int:
        """Restore the ledger after part of it was lost, and return the micro-dollars spent then.

        Args:
            lost: Micro-dollars that were spent and are not in it.
            least: The least that is spent then.
        """
        self.ledger, spent = await self._connection.run(
            "ledger/repair", [self._keys.ledger, self._keys.reservations], [secrets.token_hex(8), lost, least]
        )
        with decoding(f"the ledger of the account {self._keys.account}"):
            return int(spent)

    async def share_cap(self, leadership: Leadership) -> None:
        """Make the budget the crawl's cap, for all its processes, and follow it.

        Args:
            leadership: The caller's claim to lead the crawl.

        Raises:
            LeadershipLost: another master leads, and its cap stands.
        """
        budget = "" if self._budget is None else self._budget
        if not await self._connection.run(
            "ledger/set_cap", [self._keys.caps], [self._crawl, leadership.epoch, budget, leadership.crawl_id]
        ):
            raise leadership.lost()
        self.follow()

    def follow(self) -> None:
        """Apply the crawl's cap from now on, including changes made by other processes."""
        self._follows = True

    async def acquire(
        self,
        endpoint: str,
        limits: Mapping[str, Limit],
        *,
        price: int,
        wanted: int,
        least: int = 1,
        fields: Sequence[str] = (),
    ) -> Permit | RetryAfter | OverBudget | NoCredential:
        """Request a permit for one request.

        Args:
            endpoint: Endpoint whose window is used.
            limits: Documented limit of each of the caller's credentials, used until a response reports one.
            price: Micro-dollars of one resource.
            wanted: Resources to ask for.
            least: The smallest useful number; the money left decides between the two.
            fields: Fields of the ledger to which the cost is added as well, whichever process settles it.

        Raises:
            StateLost: the ledger or a window vanished; nothing may be bought any more.
            StorageUnavailable: what it may cost cannot be noted.
        """
        keys = self._keys
        if not self.ledger:
            await self.open()
        reservation, asked_at = secrets.token_hex(8), steady_s()
        answer = await self._connection.run(
            "ledger/acquire",
            [
                keys.ledger,
                keys.reservations,
                keys.rejected,
                keys.caps,
                keys.gate(endpoint),
                *[self._window(credential, endpoint) for credential in limits],
            ],
            [
                reservation,
                "" if self._budget is None else self._budget,
                self._crawl if self._follows else "",
                price,
                wanted,
                least,
                self._horizon_ms,
                "\n".join(fields),
                self.ledger,
                *[
                    text
                    for name, limit in limits.items()
                    for text in (name, limit.requests, int(limit.window_s * 1000))
                ],
            ],
        )
        if answer[0] == "gone":
            raise self._gone(answer[1])
        with decoding(f"windows of {endpoint}"):
            decision = _decision(answer, reservation, list(limits), endpoint, asked_at)
        if self._spending and isinstance(decision, Permit):
            try:
                amount = price * decision.resources
                self._spending.reserve(self._keys.account, self.ledger, reservation, amount)
            except StorageUnavailable:
                await self.settle(decision, 0)
                raise
        return decision

    async def settle(
        self,
        permit: Permit,
        cost: int | None,
        window: WindowReading | None = None,
        delivery: Delivery | None = None,
        *,
        age_s: float = 0.0,
    ) -> None:
        """Book what a request really cost.

        When three answers of an endpoint in a row are lost, a single request goes there until one has come.

        Args:
            permit: The request's permit.
            cost: Micro-dollars; None when the answer is lost, and the whole reservation is spent.
            window: State of the window that the response reported, if any.
            delivery: The resources that came; None if there were none.
            age_s: How long ago the response began to arrive.
        """
        keys = self._keys
        goods, packed, unit_price, count = [], b"", 0, 0
        if delivery and delivery.ids and delivery.unit_price:  # what is free is not counted
            day, resource = delivery.day, delivery.resource
            goods = [keys.delivered(day, resource), keys.charged(day, resource)]
            sample = [int(number) for number in delivery.ids if number[-1] in _SAMPLED]
            packed = struct.pack(f"<{len(sample)}Q", *sample)
            unit_price, count = delivery.unit_price, len(delivery.ids)
        reported: list[Any] = ["", "", "", "", 0]
        if window:
            reported = [window.limit, window.remaining, *_moments(window.reset_at, window.date, age_s)]
        is_answered = window is not None or delivery is not None
        await self._connection.run(
            "ledger/settle",
            [
                keys.ledger,
                keys.reservations,
                self._window(permit.credential, permit.endpoint),
                keys.clock,
                keys.gate(permit.endpoint),
                *goods,
            ],
            [
                permit.reservation,
                "" if cost is None else cost,
                *reported,
                int(is_answered),
                packed,
                unit_price,
                count,
            ],
        )
        if self._spending:
            self._spending.settle(self._keys.account, self.ledger, permit.reservation, cost)

    async def exhaust(
        self,
        permit: Permit,
        reset_at: float | None,
        wait_s: float,
        *,
        date: float | None = None,
        age_s: float = 0.0,
    ) -> float:
        """Mark a window as exhausted, whatever was counted; return the seconds until it opens.

        Then one request goes first. It opens the window for all, or shuts it again, for longer each time.

        Args:
            permit: Permit of the refused request, to be settled afterwards.
            reset_at: When it opens by the network's clock, seconds since the epoch; None if not reported.
            wait_s: How long to wait then, and where that makes no sense.
            date: Time on that clock, None if the response had none.
            age_s: Seconds since then.
        """
        wait_ms = await self._connection.run(
            "window/exhaust",
            [self._window(permit.credential, permit.endpoint), self._keys.clock],
            [permit.reservation, *_moments(reset_at, date, age_s), int(wait_s * 1000)],
        )
        return float(wait_ms) / 1000

    async def reject(self, credential: str, reason: str) -> None:
        """Retire a credential, for all processes."""
        await self._connection.call("HSET", self._keys.rejected, credential, reason)

    async def accept(self) -> None:
        """Accept all credentials again: a new start, before which the cause may have been removed."""
        await self._connection.call("DEL", self._keys.rejected)

    async def rejected(self) -> dict[str, str]:
        """Return the names of rejected credentials with the reasons."""
        rejected: dict[str, str] = await self._connection.call("HGETALL", self._keys.rejected)
        return rejected

    async def left(self) -> int | None:
        """Return the micro-dollars of the cap that are neither spent nor reserved, None without a cap."""
        cap = await self._cap()
        if cap is None:
            return None
        totals = await self.totals()
        return cap - totals.spent - totals.reserved

    async def _cap(self) -> int | None:
        written = None
        if self._follows:
            written = await self._connection.call("HGET", self._keys.caps, self._crawl)
        if written is None:
            return self._budget
        with decoding(f"the cap of crawl “{self._crawl}”"):
            cap = written.split(":")[1]
            return int(cap) if cap else None

    async def totals(self) -> Totals:
        """Return the ledger, after booking as spent what was not settled in time."""
        return await read_totals(self._connection, self._keys)

    def _gone(self, what: str) -> StateLost:
        return gone(f"{_LOST[what]} of the account {self._keys.account}")

    def _window(self, credential: str, endpoint: str) -> str:
        return f"{self._keys.windows}{credential}:{endpoint}"


async def read_totals(connection: Connection, keys: NetworkKeys) -> Totals:
    """Return the ledger of an account, after booking as spent what was not settled in time."""
    is_awaited, *ledger = await connection.run("ledger/totals", [keys.ledger, keys.reservations])
    with decoding(f"the ledger of the account {keys.account}"):
        numbers = {
            name: int(value)
            for name, value in zip(ledger[::2], ledger[1::2], strict=True)
            if name != "id" and not name.startswith("tw:")
        }
    numbers.pop("awaited", None)
    named = {name: numbers.pop(name, 0) for name in ("spent", "expected", "reserved")}
    expected = {name: number for name, number in numbers.items() if name.startswith(_EXPECTED)}
    return Totals(
        **named,
        is_awaited=bool(is_awaited),
        fields={name: number for name, number in numbers.items() if name not in expected},
        expected_fields={name.removeprefix(_EXPECTED): number for name, number in expected.items()},
    )


def _moments(reset_at: float | None, date: float | None, age_s: float) -> list[Any]:
    """Write two times of the network's clock for a script, in ms, and how long ago it was read."""
    return [*["" if at is None else int(at * 1000) for at in (reset_at, date)], int(age_s * 1000)]


def _decision(
    answer: list[Any], reservation: str, credentials: Sequence[str], endpoint: str, asked_at: float
) -> Permit | RetryAfter | OverBudget | NoCredential:
    match answer:
        case ["go", index, size]:
            return Permit(
                reservation=reservation,
                credential=credentials[int(index)],
                endpoint=endpoint,
                resources=int(size),
                granted_at=asked_at,
            )
        case ["wait", milliseconds]:
            return RetryAfter(seconds=max(0.0, float(milliseconds) / 1000))
        case ["money", left]:
            return OverBudget(left=int(left))
        case _:
            return NoCredential()
