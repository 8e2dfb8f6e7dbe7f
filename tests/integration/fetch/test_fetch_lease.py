"""A job whose lease may be lost sends no request until a heartbeat has renewed it."""

import asyncio

import pytest

from support.fetch import (
    FetcherRig,
)
from support.state import LedCrawl
from twittomatic.emulator import GraphWorld
from twittomatic.errors import (
    Interrupted,
)
from twittomatic.model import Job, Module, WorkerReport
from twittomatic.state.jobs import Jobs, Lease


class WatchedLease(Lease):
    """A lease that shows when its job waits for a heartbeat."""

    def __init__(self, jobs: Jobs, job: Job) -> None:
        super().__init__(jobs, job)
        self.awaited = asyncio.Event()

    async def heartbeat(self) -> None:
        self.awaited.set()
        await super().heartbeat()


async def test_a_job_whose_lease_may_be_lost_sends_nothing_before_a_heartbeat_renews_it(
    house: FetcherRig,
) -> None:
    """A worker that was frozen has lost its job, and another worker buys the page."""
    emulator = await house.emulate(GraphWorld([(1, 2)]))
    fetcher = await house.fetcher("token", budget=100_000_000)
    led = LedCrawl(house.connection)
    await led.begin()
    frozen = led.worker("frozen")
    [job] = await led.lease_new(frozen)
    await led.take_from(job)
    assert (await frozen.heartbeat([job], WorkerReport(seen_at="2026-01-01T00:00:00Z"))).lost == [job]
    lease = WatchedLease(frozen, job)
    page = asyncio.ensure_future(fetcher.page(house.ask, 1000, purpose="follower", lease=lease))
    await asyncio.wait([page, asyncio.ensure_future(lease.awaited.wait())], return_when="FIRST_COMPLETED")
    assert not page.done()
    assert emulator.report()["requests"] == {}
    assert await house.ledger() == (0, 0)

    [again] = await frozen.lease(Module.FOLLOWER, 1)
    assert again.entry != job.entry
    await frozen.heartbeat([again], WorkerReport(seen_at="2026-01-01T00:00:00Z"))
    house.halt.set()
    with pytest.raises(Interrupted):
        await page
    assert emulator.report()["requests"] == {}


class RenewedLater(Lease):
    """A lease that was last renewed 61 seconds ago, until the next heartbeat."""

    age_s = 61.0  # type: ignore[assignment]

    async def heartbeat(self) -> None:
        self.age_s = 0.0


async def test_a_job_continues_when_a_heartbeat_has_renewed_its_lease(
    house: FetcherRig,
) -> None:
    emulator = await house.emulate(GraphWorld([(1, 2)]))
    fetcher = await house.fetcher("token", budget=100_000_000)
    led = LedCrawl(house.connection)
    await led.begin()
    jobs = led.worker()
    [job] = await led.lease_new(jobs)
    lease = RenewedLater(jobs, job)
    fetched = await fetcher.page(house.ask, 1000, purpose="follower", lease=lease)
    await fetched.settle()
    assert lease.age_s == 0
    assert await house.ledger() == (10_000, 0)
    assert emulator.report()["requests"] == {"followers": 1}
