"""The ledger of an account: money spent and reserved, and detection of losses on the server."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping
from pathlib import Path

import msgspec

from twittomatic.errors import StateLost
from twittomatic.state.connection import Connection
from twittomatic.state.keys import NetworkKeys
from twittomatic.state.redis_errors import decoding, gone
from twittomatic.state.spending import Spending, Spent

_LOST = {
    "ledger": "the ledger",
    "bookings": "a part of the ledger",
    "window": "a rate-limit window",
}
_EXPECTED = "expected:"  # before the name of a field of the ledger


class Totals(msgspec.Struct, frozen=True, kw_only=True):
    """The ledger as a whole, in micro-dollars.

    Attributes:
        spent: Spending of all crawls, with every resource at its price: the most that the network can charge.
        expected: Expected charge, with each resource once per UTC day; estimated from a fifth of the ids.
        reserved: Reserved for requests that are not settled yet.
        is_awaited: Whether a process waits for reserved money to be settled.
        fields: Spending per `crawl:<name>`, `module:<crawl>:<module>`, `day:<date>`.
        expected_fields: Expected charge per field.
    """

    spent: int = 0
    expected: int = 0
    reserved: int = 0
    is_awaited: bool = False
    fields: Mapping[str, int] = {}
    expected_fields: Mapping[str, int] = {}


class Ledger:
    """The ledger of an account on the server.

    Args:
        connection: Connection to the state server.
        keys: The account's keys.
        spending: Where this process records what it pays; None where it pays nothing.

    Attributes:
        id: Its identity; empty until it is opened or found.
    """

    def __init__(self, connection: Connection, keys: NetworkKeys, spending: Spending | None = None) -> None:
        self._connection = connection
        self._keys = keys
        self._spending = spending
        self.id = ""

    async def open(self, expected: str = "", *, is_capped: bool = True) -> None:
        """Open the ledger, or create it where there never was one, and keep its identity.

        Args:
            expected: Its identity, as the crawl has stored it.
            is_capped: Whether there is a budget, which a ledger that was lost would let the crawl exceed.

        Raises:
            StateLost: there is a budget, and the server has lost the record of what was spent.
        """
        new = secrets.token_hex(8)
        known = expected if is_capped else ""
        self.id = await self._connection.run("ledger/open", [self._keys.ledger], [new, known])
        if not self.id:
            raise self.gone("ledger")
        if self._spending and is_capped:
            if await asyncio.to_thread(self._spending.lost, self._keys.account, self.id):
                raise self.gone("ledger")
            if await self.records_beyond(self._spending):
                raise self.gone("bookings")

    async def find(self) -> str:
        """Use the existing ledger, and return its identity; empty if there is none."""
        self.id = await self._connection.call("HGET", self._keys.ledger, "id") or ""
        return self.id

    async def records_beyond(self, spending: Spending) -> dict[Path, Spent]:
        """Return the records of this ledger if they add up to more than it has.

        A server that went back to an older state has the same ledger: from a backup, or by a failover to a
        replica that lagged.
        """
        account = self._keys.account
        records = await asyncio.to_thread(spending.of, account, self.id)  # written after the ledger
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
        self.id, spent = await self._connection.run(
            "ledger/repair", [self._keys.ledger, self._keys.reservations], [secrets.token_hex(8), lost, least]
        )
        with decoding(f"the ledger of the account {self._keys.account}"):
            return int(spent)

    async def totals(self) -> Totals:
        """Return the ledger, after booking as spent what was not settled in time."""
        return await read_totals(self._connection, self._keys)

    def gone(self, what: str) -> StateLost:
        """Return the error for data that a script misses: `ledger`, `bookings` or `window`."""
        return gone(f"{_LOST[what]} of the account {self._keys.account}")


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
