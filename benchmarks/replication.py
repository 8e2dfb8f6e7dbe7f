"""Replication: the cost of waiting for a replica, the losses without, and the duration of a failover.

The setup is a master, two replicas and three Sentinels. A page consists only of its effect on the state: its
checkpoint is committed and its money settled together with the permit of the next one, in one round trip; its
request and files, which take ten times as long, are omitted. Rounds with and without `WAIT` alternate on the
same server; pages per second are medians.

Losses: both replicas are frozen, pages are committed, then master and replicas are killed together with the
data in transit between them, as when a machine dies. Failover: the time from the kill of the master, with 24
pages in flight, until the next acknowledged commit.

    python benchmarks/replication.py [--pages 1500] [--rounds 5] [--failovers 10] [--losses 3]
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import statistics
import sys
import time
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from harness import alternate, run, verdict

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "services"))
from replicated import APART_S, Replicated, replicated

from twittomatic.model import Checkpoint, Job, Module
from twittomatic.networks.base import Limit
from twittomatic.state.account import Account
from twittomatic.state.client import client
from twittomatic.state.connection import Connection
from twittomatic.state.crawl import CrawlState
from twittomatic.state.failover import Replication
from twittomatic.state.frontier import Frontier
from twittomatic.state.jobs import Jobs
from twittomatic.state.keys import CrawlKeys, NetworkKeys
from twittomatic.state.leadership import Leadership
from twittomatic.state.permits import Permit

IN_FLIGHT = 24  # eight per module
LIMITS = {"token": Limit(requests=10**9, window_s=900)}


class Careless(Replication):
    """A replication policy that trusts the master without waiting."""

    def commands(self, now: float, *, resent: bool) -> list[tuple[str | int, ...]]:
        return []


class Crawl:
    """Leased jobs whose pages are committed as modules do it."""

    def __init__(self, connection: Connection, name: str) -> None:
        keys = CrawlKeys(name, "F")
        self.name = name
        self.connection = connection
        self.state = CrawlState(connection, keys)
        self.leadership = Leadership(connection, keys, "benchmark", ttl_s=600)
        self.frontier = Frontier(connection, keys)
        self.jobs = Jobs(connection, keys, "benchmark")
        self.money = Account(connection, NetworkKeys(name), budget=10**15, horizon_s=600)
        self.pages: dict[str, int] = {}  # of each job: how many were acknowledged

    async def begin(self) -> list[Job]:
        await self.leadership.lead()
        await self.state.begin("F", "{}", "2026-01-01T00:00:00Z")
        await self.frontier.discover([str(user) for user in range(1, IN_FLIGHT + 1)], 0)
        await self.frontier.feed(
            self.leadership, order="bfs", max_depth=0, low=99, high=99, first=[Module.FOLLOWER], others=[]
        )
        return await self.jobs.lease(Module.FOLLOWER, IN_FLIGHT)

    async def page(self, job: Job, permit: Permit | None) -> Permit:
        """Commit the next page of a job, and acquire the permit of the one after it."""
        number = self.pages.get(job.name, 0) + 1
        ahead = self.money.acquire(
            "followers", LIMITS, price=10_000, wanted=1_000, fields=[f"crawl:{self.name}"]
        )
        if permit is None:
            granted = await ahead
        else:
            _, _, granted = await asyncio.gather(
                self.jobs.commit(job, Checkpoint(requests=number), {"pages:follower": 1}),
                self.money.settle(permit, 10_000_000),
                ahead,
            )
            self.pages[job.name] = number
        assert isinstance(granted, Permit)
        return granted

    async def lost(self) -> int:
        """Count the acknowledged pages that are missing on the server."""
        missing = 0
        for name, acknowledged in self.pages.items():
            text = await self.connection.call("HGET", f"{CrawlKeys(self.name, 'F').job}{name}", "checkpoint")
            known = int(text.partition('"requests":')[2].partition(",")[0].rstrip("}")) if text else 0
            missing += max(0, acknowledged - known)
        return missing


@asynccontextmanager
async def opened(server: Replicated, name: str, *, careful: bool = True) -> Any:
    connection = Connection(client(server.url, "benchmark"))
    if not careful:
        connection._replication = Careless(required=False)
    yield Crawl(connection, name)
    await connection.close()


async def paged(server: Replicated, name: str, pages: int, *, careful: bool) -> float:
    """Return the pages per second of a crawl."""
    async with opened(server, name, careful=careful) as crawl:
        jobs = await crawl.begin()

        async def work(job: Job) -> None:
            permit = await crawl.page(job, None)
            for _ in range(pages):
                permit = await crawl.page(job, permit)

        began = time.perf_counter()
        await asyncio.gather(*map(work, jobs))
        return len(jobs) * pages / (time.perf_counter() - began)


async def failed_over(server: Replicated, count: int) -> tuple[list[float], int]:
    """Return the seconds until a commit for each failover, and the number of lost acknowledged pages."""
    gaps: list[float] = []
    async with opened(server, "failover") as crawl:
        jobs = await crawl.begin()
        acknowledged_at = time.monotonic()
        acknowledged, stop = asyncio.Event(), asyncio.Event()

        async def work(job: Job) -> None:
            nonlocal acknowledged_at
            permit = await crawl.page(job, None)
            while not stop.is_set():
                permit = await crawl.page(job, permit)
                acknowledged_at = time.monotonic()
                acknowledged.set()
                await asyncio.sleep(0.01)  # as if it were fetched

        working = asyncio.gather(*map(work, jobs))
        for _ in range(count):
            await asyncio.to_thread(server.heal)
            await asyncio.sleep(APART_S)
            master = server.master
            killed_at = time.monotonic()
            master.kill()
            while acknowledged_at < killed_at + 0.3:  # what was on its way is answered by then
                acknowledged.clear()
                await acknowledged.wait()
            gaps.append(acknowledged_at - killed_at)
        stop.set()
        await working
        return gaps, await crawl.lost()


async def lost(server: Replicated, name: str, *, careful: bool) -> tuple[int, int]:
    """Return the number of pages acknowledged before the master died, and how many of them are lost."""
    await asyncio.to_thread(server.heal)
    async with opened(server, name, careful=careful) as crawl:
        jobs = await crawl.begin()
        stop = asyncio.Event()

        async def work(job: Job) -> None:
            permit = await crawl.page(job, None)
            while not stop.is_set():
                permit = await crawl.page(job, permit)

        working = asyncio.gather(*map(work, jobs))
        await asyncio.sleep(0.5)
        for replica in server.replicas:
            replica.send(signal.SIGSTOP)
        await asyncio.sleep(0.3)
        acknowledged = dict(crawl.pages)
        stop.set()
        server.lose_master()
        result = await asyncio.gather(working, return_exceptions=True)
        crawl.pages = acknowledged
        missing = await crawl.lost()
        assert careful is False or not isinstance(result[0], BaseException), result
        return sum(acknowledged.values()), missing


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--pages", type=int, default=200, help="of each of 24 jobs")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--failovers", type=int, default=10)
    parser.add_argument("--losses", type=int, default=3)
    given = parser.parse_args()
    names = (f"crawl-{number}" for number in range(10**6))
    with replicated() as server:
        rates = alternate(
            {
                "with": lambda: run(paged(server, next(names), given.pages, careful=True)),
                "without": lambda: run(paged(server, next(names), given.pages, careful=False)),
            },
            given.rounds,
        )
        for name, rate in rates.items():
            print(f"{name:8} WAIT: {rate:8,.0f} pages/s of state, {1e6 / rate:6,.0f} µs each")
        verdict("pages/s of state, with WAIT to without", rates["with"] / rates["without"], 0.5)
        for careful in (False, True):
            acknowledged = missing = 0
            for _ in range(given.losses):
                one, gone = run(lost(server, next(names), careful=careful))
                acknowledged, missing = acknowledged + one, missing + gone
            word = "with" if careful else "without"
            print(f"{word} WAIT: {missing:,} of {acknowledged:,} acknowledged pages lost")
        gaps, missing = run(failed_over(server, given.failovers))
        print("failovers, s:", ", ".join(f"{gap:.2f}" for gap in gaps))
        verdict("failover, median", statistics.median(gaps), 5, most=True, unit=" s")
        verdict("failover, longest", max(gaps), 5, most=True, unit=" s")
        verdict("acknowledged pages lost in failovers", missing, 0, most=True)


if __name__ == "__main__":
    main()
