"""What is done again after a repair of the dataset: once, and by a crawl that may have been finished."""

import asyncio
from typing import Any

import pytest

from support.state import LedCrawl
from twittomatic.model import Checkpoint, Module, Phase, WorkerReport
from twittomatic.state.admin import JobAdmin

REPORT = WorkerReport(seen_at="2026-01-01T00:00:00Z")

CHECKPOINT = Checkpoint(part="follower-1-abc", token="t", requests=3)


@pytest.fixture
def admin(led: LedCrawl) -> JobAdmin:
    return JobAdmin(led.connection, led.keys)


async def test_a_job_is_queued_once_at_its_depth(led: LedCrawl, admin: JobAdmin) -> None:
    assert await admin.queue(Module.FOLLOWER, "1", 4)
    before = await led.snapshot()
    assert not await admin.queue(Module.FOLLOWER, "1", 4)
    assert await led.snapshot() == before
    await led.feed()
    [job] = await led.worker().lease(Module.FOLLOWER, 9)
    assert (job.user_id, job.depth, job.checkpoint, job.attempts) == ("1", 4, Checkpoint(), 0)


async def test_a_finished_crawl_runs_again_to_its_end(led: LedCrawl, admin: JobAdmin) -> None:
    await led.feed()
    assert (await led.crawl.status()).phase is Phase.FINISHED
    assert await admin.queue(Module.TIMELINE, "1", 0)
    assert (await led.crawl.status()).phase is Phase.RUNNING
    worker = led.worker()
    assert (await led.feed())[4] == "running"
    [job] = await worker.lease(Module.TIMELINE, 9)
    await worker.complete(job)
    assert (await led.feed())[4] == "finished"


async def test_a_paused_crawl_stays_paused(led: LedCrawl, admin: JobAdmin) -> None:
    await led.crawl.pause("no money", by="network")
    assert await admin.queue(Module.TIMELINE, "1", 0)
    assert (await led.crawl.status()).phase is Phase.PAUSED


async def test_a_job_that_is_there_is_left_alone(led: LedCrawl, admin: JobAdmin) -> None:
    worker = led.worker()
    [job] = await led.lease_new(worker)
    await worker.commit(job, CHECKPOINT, {})
    before = await led.snapshot()
    assert not await admin.queue(Module.FOLLOWER, "1", 0)
    assert await led.snapshot() == before


async def test_a_dead_job_gets_another_chance_where_it_stopped(led: LedCrawl, admin: JobAdmin) -> None:
    worker = led.worker()
    [job] = await led.lease_new(worker)
    await worker.commit(job, CHECKPOINT, {})
    await worker.release(job, "dead", reason="r")
    assert await admin.queue(Module.FOLLOWER, "1", 0)
    assert await led.admin.dead() == {}
    [again] = await worker.lease(Module.FOLLOWER, 9)
    assert again.checkpoint == CHECKPOINT


async def test_a_job_restarts_in_any_state(led: LedCrawl, admin: JobAdmin) -> None:
    worker = led.worker()
    dead, held = await led.lease_new(worker, [1, 2])
    for job in (dead, held):
        await worker.commit(job, CHECKPOINT, {})
    await worker.release(dead, "dead", reason="its part file is gone")
    begun = [one async for one in admin.checkpoints()]
    assert sorted(begun) == [(Module.FOLLOWER, "1", CHECKPOINT), (Module.FOLLOWER, "2", CHECKPOINT)]
    for job in (dead, held):
        assert await admin.restart(Module.FOLLOWER, job.user_id)
        assert not await admin.restart(Module.FOLLOWER, job.user_id)
    assert [one async for one in admin.checkpoints()] == []
    await led.take_from(held)
    again = await worker.lease(Module.FOLLOWER, 9)
    assert [(job.user_id, job.checkpoint, job.depth) for job in again] == [
        ("1", Checkpoint(), 0),
        ("2", Checkpoint(), 0),
    ]
    assert not await admin.restart(Module.FOLLOWER, "3"), "there is no such job"


async def test_connected_workers_are_at_work(led: LedCrawl, connect: Any, admin: JobAdmin) -> None:
    assert (
        await admin.active_processes() == []
    )  # the master of this test leads through a connection of another name
    alive, dead = led.worker("alive", connect("alive")), led.worker("dead", connect("dead"))
    for worker in (alive, dead):
        await worker.heartbeat([], REPORT)
    assert await admin.active_processes() == ["alive", "dead"]
    await dead._connection.close()
    async with asyncio.timeout(30):
        while await admin.active_processes() != ["alive"]:
            pass
