"""The life of a job: leased, committed, completed, given back; and which worker may do that."""

import asyncio
import json
import math
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from support.state import LedCrawl
from twittomatic.errors import LeaseLost, StateError
from twittomatic.model import Checkpoint, Ending, FileState, Job, Module, WorkerReport
from twittomatic.state.connection import Connection
from twittomatic.state.events import FileCommitted, TargetClosed
from twittomatic.state.jobs import Jobs, settled
from twittomatic.state.keys import GROUP

REPORT = WorkerReport(seen_at="2026-01-01T00:00:00Z")

CHECKPOINT = Checkpoint(
    part="follower-1-abc",
    files={"fws": FileState(size=2**40, lines=1000, crc=2**32 - 1), "usr": FileState(size=7)},
    token="t/\"'é",
    requests=1,
    cost=10_000_000,
    received=1000,
    began_at="2026-01-01T00:00:00Z",
    claimed=0,
)


async def counts(led: LedCrawl, module: Module = Module.FOLLOWER) -> tuple[int, int, int, int, int]:
    found = (await led.crawl.status()).jobs[module]
    return found.ready, found.leased, found.delayed, found.dead, found.completed


async def eventually(look: Callable[[], Any]) -> None:
    async with asyncio.timeout(30):
        while not await look():
            await asyncio.sleep(0.002)


async def test_a_job_is_leased_to_one(led: LedCrawl) -> None:
    await led.frontier.discover([str(i) for i in range(20)], 0)
    await led.feed()
    workers = [led.worker(f"worker-{i}") for i in range(4)]
    leased = await asyncio.gather(*[worker.lease(Module.FOLLOWER, 5) for worker in workers])
    assert sorted(int(job.user_id) for jobs in leased for job in jobs) == list(range(20))
    assert {job.consumer for job in leased[2]} <= {"worker-2"}
    assert await counts(led) == (0, 20, 0, 0, 0)


async def test_a_lease_waits_for_a_job(led: LedCrawl) -> None:
    jobs = led.worker()
    await jobs.open([Module.FOLLOWER])
    waiting = asyncio.create_task(jobs.lease(Module.FOLLOWER, 3))
    await eventually(lambda: is_blocked(led))
    await led.frontier.discover(["1"], 0)
    await led.feed()
    assert [job.user_id for job in await waiting] == ["1"]


async def is_blocked(led: LedCrawl) -> bool:
    """Return whether a client of this test waits for a job."""
    return any(
        client["name"] == led.name and client["cmd"] == "xreadgroup" and "b" in client["flags"]
        for client in await led.connection.redis.client_list()
    )


async def test_opening_twice_is_harmless(led: LedCrawl) -> None:
    jobs = led.worker()
    await jobs.open([Module.FOLLOWER, Module.UPDATE])
    [job] = await led.lease_new(jobs)
    await jobs.open([Module.FOLLOWER, Module.UPDATE])
    await jobs.complete(job)


async def test_a_stream_that_is_missing_is_made(led: LedCrawl) -> None:
    jobs = led.worker()
    assert await jobs.lease(Module.UPDATE, 1) == []
    assert await led.call("EXISTS", led.keys.jobs(Module.UPDATE)) == 1


async def test_an_answer_of_a_demoted_server_ends_no_lease(led: LedCrawl) -> None:
    """A server that becomes a replica throws those who wait at it out; they come again."""
    jobs = led.worker()
    await jobs.open([Module.FOLLOWER])
    waiting = asyncio.create_task(jobs.lease(Module.FOLLOWER, 1))
    await eventually(lambda: is_blocked(led))
    for one in await led.connection.redis.client_list():
        if one["name"] == led.name and one["cmd"] == "xreadgroup":
            await led.call("CLIENT", "UNBLOCK", one["id"], "ERROR")
    assert await waiting == []


async def test_a_lease_that_cannot_be_is_an_error(led: LedCrawl) -> None:
    await led.worker().open([Module.FOLLOWER])
    await led.call("SET", led.keys.jobs(Module.FOLLOWER), "no stream")
    with pytest.raises(StateError, match="another type"):
        await led.worker().lease(Module.FOLLOWER, 1)


