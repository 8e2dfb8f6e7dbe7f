"""The cap of a crawl: the spending of the account above which its processes get no permits."""

from __future__ import annotations

from twittomatic.state.connection import Connection
from twittomatic.state.keys import NetworkKeys
from twittomatic.state.leadership import Leadership
from twittomatic.state.redis_errors import decoding


class Cap:
    """A process's view of its crawl's cap.

    Args:
        connection: Connection to the state server.
        keys: The account's keys.
        budget: Budget in micro-dollars, None for no cap. It applies to this process only, until the process
            makes it the crawl's cap (`share`) or uses the crawl's (`follow`).
        crawl: Name of the crawl.
    """

    def __init__(self, connection: Connection, keys: NetworkKeys, budget: int | None, crawl: str) -> None:
        self._connection = connection
        self._keys = keys
        self._budget = budget
        self._crawl = crawl
        self._follows = False

    @property
    def is_set(self) -> bool:
        """Whether this process has a budget."""
        return self._budget is not None

    @property
    def arguments(self) -> tuple[int | str, str]:
        """Arguments for `ledger/acquire`: this process's budget, and the crawl whose cap replaces it."""
        return "" if self._budget is None else self._budget, self._crawl if self._follows else ""

    async def share(self, leadership: Leadership) -> None:
        """Make the budget the crawl's cap, for all its processes, and follow it.

        Args:
            leadership: The caller's claim to lead the crawl.

        Raises:
            LeadershipLost: another master leads; its cap stays in force.
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

    async def amount(self) -> int | None:
        """Return the cap that applies now, in micro-dollars; None for no cap."""
        written = None
        if self._follows:
            written = await self._connection.call("HGET", self._keys.caps, self._crawl)
        if written is None:
            return self._budget
        with decoding(f"the cap of crawl “{self._crawl}”"):
            cap = written.split(":")[1]
            return int(cap) if cap else None
