"""The crawl as a whole: begun, paused, resumed, finished, and how far it is."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from twittomatic.errors import SettingsError, StateLost
from twittomatic.model import NO_JSON, Module, Phase, queues
from twittomatic.state.connection import Connection
from twittomatic.state.events import CrawlPaused, CrawlResumed, encode
from twittomatic.state.keys import ASKED, GROUP, CrawlKeys
from twittomatic.state.leadership import Leadership
from twittomatic.state.refusals import gone


class JobCounts(msgspec.Struct, frozen=True, kw_only=True):
    """The jobs of one module."""

    ready: int = 0
    leased: int = 0
    delayed: int = 0
    dead: int = 0
    completed: int = 0


class _Held(msgspec.Struct):
    module: str
    user_id: str
    for_s: float


class _Said(msgspec.Struct):
    """What whoever reads it builds on."""

    slots: int = 0
    lease_s: float = 0.0
    seen_at: str = ""
    credentials: Sequence[str] = ()
    jobs: Sequence[_Held] = ()


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """A look at the whole crawl.

    Attributes:
        phase: Of the crawl.
        reason: Why it is paused.
        until: When it can go on, RFC 3339, empty when unknown.
        paused_by: `user` or `network`.
        modules: What it does to each target, such as `TFA`.
        counters: Numbers that only grow.
        jobs: By module.
        workers: What each worker process last said it does; what makes no sense is left out.
        master: Name and epoch of who leads, empty while nobody does.
        standbys: Names of the masters that would lead.
    """

    phase: Phase
    reason: str
    until: str
    paused_by: str
    modules: str
    counters: Mapping[str, int]
    jobs: Mapping[Module, JobCounts]
    workers: Mapping[str, Mapping[str, Any]]
    master: Mapping[str, Any]
    standbys: Sequence[str] = ()


class CrawlState:
    """What Redis knows of one crawl as a whole.

    Args:
        connection: To the server.
        keys: Of the crawl.
    """

    def __init__(self, connection: Connection, keys: CrawlKeys) -> None:
        self._connection = connection
        self._keys = keys

    async def begin(self, modules: str, options: str, now: str, leadership: Leadership | None = None) -> str:
        """Open the crawl, or find it where it stands; its seeds may follow.

        Args:
            modules: What to do to each target, such as `TFA`.
            options: JSON of what the workers must do alike.
            now: RFC 3339.
            leadership: The caller's claim to lead; None where nobody else can.

        Returns:
            `new`, `again` when it was finished, `resumed` when it was not.

        Raises:
            SettingsError: it is unfinished and does something else.
            LeadershipLost: another master leads.
            StateLost: a part of the crawl is there, and it itself is not.
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

    async def seeded(self, leadership: Leadership, new: int = 0) -> None:
        """Say that all seeds are in the frontier, so that an empty one is the end.

        Args:
            leadership: The caller's claim to lead.
            new: How many of them were never seen before; if any, the crawl owes a quote.

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
        """Tell whether seeds came whose quote was not accepted yet, whoever brought them."""
        return bool(await self.field("unquoted"))

    async def quoted(self) -> None:
        """Say that the quote of all seeds was accepted."""
        await self._connection.call("HDEL", self._keys.crawl_hash, "unquoted")

    async def asked(self) -> str:
        """Return the options with which these modules were begun, JSON, empty where they never were."""
        return await self.field(f"{ASKED}{self._keys.traversal}")

    async def pause(self, reason: str, *, until: str = "", by: str) -> str:
        """Pause it, unless it is finished or paused already; return the phase that holds now."""
        return await self._phase("paused", reason, until, by, encode(CrawlPaused(reason=reason, until=until)))

    async def resume(self) -> str:
        """Let it go on; return the phase that holds now, empty where there is no crawl."""
        return await self._phase("running", "", "", "", encode(CrawlResumed()))

    async def _phase(self, phase: str, reason: str, until: str, by: str, event: str) -> str:
        return str(
            await self._connection.run(
                "crawl/set_phase",
                [self._keys.crawl_hash, self._keys.events],
                [phase, reason, until, by, event],
            )
        )

    async def remember_ledger(self, account: str, ledger: str) -> None:
        """Remember on which ledger the crawl spends, so that another one is not taken for it."""
        await self._connection.call("HSET", self._keys.crawl_hash, f"ledger:{account}", ledger)

    async def ledger(self, account: str) -> str:
        """Return the identity of the ledger on which the crawl has spent, empty where it never did."""
        return await self.field(f"ledger:{account}")

    async def field(self, name: str) -> str:
        """Return one field of the crawl's hash, empty where it has none."""
        return await self._connection.call("HGET", self._keys.crawl_hash, name) or ""

    async def names(self, names: Sequence[str]) -> dict[str, str]:
        """Return what is known of screen names: lower-case name -> id."""
        if not names:
            return {}
        ids = await self._connection.call("HMGET", self._keys.names, *[name.lower() for name in names])
        return {
            name.lower(): user_id
            for name, user_id in zip(names, ids, strict=True)
            if user_id and user_id.isdigit()  # earlier versions kept `?` and why a name had no owner
        }

    async def remember_names(self, names: Mapping[str, str]) -> None:
        """Keep the ids of screen names, which were paid for."""
        if names:
            await self._connection.call(
                "HSET", self._keys.names, *[text for pair in names.items() for text in pair]
            )

    async def forget_names(self, names: Sequence[str]) -> None:
        """Remove screen names, so that they are asked for again."""
        if names:
            await self._connection.call("HDEL", self._keys.names, *names)

    async def progress(self) -> Progress:
        """Look at everything in one round trip, at a cost that does not depend on the number of jobs."""
        call, keys = self._connection.call, self._keys
        streams = [keys.jobs(queue) for module in Module for queue in queues(module)]
        crawl, counters, workers, master, standbys, waiting, counted, lengths, leased = await asyncio.gather(
            call("HGETALL", keys.crawl_hash),
            call("HGETALL", keys.counters),
            call("HGETALL", keys.workers),
            call("HGETALL", keys.leader),
            call("ZRANGE", keys.standbys, 0, -1),
            asyncio.gather(call("ZCARD", keys.delayed), call("HLEN", keys.dead)),
            asyncio.gather(*[call("HGETALL", f"{key}:count") for key in (keys.delayed, keys.dead)]),
            asyncio.gather(*[call("XLEN", stream) for stream in streams]),
            asyncio.gather(*[count_leased(self._connection, stream) for stream in streams]),
        )
        delayed, dead = [
            await self._counts(*each)
            for each in zip((keys.delayed, keys.dead), waiting, counted, strict=True)
        ]
        jobs = {}
        for index, module in enumerate(Module):
            both = slice(2 * index, 2 * index + 2)
            jobs[module] = JobCounts(
                ready=max(sum(lengths[both]) - sum(leased[both]), 0),
                leased=sum(leased[both]),
                delayed=delayed.get(module, 0),
                dead=dead.get(module, 0),
                completed=int(counters.get(f"completed:{module}", 0)),
            )
        return Progress(
            phase=Phase(crawl.get("phase", "idle")),
            reason=crawl.get("reason", ""),
            until=crawl.get("until", ""),
            paused_by=crawl.get("paused_by", ""),
            modules=crawl.get("modules", ""),
            counters={name: int(value) for name, value in counters.items()},
            jobs=jobs,
            workers={
                name: said for name, text in sorted(workers.items()) if (said := _said(text)) is not None
            },
            master={"name": master["name"], "epoch": int(master["epoch"])} if master else {},
            standbys=sorted(standbys),
        )

    async def _counts(self, key: str, size: int, told: Mapping[str, str]) -> dict[str, int]:
        """Return how many jobs of each module are delayed or dead, as the scripts keep count of them."""
        counts = {module: int(number) for module, number in told.items()}
        if sum(counts.values()) != size:  # of an earlier version
            flat = await self._connection.run("jobs/recount", [key])
            counts = dict(zip(flat[::2], flat[1::2], strict=True))
        return counts


async def count_leased(connection: Connection, stream: str) -> int:
    """Return how many jobs of a stream are leased; none where no worker ever came."""
    try:
        return int((await connection.call("XPENDING", stream, GROUP))["pending"])
    except StateLost:  # or where it vanished, which the master tells
        return 0


def _said(text: str) -> Mapping[str, Any] | None:
    """Read what a worker says of itself; None where it makes no sense."""
    try:
        said: dict[str, Any] = msgspec.json.decode(text)
        msgspec.convert(said, _Said)
    except NO_JSON:
        return None
    return said


def flags(modules: str) -> str:
    """Write modules as they are given on the command line: `-T -F`."""
    return " ".join(f"-{letter}" for letter in modules)
