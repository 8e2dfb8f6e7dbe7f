"""What dead and frozen workers held comes back; what kills its workers is dead."""

import asyncio
import itertools
import json
from collections.abc import Callable

import pytest

from support.state import LedCrawl
from twittomatic.errors import LeadershipLost
from twittomatic.model import Checkpoint, Module, WorkerReport
from twittomatic.state.connection import Connection
from twittomatic.state.events import WorkerDied, decode
from twittomatic.state.keys import GROUP
from twittomatic.state.leadership import Leadership

REPORT = WorkerReport(seen_at="2026-01-01T00:00:00Z")

CHECKPOINT = Checkpoint(part="follower-1-abc", token="t", requests=3)


async def test_a_lease_ends_at_the_very_millisecond(led: LedCrawl) -> None:
    [job] = await led.lease_new(led.worker())
    await led.be_silent(job, 29_000)
    assert await led.reap() == []
    await led.be_silent(job, 30_000)
    assert await led.reap() == ["follower:1"]
    assert await led.reap() == []


async def test_a_reaped_job_continues_at_its_checkpoint(led: LedCrawl) -> None:
    worker, other = led.worker("frozen"), led.worker("other")
    [job] = await led.lease_new(worker)
    await worker.commit(job, CHECKPOINT, {})
    await led.take_from(job)
    [again] = await other.lease(Module.FOLLOWER, 9)
    assert (again.name, again.checkpoint, again.depth) == (job.name, CHECKPOINT, job.depth)
    assert again.attempts == 0  # a worker's death is no failure of the job


async def test_jobs_of_all_modules_are_taken(led: LedCrawl) -> None:
    worker = led.worker()
    await led.frontier.discover(["1", "2"], 0)
    await led.feed(first=[Module.FOLLOWER, Module.TIMELINE], others=[])
    for module in (Module.FOLLOWER, Module.TIMELINE):
        for job in await worker.lease(module, 9):
            await led.be_silent(job)
    taken = await led.reap()
    assert sorted(taken) == ["follower:1", "follower:2", "timeline:1", "timeline:2"]


async def test_more_than_a_call_takes(led: LedCrawl) -> None:
    for job in await led.lease_new(led.worker(), range(250)):
        await led.be_silent(job)
    assert [len(await led.reap()) for _ in range(4)] == [100, 100, 50, 0]


async def test_reaping_before_there_is_anything(led: LedCrawl) -> None:
    assert await led.reap() == []


async def until_connected(led: LedCrawl, name: str, *, there: bool) -> None:
    async with asyncio.timeout(30):
        while (name in {one["name"] for one in await led.connection.redis.client_list()}) is not there:
            await asyncio.sleep(0.002)


async def test_a_worker_without_a_connection_is_reaped_when_missed_twice(
    led: LedCrawl, connect: Callable[..., Connection]
) -> None:
    connection = connect("gone")
    worker = led.worker("gone", connection)
    [job] = await led.lease_new(worker)
    await worker.heartbeat([job], REPORT)
    await until_connected(led, "gone", there=True)
    assert await led.reap() == []
    await connection.close()
    await until_connected(led, "gone", there=False)
    assert await led.reap() == []  # it may be connecting again
    assert await led.reap() == ["follower:1"]
    assert not (await led.crawl.status()).workers
    assert await led.call("XINFO", "CONSUMERS", led.keys.jobs(Module.FOLLOWER), GROUP) == []
    assert await led.call("XINFO", "CONSUMERS", led.keys.jobs("follower:again"), GROUP) == []
    assert await led.reap() == []
    deaths = [decode(event) for event in await led.events()]
    assert deaths == [WorkerDied(worker="gone", jobs=("follower:1",))]  # told once


async def test_a_worker_that_connects_again_keeps_its_jobs(
    led: LedCrawl, connect: Callable[..., Connection]
) -> None:
    connection = connect("blinks")
    worker = led.worker("blinks", connection)
    [job] = await led.lease_new(worker)
    await worker.heartbeat([job], REPORT)
    await connection.close()
    await until_connected(led, "blinks", there=False)
    for _ in range(3):
        assert await led.reap() == []
        again = connect("blinks")
        worker = led.worker("blinks", again)
        await worker.heartbeat([job], REPORT)
        assert await led.reap() == []
        await again.close()
        await until_connected(led, "blinks", there=False)
    await worker.complete(job)


async def test_all_jobs_of_a_dead_worker_come_back(led: LedCrawl) -> None:
    """However many it held; the jobs of a living worker stay with it."""
    dead, alive = led.worker("dead"), led.worker(led.name)  # as the connection is named
    await led.lease_new(dead, range(150))
    await led.lease_new(alive, range(200, 205))
    await dead.heartbeat([], REPORT)
    await alive.heartbeat([], REPORT)
    assert [len(await led.reap()) for _ in range(4)] == [0, 100, 50, 0]
    progress = await led.crawl.status()
    assert (progress.jobs[Module.FOLLOWER].ready, progress.jobs[Module.FOLLOWER].leased) == (150, 5)
    assert set(progress.workers) == {led.name}


async def bring_back(led: LedCrawl) -> None:
    """Let the time of every delayed job come."""
    for name in await led.call("ZRANGE", led.keys.delayed, 0, -1):
        await led.call("ZADD", led.keys.delayed, 0, name)
    await led.feed()


