"""Who leads: one master at a time, each under a greater epoch."""

from __future__ import annotations

from twittomatic.errors import LeadershipLost
from twittomatic.state.connection import Connection
from twittomatic.state.keys import CrawlKeys


class Leadership:
    """One master's claim to a crawl.

    Args:
        connection: To the server.
        keys: Of the crawl.
        name: Of this master, unique.
        ttl_s: How long a leader that says nothing stays one.
    """

    def __init__(self, connection: Connection, keys: CrawlKeys, name: str, *, ttl_s: float = 3.0) -> None:
        self._connection = connection
        self._keys = keys
        self.name = name
        self._ttl_ms = int(ttl_s * 1000)
        self.epoch = 0
        self.other = ""

    async def lead(self) -> bool:
        """Take the leadership or keep it; False, and `other` is who leads, when it is taken.

        Raises:
            LeadershipLost: it was ours, and no longer is.
        """
        epoch, leader = await self._connection.run(
            "lead",
            [self._keys.leader, self._keys.crawl_hash],
            [self.name, self.epoch, self._ttl_ms],
        )
        if not epoch:
            if self.epoch:
                raise self.lost()
            self.other = leader
            return False
        self.epoch, self.other = epoch, ""
        return True

    async def resign(self) -> None:
        """Give it up, if it is ours."""
        if self.epoch:
            await self._connection.run("resign", [self._keys.leader], [self.name, self.epoch])
            self.epoch = 0

    def lost(self) -> LeadershipLost:
        """Return the error for a script that was refused."""
        return LeadershipLost(f"Another master leads crawl “{self._keys.crawl}” now; this one stops.")