async def test_a_job_continues_at_its_checkpoint(led: LedCrawl) -> None:
    jobs = led.worker()
    [job] = await led.lease_new(jobs)
    assert job.checkpoint == Checkpoint()
    await jobs.commit(job, CHECKPOINT, {"pages:follower": 1, "records:follower": 1000})
    assert not await jobs.release(job, "ready")
    [again] = await jobs.lease(Module.FOLLOWER, 9)
    assert again.checkpoint == CHECKPOINT
    assert again.entry != job.entry
    assert again.attempts == 0
    counters = (await led.crawl.status()).counters
    assert (counters["pages:follower"], counters["records:follower"]) == (1, 1000)


@pytest.mark.parametrize("how", ["given back", "taken back", "delayed", "left"])
async def test_started_jobs_come_before_new_ones(led: LedCrawl, how: str) -> None:
    jobs = led.worker()
    [job] = await led.lease_new(jobs)
    await led.frontier.discover(["2", "3", "4"], 0)
    await led.feed()
    match how:
        case "given back":
            await jobs.release(job, "ready")
        case "taken back":
            await led.take_from(job)
        case "delayed":
            await jobs.release(job, "later", most_failures=9)
            await led.call("ZADD", led.keys.delayed, 0, job.name)
            await led.feed()
        case _:
            await jobs.leave([Module.FOLLOWER])
    leased = await led.worker("other").lease(Module.FOLLOWER, 3)
    assert [one.user_id for one in leased] == ["1", "2", "3"]
    assert [one.resumed for one in leased] == [True, False, False]
    assert await counts(led) == (1, 3, 0, 0, 0)


async def test_a_returned_job_wakes_a_waiting_worker(led: LedCrawl) -> None:
    jobs, other = led.worker(), led.worker("other")
    [job] = await led.lease_new(jobs)
    await jobs.commit(job, CHECKPOINT, {})
    waiting = asyncio.create_task(other.lease(Module.FOLLOWER, 3))
    await eventually(lambda: is_blocked(led))
    await jobs.release(job, "ready")
    [again] = await waiting
    assert (again.checkpoint, again.resumed) == (CHECKPOINT, True)
    await other.complete(again)
    assert await counts(led) == (0, 0, 0, 0, 1)


async def test_the_history_of_a_job_is_its_last_tries(led: LedCrawl) -> None:
    jobs = led.worker()
    [job] = await led.lease_new(jobs)
    for number in range(30):
        reason = f'}},{{ \n"{number}'
        assert not await jobs.release(job, "later", reason=reason, at="now", most_failures=99)
        await led.call("ZADD", led.keys.delayed, 0, job.name)
        await led.feed()
        [job] = await jobs.lease(Module.FOLLOWER, 9)
    await jobs.release(job, "dead", reason="no use", at="now")
    tries = (await led.admin.dead())[job.name]
    assert len(tries) == 20
    assert tries[-2].reason == '},{ \n"29'
    assert tries[-1].reason == "no use"


async def test_a_page_counts_once_though_sent_twice(led: LedCrawl) -> None:
    """As after a connection that broke before the answer came."""
    jobs = led.worker()
    [job] = await led.lease_new(jobs)
    await jobs.commit(job, CHECKPOINT, {"pages": 1})
    await jobs.commit(job, CHECKPOINT, {"pages": 1})
    await jobs.commit(job, Checkpoint(ended=Ending.COMPLETE), {"pages": 1})
    assert (await led.crawl.status()).counters["pages"] == 2