async def test_a_job_that_kills_its_workers_dies(led: LedCrawl) -> None:
    for death in range(1, 7):
        worker = led.worker(f"victim-{death}")
        if death == 1:
            [job] = await led.lease_new(worker)
        else:
            await bring_back(led)
            [job] = await worker.lease(Module.FOLLOWER, 9)
        await led.take_from(job)
    counts = (await led.crawl.status()).jobs[Module.FOLLOWER]
    assert (counts.ready, counts.leased, counts.delayed, counts.dead) == (0, 0, 0, 1)
    [(name, tries)] = (await led.admin.dead()).items()
    assert name == "follower:1"
    assert [one.worker for one in tries] == [f"victim-{death}" for death in range(1, 7)]
    assert tries[-1].at == "2026-01-01T00:00:00Z"
    assert json.loads((await led.events())[-1])["reason"] == tries[-1].reason


async def test_jobs_that_fell_together_meet_no_more(led: LedCrawl) -> None:
    """The second time they come back at different moments, so that only the poisonous one kills again."""
    worker = led.worker()
    for job in await led.lease_new(worker, [100, 400, 900]):
        await led.take_from(job)
    for job in await worker.lease(Module.FOLLOWER, 9):
        await led.take_from(job)
    due = await led.call("ZRANGE", led.keys.delayed, 0, -1, "WITHSCORES")
    moments = [float(score) for _, score in due]
    assert [name for name, _ in due] == ["follower:100", "follower:400", "follower:900"]
    assert all(150 <= later - earlier <= 5_000 for earlier, later in itertools.pairwise(moments))


async def test_a_page_that_came_forgives_deaths(led: LedCrawl) -> None:
    worker = led.worker()
    [job] = await led.lease_new(worker)
    for page in range(12):
        await worker.commit(job, Checkpoint(token=str(page)), {})
        await led.take_from(job)
        [job] = await worker.lease(Module.FOLLOWER, 9)
    assert job.checkpoint.token == "11"


async def test_a_dead_job_gets_another_chance_where_it_stopped(led: LedCrawl) -> None:
    worker = led.worker()
    [job] = await led.lease_new(worker)
    await worker.commit(job, CHECKPOINT, {})
    assert await worker.release(job, "later", reason="x", most_failures=1)
    assert (await led.feed())[-1] == "finished"

    assert await led.admin.retry("follower:1")
    assert not await led.admin.retry("follower:1")
    assert await led.admin.dead() == {}
    assert (await led.feed())[-1] == "running"
    [again] = await worker.lease(Module.FOLLOWER, 9)
    assert (again.attempts, again.checkpoint) == (0, CHECKPOINT)


@pytest.mark.parametrize("name", ["follower:2", "timeline:1", "follower", "", "follower:1:2"])
async def test_reviving_what_is_not_dead(led: LedCrawl, name: str) -> None:
    [job] = await led.lease_new(led.worker())
    await led.worker().release(job, "dead")
    before = await led.snapshot()
    assert not await led.admin.retry(name)
    assert await led.snapshot() == before


async def test_only_the_leader_reaps(led: LedCrawl) -> None:
    [job] = await led.lease_new(led.worker())
    await led.be_silent(job)
    before = await led.snapshot()
    with pytest.raises(LeadershipLost):
        await led.reaper.reap(
            Leadership(led.connection, led.keys, "stranger"), [Module.FOLLOWER], "2026-01-01T00:00:00Z"
        )
    assert await led.snapshot() == before


async def test_an_entry_that_was_deleted_is_let_go(led: LedCrawl) -> None:
    """As after a hand that cleaned the stream."""
    [job] = await led.lease_new(led.worker())
    await led.be_silent(job)
    await led.call("XDEL", led.keys.jobs(Module.FOLLOWER), job.entry)
    assert await led.reap() == []
    pending = await led.call("XPENDING", led.keys.jobs(Module.FOLLOWER), GROUP)
    assert pending["pending"] == 0


async def test_a_dead_job_of_which_nonsense_is_written_is_listed(led: LedCrawl) -> None:
    for name, text in (("follower:1", "no json"), ("follower:2", "[" * 50_000)):
        await led.connection.call("HSET", led.keys.dead, name, text)
    dead = await led.admin.dead()
    assert {name: tries[-1].reason for name, tries in dead.items()} == dict.fromkeys(
        ("follower:1", "follower:2"), "the record of this try cannot be read"
    )


async def test_dead_jobs_of_some_modules_are_revived_and_listed_apart(led: LedCrawl) -> None:
    for module in (Module.FOLLOWER, Module.TIMELINE):
        for user_id in range(1, 4):
            await led.connection.call("HSET", led.keys.dead, f"{module}:{user_id}", "{}")
            await led.connection.call("HSET", f"{led.keys.job}{module}:{user_id}", "depth", 0)
    some = await led.admin.some_dead([Module.FOLLOWER], 2)
    assert len(some) == 2
    assert all(name.startswith("follower:") for name in some)
    assert len(await led.admin.some_dead(list(Module), 10)) == 6
    assert await led.admin.retry_all([Module.FOLLOWER]) == 3
    assert await led.admin.retry_all([Module.FOLLOWER]) == 0
    assert {name.partition(":")[0] for name in await led.admin.dead()} == {"timeline"}
