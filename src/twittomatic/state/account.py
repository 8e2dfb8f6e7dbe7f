"""An account of a network: a request is granted in one step, and settled in another."""

from __future__ import annotations

import secrets
import struct
from collections.abc import Mapping, Sequence
from typing import Any

from twittomatic.clock import steady_s
from twittomatic.errors import StorageUnavailable
from twittomatic.networks.base import Limit, WindowReading
from twittomatic.state.cap import Cap
from twittomatic.state.connection import Connection
from twittomatic.state.keys import NetworkKeys
from twittomatic.state.ledger import Ledger, Totals
from twittomatic.state.permits import Delivery, NoCredential, OverBudget, Permit, RetryAfter
from twittomatic.state.permits import decision as decision_of
from twittomatic.state.redis_errors import decoding
from twittomatic.state.spending import Spending

_SAMPLED = "05"  # last digits: a fifth of all ids, however many of their bits are alike


class Account:
    """An account of a network: its windows and its ledger, shared by all its crawls on a server.

    Args:
        connection: Connection to the state server.
        keys: The account's keys.
        budget: Micro-dollars, None for no cap; see `Cap`.
        horizon_s: A reservation that is not settled within this time is spent; longer than any request.
        crawl: Crawl whose cap that is.
        spending: Where this process records what it pays; None where it pays nothing.

    Attributes:
        ledger: What was spent.
        cap: The most that may be spent.
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
        self._horizon_ms = int(horizon_s * 1000)
        self._spending = spending
        self.ledger = Ledger(connection, keys, spending)
        self.cap = Cap(connection, keys, budget, crawl)

    async def open(self, expected: str = "") -> None:
        """Open the ledger; see `Ledger.open`."""
        await self.ledger.open(expected, is_capped=self.cap.is_set)

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
        if not self.ledger.id:
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
                *self.cap.arguments,
                price,
                wanted,
                least,
                self._horizon_ms,
                "\n".join(fields),
                self.ledger.id,
                *[
                    text
                    for name, limit in limits.items()
                    for text in (name, limit.requests, int(limit.window_s * 1000))
                ],
            ],
        )
        if answer[0] == "gone":
            raise self.ledger.gone(answer[1])
        with decoding(f"windows of {endpoint}"):
            decision = decision_of(answer, reservation, list(limits), endpoint, asked_at)
        if self._spending and isinstance(decision, Permit):
            try:
                amount = price * decision.resources
                self._spending.reserve(self._keys.account, self.ledger.id, reservation, amount)
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
            self._spending.settle(self._keys.account, self.ledger.id, permit.reservation, cost)

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
        cap = await self.cap.amount()
        if cap is None:
            return None
        totals = await self.ledger.totals()
        return cap - totals.spent - totals.reserved

    async def totals(self) -> Totals:
        """Return the ledger as a whole; see `Ledger.totals`."""
        return await self.ledger.totals()

    def _window(self, credential: str, endpoint: str) -> str:
        return f"{self._keys.windows}{credential}:{endpoint}"


def _moments(reset_at: float | None, date: float | None, age_s: float) -> list[Any]:
    """Write two times of the network's clock for a script, in ms, and how long ago it was read."""
    return [*["" if at is None else int(at * 1000) for at in (reset_at, date)], int(age_s * 1000)]