async def test_a_completed_job_leaves_nothing_behind(led: LedCrawl) -> None:
    jobs = led.worker()
    [job] = await led.lease_new(jobs)
    await jobs.commit(job, CHECKPOINT, {})
    event = FileCommitted(file="1/1.fws", module="follower", user_id="1", records=3, begin=30)
    closed = TargetClosed(module="follower", user_id="1", reason="protected")
    await jobs.complete(
        job, follows=Module.ANALYZER, events=[event, closed], counters={"files": 1, "lines": 3}
    )

    assert await counts(led) == (0, 0, 0, 0, 1)
    assert await led.call("EXISTS", f"{led.keys.job}{job.name}") == 0
    assert [json.loads(text)["type"] for text in await led.events()] == ["FileCommitted", "TargetClosed"]
    counters = (await led.crawl.status()).counters
    assert (counters["files"], counters["lines"]) == (1, 3)
    [follower] = await jobs.lease(Module.ANALYZER, 9)
    assert (follower.name, follower.depth, follower.checkpoint) == ("analyzer:1", 0, Checkpoint())


@pytest.mark.parametrize("how", ["complete", "ready", "later", "dead"])
async def test_a_job_ends_once(led: LedCrawl, how: Any) -> None:
    jobs = led.worker()
    [job] = await led.lease_new(jobs)
    if how == "complete":
        await jobs.complete(job)
    else:
        assert await jobs.release(job, how, most_failures=2) == (how == "dead")
    before = await led.snapshot()
    with pytest.raises(LeaseLost):
        await jobs.complete(job, follows=Module.ANALYZER, counters={"files": 1})
    assert not await jobs.release(job, "dead")
    assert await led.snapshot() == before


async def old_holder_tries(led: LedCrawl, jobs: Jobs, job: Job) -> None:
    """Everything that a holder can do fails, and changes nothing."""
    before = await led.snapshot()
    with pytest.raises(LeaseLost):
        await jobs.commit(job, Checkpoint(part="mine"), {"pages": 1})
    with pytest.raises(LeaseLost):
        await jobs.complete(job, follows=Module.ANALYZER, counters={"files": 1})
    for how in ("ready", "later", "dead"):
        assert not await jobs.release(job, how, reason="x")  # type: ignore[arg-type]
    assert await led.snapshot() == before
    reply = await jobs.heartbeat([job], REPORT)
    assert reply.lost == [job]
    await led.call("HDEL", led.keys.workers, jobs.consumer)
    assert await led.snapshot() == before


async def test_a_job_taken_from_a_frozen_worker_is_no_longer_its_own(led: LedCrawl) -> None:
    frozen, other = led.worker("frozen"), led.worker("other")
    [job] = await led.lease_new(frozen)
    await frozen.commit(job, CHECKPOINT, {})
    await led.take_from(job)
    await old_holder_tries(led, frozen, job)  # it is ready again

    [taken] = await other.lease(Module.FOLLOWER, 9)
    assert taken.checkpoint == CHECKPOINT
    await old_holder_tries(led, frozen, job)  # another has it
    await other.commit(taken, Checkpoint(part="theirs"), {})

    await other.release(taken, "later", most_failures=9)
    await old_holder_tries(led, frozen, job)  # it is delayed


async def test_a_job_that_came_back_to_its_old_holder_has_a_new_fence(led: LedCrawl) -> None:
    jobs = led.worker()
    [job] = await led.lease_new(jobs)
    await led.take_from(job)
    [again] = await jobs.lease(Module.FOLLOWER, 9)
    await old_holder_tries(led, jobs, job)
    await jobs.complete(again)


async def test_a_lease_is_of_one_job(led: LedCrawl) -> None:
    """Losing one job does not touch the other one."""
    jobs = led.worker()
    first, second = await led.lease_new(jobs, [1, 2])
    await led.take_from(first)
    before = time.monotonic()
    assert (await jobs.heartbeat([first, second], REPORT)).lost == [first]
    assert jobs.lease_age_s(first) == math.inf
    assert 0 <= jobs.lease_age_s(second) <= time.monotonic() - before
    await jobs.complete(second)
    assert jobs.lease_age_s(second) == math.inf


async def test_no_worker_takes_the_job_of_another(led: LedCrawl) -> None:
    """The entry alone is no fence."""
    [job] = await led.lease_new(led.worker("holder"))
    thief = led.worker("thief")
    stolen = Job(**{**{name: getattr(job, name) for name in job.__struct_fields__}, "consumer": "thief"})
    before = await led.snapshot()
    with pytest.raises(LeaseLost):
        await thief.commit(stolen, CHECKPOINT, {})
    assert await led.snapshot() == before


