"""The crawl as a whole: opened, seeded, quoted, paused and resumed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from twittomatic.errors import SettingsError
from twittomatic.model import User
from twittomatic.state.connection import Connection
from twittomatic.state.events import CrawlPaused, CrawlResumed, encode
from twittomatic.state.keys import ASKED, CrawlKeys
from twittomatic.state.leadership import Leadership
from twittomatic.state.redis_errors import gone
from twittomatic.state.status import CrawlStatus, read_status


class CrawlState:
    """The state of one crawl as a whole.

    Args:
        connection: Connection to the state server.
        keys: The crawl's keys.
    """

    def __init__(self, connection: Connection, keys: CrawlKeys) -> None:
        self._connection = connection
        self._keys = keys

    async def begin(self, modules: str, options: str, now: str, leadership: Leadership | None = None) -> str:
        """Open the crawl, or resume it; its seeds may follow.

        Args:
            modules: What to do to each target, such as `TFA`.
            options: JSON of the options that all workers share.
            now: RFC 3339.
            leadership: The caller's claim to lead; None where no other process can lead.

        Returns:
            `new`, `again` when it was finished, `resumed` when it was not.

        Raises:
            SettingsError: it is unfinished and does something else.
            LeadershipLost: another master leads.
            StateLost: parts of the crawl exist, but its hash does not.
        """
        claim = (leadership.name, leadership.epoch) if leadership else ("", "")
        what, there = await self._connection.run(
            "crawl/begin",
            [self._keys.crawl_hash, self._keys.counters, self._keys.leader],
            [modules, options, now, *claim],
        )
        if leadership and what == "lost":
            raise leadership.lost()
        if what == "ruined":
            raise gone(f"crawl “{self._keys.crawl}”, all but some of its keys")
        if what == "other":
            raise SettingsError(
                f"Crawl “{self._keys.crawl}” is not finished and does {flags(there)}, not {flags(modules)}; "
                "finish it with the same flags, or name another crawl with --crawl."
            )
        return str(what)

    async def finish_seeding(self, leadership: Leadership, new: int = 0) -> None:
        """Record that all seeds are in the frontier, so that an empty frontier is the end.

        Args:
            leadership: The caller's claim to lead.
            new: How many of them were never seen before; if any, the crawl must be quoted.

        Raises:
            LeadershipLost: another master leads.
        """
        if not await self._connection.run(
            "crawl/seeded",
            [self._keys.crawl_hash, self._keys.leader],
            [leadership.name, leadership.epoch, new],
        ):
            raise leadership.lost()

    async def owes_quote(self) -> bool:
        """Return whether there are seeds whose quote was not accepted yet."""
        return bool(await self.field("unquoted"))

    async def accept_quote(self) -> None:
        """Record that the quote of all seeds was accepted."""
        await self._connection.call("HDEL", self._keys.crawl_hash, "unquoted")

    async def first_options(self) -> str:
        """Return the options first used with these modules, as JSON; empty where they never were."""
        return await self.field(f"{ASKED}{self._keys.traversal}")

    async def pause(self, reason: str, *, until: str = "", by: str, options: str = "") -> str:
        """Pause the crawl, unless it is finished or paused already; return its present phase.

        Args:
            reason: Why, for users.
            until: When it can continue, RFC 3339.
            by: `user` or `network`.
            options: Pause it only while it has these options, as JSON; otherwise return `other`.
        """
        event = encode(CrawlPaused(reason=reason, until=until))
        return await self._phase("paused", reason, until, by, event, options)

    async def resume(self) -> str:
        """Resume the crawl; return its present phase, empty where there is no crawl."""
        return await self._phase("running", "", "", "", encode(CrawlResumed()))

    async def _phase(
        self, phase: str, reason: str, until: str, by: str, event: str, options: str = ""
    ) -> str:
        return str(
            await self._connection.run(
                "crawl/set_phase",
                [self._keys.crawl_hash, self._keys.events],
                [phase, reason, until, by, event, options],
            )
        )

    async def set_ledger(self, account: str, ledger: str) -> None:
        """Store the identity of the ledger on which the crawl spends, so that no other is taken for it."""
        await self._connection.call("HSET", self._keys.crawl_hash, f"ledger:{account}", ledger)

    async def ledger(self, account: str) -> str:
        """Return the identity of the ledger on which the crawl has spent, empty where it never did."""
        return await self.field(f"ledger:{account}")

    async def field(self, name: str) -> str:
        """Return one field of the crawl's hash, empty where it has none."""
        return await self._connection.call("HGET", self._keys.crawl_hash, name) or ""

    async def names(self, names: Sequence[str]) -> dict[str, str]:
        """Return what is known of screen names: lower-case name -> `User.entry`."""
        if not names:
            return {}
        entries = await self._connection.call("HMGET", self._keys.names, *[name.lower() for name in names])
        return {
            name.lower(): entry
            for name, entry in zip(names, entries, strict=True)
            if entry and User.read(entry).user_id.isdigit()  # earlier versions kept `?` where there is none
        }

    async def remember_names(self, names: Mapping[str, str]) -> None:
        """Keep the ids of screen names, which cost money."""
        if names:
            await self._connection.call(
                "HSET", self._keys.names, *[text for pair in names.items() for text in pair]
            )

    async def forget_names(self, names: Sequence[str]) -> None:
        """Remove screen names, so that they are asked for again."""
        if names:
            await self._connection.call("HDEL", self._keys.names, *names)

    async def status(self) -> CrawlStatus:
        """Read the status of the crawl; see `read_status`."""
        return await read_status(self._connection, self._keys.crawl)


def flags(modules: str) -> str:
    """Write modules as they are given on the command line: `-T -F`."""
    return " ".join(f"-{letter}" for letter in modules)
