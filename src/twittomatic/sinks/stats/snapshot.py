"""One look at everything that is measured of a crawl: a few round trips, however large the crawl is."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Self

import msgspec

from twittomatic.crawler.options import CrawlOptions
from twittomatic.model import NO_JSON, Module, Phase, queues
from twittomatic.networks import registry
from twittomatic.state.account import Money
from twittomatic.state.connection import Connection
from twittomatic.state.crawl import count_leased
from twittomatic.state.frontier import Frontier, waiting_by_depth
from twittomatic.state.keys import CrawlKeys, NetworkKeys
from twittomatic.state.windows import Window, look_at_windows

_PURPOSES = (*(module.value for module in Module), "profiles")  # bought before a crawl begins


class WorkerView(msgspec.Struct, frozen=True, kw_only=True):
    """What a worker process last said of itself.

    Attributes:
        slots: Jobs of each module that it holds at most.
        seen_at: RFC 3339 time when it said so.
        lease_s: After so many silent seconds it counts as gone.
        jobs: What it holds.
        fetched: Records that it committed since it began.
        requests: Pages that it committed since it began.
        credentials: Names of those that it asks with.
    """

    slots: int = 0
    seen_at: Annotated[datetime, msgspec.Meta(tz=True)]
    lease_s: float = 30.0
    jobs: Sequence[Mapping[str, Any]] = ()
    fetched: int = 0
    requests: int = 0
    credentials: Sequence[str] = ()


_decode_worker = msgspec.json.Decoder(WorkerView).decode


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """A crawl at one moment.

    Attributes:
        crawl: Its name.
        at: When this was so by the state server's clock, seconds since the epoch.
        phase: Of the crawl.
        is_led: Whether a master leads it.
        modules: What it does to each target.
        counters: Numbers that only grow, as `state/keys.py` names them.
        ready: Jobs by module that wait for a worker.
        leased: Jobs by module that a worker holds.
        delayed: Jobs that wait for another try.
        dead: Jobs that failed too often.
        frontier: Targets that wait, by depth.
        seen: Users ever discovered.
        spent: Micro-dollars of this crawl, by purpose.
        expected: Of these, what the network will probably charge.
        account_spent: Micro-dollars of all crawls of the account.
        account_reserved: Micro-dollars put aside for requests in flight.
        budget: Micro-dollars that the account may spend, None without a cap.
        windows: Of the credentials of the workers that live, as far as they were ever opened.
        workers: Those that live, by the name of the process.
    """

    crawl: str
    at: float
    phase: Phase
    is_led: bool
    modules: Sequence[Module]
    counters: Mapping[str, int]
    ready: Mapping[Module, int]
    leased: Mapping[Module, int]
    delayed: int
    dead: int
    frontier: Mapping[int, int]
    seen: int
    spent: Mapping[str, int]
    expected: Mapping[str, int]
    account_spent: int
    account_reserved: int
    budget: int | None
    windows: Sequence[Window]
    workers: Mapping[str, WorkerView]

    @classmethod
    async def take(cls, connection: Connection, crawl: str) -> Self | None:
        """Look at a crawl; None where nobody has begun it.

        Args:
            connection: To the state server.
            crawl: Its name.

        Raises:
            StateUnavailable: no server answered.
        """
        call, keys = connection.call, CrawlKeys(crawl)
        entries = [keys.jobs(queue) for module in Module for queue in queues(module)]
        (seconds, micros), known, counters, told, is_led, delayed, dead, *lengths = await asyncio.gather(
            call("TIME"),
            call("HMGET", keys.crawl_hash, "phase", "modules", "options"),
            call("HGETALL", keys.counters),
            call("HGETALL", keys.workers),
            call("EXISTS", keys.leader),
            call("ZCARD", keys.delayed),
            call("HLEN", keys.dead),
            *[call("XLEN", stream) for stream in entries],
        )
        phase, modules, written = known
        if not written:
            return None
        at = int(seconds) + int(micros) / 1e6
        options = CrawlOptions.read(written)
        keys, shared = CrawlKeys(crawl, modules), NetworkKeys(options.account)
        frontier, workers = Frontier(connection, keys), _living(told, at)
        names = sorted({name for worker in workers.values() for name in worker.credentials})
        endpoints = registry.network_class(options.network).endpoints
        places = [(name, endpoint) for name in names for endpoint in endpoints]
        waiting, seen, totals, windows, held = await asyncio.gather(
            waiting_by_depth(connection, crawl),
            frontier.seen(),
            Money(connection, shared, budget=None, horizon_s=0).totals(),
            look_at_windows(connection, shared, places, at),
            asyncio.gather(*[count_leased(connection, stream) for stream in entries]),
        )
        both = {
            module: (sum(lengths[2 * index : 2 * index + 2]), sum(held[2 * index : 2 * index + 2]))
            for index, module in enumerate(Module)
        }
        return cls(
            crawl=crawl,
            at=at,
            phase=Phase(phase or "idle"),
            is_led=bool(is_led),
            modules=options.all_modules,
            counters={name: int(value) for name, value in counters.items()},
            ready={module: max(0, length - leased) for module, (length, leased) in both.items()},
            leased={module: leased for module, (_, leased) in both.items()},
            delayed=delayed,
            dead=dead,
            frontier=waiting,
            seen=seen,
            spent={name: totals.fields.get(f"module:{crawl}:{name}", 0) for name in _PURPOSES},
            expected={name: totals.expected_fields.get(f"module:{crawl}:{name}", 0) for name in _PURPOSES},
            account_spent=totals.spent,
            account_reserved=totals.reserved,
            budget=options.budget,
            windows=windows,
            workers=workers,
        )


def _living(told: Mapping[str, str], now: float) -> dict[str, WorkerView]:
    """Return the workers that were heard of within their leases; what makes no sense is left out."""
    living = {}
    for name, text in sorted(told.items()):
        try:
            worker = _decode_worker(text)
        except NO_JSON:
            continue
        if now - worker.seen_at.timestamp() <= worker.lease_s:
            living[name] = worker
    return living