async def test_a_heartbeat_renews_and_reports(led: LedCrawl) -> None:
    jobs = led.worker()
    [job] = await led.lease_new(jobs)
    await led.be_silent(job)
    reply = await jobs.heartbeat([job], REPORT)
    assert (reply.phase, reply.reason, reply.leader, reply.lost) == ("running", "", "master", [])
    assert await led.reap() == []

    await led.crawl.pause("No money.", by="network")
    await led.leadership.resign()
    reply = await jobs.heartbeat([], REPORT)
    assert (reply.phase, reply.reason, reply.leader) == ("paused", "No money.", "")


async def test_delays_double_and_end_in_death(led: LedCrawl) -> None:
    jobs = led.worker()
    [job] = await led.lease_new(jobs)
    delays = []
    for failure in range(1, 5):
        assert (job.attempts, job.checkpoint.part) == (failure - 1, "")
        before = await server_ms(led)
        assert not await jobs.release(job, "later", reason="503", most_failures=5)
        delays.append(await due_at(led, job) - before)
        assert await counts(led) == (0, 0, 1, 0, 0)
        await led.call("ZADD", led.keys.delayed, await server_ms(led), job.name)
        await led.feed()
        [job] = await jobs.lease(Module.FOLLOWER, 9)
    assert delays == [pytest.approx(15_000 * 2**n, abs=5_000) for n in range(4)]

    assert await jobs.release(job, "later", reason="503", at="2026-01-01T00:00:00Z", most_failures=5)
    assert await counts(led) == (0, 0, 0, 1, 0)
    tries = (await led.admin.dead())[job.name]
    assert [(one.reason, one.at, one.worker) for one in tries[-2:]] == [
        ("503", "", "worker"),
        ("503", "2026-01-01T00:00:00Z", "worker"),
    ]
    assert len(tries) == 5
    assert json.loads((await led.events())[-1])["type"] == "JobDied"


async def server_ms(led: LedCrawl) -> int:
    seconds, micros = await led.call("TIME")
    return int(seconds) * 1000 + int(micros) // 1000


async def due_at(led: LedCrawl, job: Job) -> float:
    return float(await led.call("ZSCORE", led.keys.delayed, job.name))


async def test_no_delay_is_longer_than_some_hours(led: LedCrawl) -> None:
    jobs = led.worker()
    [job] = await led.lease_new(jobs)
    await led.call("HSET", f"{led.keys.job}{job.name}", "attempts", 60)
    await jobs.release(job, "later", most_failures=99)
    assert await due_at(led, job) - await server_ms(led) <= 15_000 * 2**10


async def test_a_delayed_job_waits_until_it_is_due(led: LedCrawl) -> None:
    jobs = led.worker()
    [job] = await led.lease_new(jobs)
    await jobs.commit(job, CHECKPOINT, {})
    await jobs.release(job, "later", most_failures=9)
    assert await led.feed() == (0, 0, 0, 1, "running")
    await led.call("ZADD", led.keys.delayed, await server_ms(led) + 60_000, job.name)
    assert await led.feed() == (0, 0, 0, 1, "running")
    await led.call("ZADD", led.keys.delayed, await server_ms(led), job.name)
    assert await led.feed() == (0, 1, 0, 0, "running")
    [again] = await jobs.lease(Module.FOLLOWER, 9)
    assert (again.checkpoint, again.attempts) == (CHECKPOINT, 1)


async def test_a_page_that_came_forgives_failures(led: LedCrawl) -> None:
    jobs = led.worker()
    [job] = await led.lease_new(jobs)
    await jobs.release(job, "later", most_failures=2)
    await led.call("ZADD", led.keys.delayed, 0, job.name)
    await led.feed()
    [job] = await jobs.lease(Module.FOLLOWER, 9)
    await jobs.commit(job, CHECKPOINT, {})
    assert not await jobs.release(job, "later", most_failures=2)


async def test_a_leaving_worker_gives_everything_back(led: LedCrawl) -> None:
    jobs = led.worker("leaver")
    first, _ = await led.lease_new(jobs, [1, 2])
    await jobs.commit(first, CHECKPOINT, {})
    await jobs.complete(first, follows=Module.ANALYZER)
    await jobs.lease(Module.ANALYZER, 1)
    await jobs.heartbeat([], REPORT)
    await jobs.leave([Module.TIMELINE, Module.FOLLOWER, Module.ANALYZER, Module.UPDATE])

    assert await counts(led) == (1, 0, 0, 0, 1)
    assert await counts(led, Module.ANALYZER) == (1, 0, 0, 0, 0)
    assert not (await led.crawl.status()).workers
    assert await led.call("XINFO", "CONSUMERS", led.keys.jobs(Module.FOLLOWER), GROUP) == []
    other = led.worker("other")
    assert [job.user_id for job in await other.lease(Module.FOLLOWER, 9)] == ["2"]
    assert [job.user_id for job in await other.lease(Module.ANALYZER, 9)] == ["1"]


async def test_a_leaving_worker_takes_nothing_from_others(led: LedCrawl) -> None:
    stayer, leaver = led.worker("stayer"), led.worker("leaver")
    [job] = await led.lease_new(stayer)
    await leaver.leave([Module.FOLLOWER])
    await stayer.complete(job)


async def test_jobs_of_a_cancelled_lease_are_given_back(led: LedCrawl) -> None:
    """Whenever the cancellation comes: before the server, or between its answer and our reading it."""
    await led.frontier.discover([str(i) for i in range(40)], 0)
    await led.feed()
    jobs = led.worker("leaver")
    for ticks in range(8):
        task = asyncio.create_task(jobs.lease(Module.FOLLOWER, 5))
        for _ in range(ticks):
            await asyncio.sleep(0)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
    lost = asyncio.create_task(jobs.lease(Module.FOLLOWER, 5))
    await eventually(lambda: leased_some(led))
    lost.cancel()
    await asyncio.gather(lost, return_exceptions=True)

    await jobs.leave([Module.FOLLOWER])
    assert await counts(led) == (40, 0, 0, 0, 0)
    found = await led.worker("other").lease(Module.FOLLOWER, 99)
    assert sorted(int(job.user_id) for job in found) == list(range(40))


async def leased_some(led: LedCrawl) -> bool:
    return (await counts(led))[1] > 0


async def test_leaving_twice_is_harmless(led: LedCrawl) -> None:
    jobs = led.worker()
    [job] = await led.lease_new(jobs)
    await jobs.commit(job, CHECKPOINT, {})
    await jobs.leave([Module.FOLLOWER])
    await jobs.leave([Module.FOLLOWER])
    [again] = await led.worker("other").lease(Module.FOLLOWER, 9)
    assert again.checkpoint == CHECKPOINT


async def test_a_connection_of_either_protocol(led: LedCrawl, server_url: str) -> None:
    from redis.asyncio import Redis

    for protocol in (2, 3):
        connection = Connection(Redis.from_url(server_url, decode_responses=True, protocol=protocol))
        jobs = led.worker(f"worker-{protocol}", connection)
        [job] = await led.lease_new(jobs, [protocol])
        await jobs.commit(job, CHECKPOINT, {})
        await jobs.release(job, "ready")
        [job] = await jobs.lease(Module.FOLLOWER, 1)
        assert job.checkpoint == CHECKPOINT
        await jobs.complete(job)
        await connection.close()


async def test_settled_waits_for_all_and_raises_the_first_failure(led: LedCrawl) -> None:
    jobs = led.worker()
    [job] = await led.lease_new(jobs)
    await led.take_from(job)
    counted = asyncio.ensure_future(led.call("HINCRBY", led.keys.counters, "x", 1))
    with pytest.raises(LeaseLost):
        await settled(asyncio.ensure_future(jobs.commit(job, CHECKPOINT, {})), counted)
    assert counted.result() == 1
