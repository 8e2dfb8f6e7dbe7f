"""The life of a job: leased, committed, completed, given back; and who may do that."""

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

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


async def counts(house: Any, module: Module = Module.FOLLOWER) -> tuple[int, int, int, int, int]:
    found = (await house.crawl.status()).jobs[module]
    return found.ready, found.leased, found.delayed, found.dead, found.completed


async def eventually(look: Callable[[], Any]) -> None:
    async with asyncio.timeout(30):
        while not await look():
            await asyncio.sleep(0.002)


async def test_a_job_is_leased_to_one(house: Any) -> None:
    await house.frontier.discover([str(i) for i in range(20)], 0)
    await house.feed()
    workers = [house.worker(f"worker-{i}") for i in range(4)]
    leased = await asyncio.gather(*[worker.lease(Module.FOLLOWER, 5) for worker in workers])
    assert sorted(int(job.user_id) for jobs in leased for job in jobs) == list(range(20))
    assert {job.consumer for job in leased[2]} <= {"worker-2"}
    assert await counts(house) == (0, 20, 0, 0, 0)


async def test_a_lease_waits_for_a_job(house: Any) -> None:
    jobs = house.worker()
    await jobs.open([Module.FOLLOWER])
    waiting = asyncio.create_task(jobs.lease(Module.FOLLOWER, 3))
    await eventually(lambda: is_blocked(house))
    await house.frontier.discover(["1"], 0)
    await house.feed()
    assert [job.user_id for job in await waiting] == ["1"]


async def is_blocked(house: Any) -> bool:
    """Return whether a client of this test waits for a job."""
    return any(
        client["name"] == house.name and client["cmd"] == "xreadgroup" and "b" in client["flags"]
        for client in await house.connection.redis.client_list()
    )


async def test_opening_twice_is_harmless(house: Any) -> None:
    jobs = house.worker()
    await jobs.open([Module.FOLLOWER, Module.UPDATE])
    [job] = await house.lease_new(jobs)
    await jobs.open([Module.FOLLOWER, Module.UPDATE])
    await jobs.complete(job)


async def test_a_stream_that_is_missing_is_made(house: Any) -> None:
    jobs = house.worker()
    assert await jobs.lease(Module.UPDATE, 1) == []
    assert await house.call("EXISTS", house.keys.jobs(Module.UPDATE)) == 1


async def test_what_a_demoted_server_says_ends_no_lease(house: Any) -> None:
    """A server that becomes a replica throws those who wait at it out; they come again."""
    jobs = house.worker()
    await jobs.open([Module.FOLLOWER])
    waiting = asyncio.create_task(jobs.lease(Module.FOLLOWER, 1))
    await eventually(lambda: is_blocked(house))
    for one in await house.connection.redis.client_list():
        if one["name"] == house.name and one["cmd"] == "xreadgroup":
            await house.call("CLIENT", "UNBLOCK", one["id"], "ERROR")
    assert await waiting == []


async def test_a_lease_that_cannot_be_is_an_error(house: Any) -> None:
    await house.worker().open([Module.FOLLOWER])
    await house.call("SET", house.keys.jobs(Module.FOLLOWER), "no stream")
    with pytest.raises(StateError, match="WRONGTYPE"):
        await house.worker().lease(Module.FOLLOWER, 1)


async def test_a_job_goes_on_at_its_checkpoint(house: Any) -> None:
    jobs = house.worker()
    [job] = await house.lease_new(jobs)
    assert job.checkpoint == Checkpoint()
    await jobs.commit(job, CHECKPOINT, {"pages:follower": 1, "records:follower": 1000})
    assert not await jobs.give_back(job, "ready")
    [again] = await jobs.lease(Module.FOLLOWER, 9)
    assert again.checkpoint == CHECKPOINT
    assert again.entry != job.entry
    assert again.attempts == 0
    counters = (await house.crawl.status()).counters
    assert (counters["pages:follower"], counters["records:follower"]) == (1, 1000)


@pytest.mark.parametrize("how", ["given back", "taken back", "delayed", "left"])
async def test_what_was_begun_goes_before_what_was_not(house: Any, how: str) -> None:
    jobs = house.worker()
    [job] = await house.lease_new(jobs)
    await house.frontier.discover(["2", "3", "4"], 0)
    await house.feed()
    match how:
        case "given back":
            await jobs.give_back(job, "ready")
        case "taken back":
            await house.take_from(job)
        case "delayed":
            await jobs.give_back(job, "later", most_failures=9)
            await house.call("ZADD", house.keys.delayed, 0, job.name)
            await house.feed()
        case _:
            await jobs.leave([Module.FOLLOWER])
    leased = await house.worker("other").lease(Module.FOLLOWER, 3)
    assert [one.user_id for one in leased] == ["1", "2", "3"]
    assert [one.resumed for one in leased] == [True, False, False]
    assert await counts(house) == (1, 3, 0, 0, 0)


async def test_who_waits_is_woken_by_a_job_that_comes_back(house: Any) -> None:
    jobs, other = house.worker(), house.worker("other")
    [job] = await house.lease_new(jobs)
    await jobs.commit(job, CHECKPOINT, {})
    waiting = asyncio.create_task(other.lease(Module.FOLLOWER, 3))
    await eventually(lambda: is_blocked(house))
    await jobs.give_back(job, "ready")
    [again] = await waiting
    assert (again.checkpoint, again.resumed) == (CHECKPOINT, True)
    await other.complete(again)
    assert await counts(house) == (0, 0, 0, 0, 1)


async def test_the_history_of_a_job_is_its_last_tries(house: Any) -> None:
    jobs = house.worker()
    [job] = await house.lease_new(jobs)
    for number in range(30):
        reason = f'}},{{ \n"{number}'
        assert not await jobs.give_back(job, "later", reason=reason, at="now", most_failures=99)
        await house.call("ZADD", house.keys.delayed, 0, job.name)
        await house.feed()
        [job] = await jobs.lease(Module.FOLLOWER, 9)
    await jobs.give_back(job, "dead", reason="no use", at="now")
    tries = (await house.recovery.dead())[job.name]
    assert len(tries) == 20
    assert tries[-2].reason == '},{ \n"29'
    assert tries[-1].reason == "no use"


async def test_a_page_counts_once_though_sent_twice(house: Any) -> None:
    """As after a connection that broke before the answer came."""
    jobs = house.worker()
    [job] = await house.lease_new(jobs)
    await jobs.commit(job, CHECKPOINT, {"pages": 1})
    await jobs.commit(job, CHECKPOINT, {"pages": 1})
    await jobs.commit(job, Checkpoint(ended=Ending.COMPLETE), {"pages": 1})
    assert (await house.crawl.status()).counters["pages"] == 2


async def test_a_completed_job_leaves_nothing_behind(house: Any) -> None:
    jobs = house.worker()
    [job] = await house.lease_new(jobs)
    await jobs.commit(job, CHECKPOINT, {})
    event = FileCommitted(file="1/1.fws", module="follower", user_id="1", records=3, begin=30)
    closed = TargetClosed(module="follower", user_id="1", reason="protected")
    await jobs.complete(
        job, follows=Module.ANALYZER, events=[event, closed], counters={"files": 1, "lines": 3}
    )

    assert await counts(house) == (0, 0, 0, 0, 1)
    assert await house.call("EXISTS", f"{house.keys.job}{job.name}") == 0
    assert [json.loads(text)["type"] for text in await house.events()] == ["FileCommitted", "TargetClosed"]
    counters = (await house.crawl.status()).counters
    assert (counters["files"], counters["lines"]) == (1, 3)
    [follower] = await jobs.lease(Module.ANALYZER, 9)
    assert (follower.name, follower.depth, follower.checkpoint) == ("analyzer:1", 0, Checkpoint())


@pytest.mark.parametrize("how", ["complete", "ready", "later", "dead"])
async def test_a_job_ends_once(house: Any, how: Any) -> None:
    jobs = house.worker()
    [job] = await house.lease_new(jobs)
    if how == "complete":
        await jobs.complete(job)
    else:
        assert await jobs.give_back(job, how, most_failures=2) == (how == "dead")
    before = await house.snapshot()
    with pytest.raises(LeaseLost):
        await jobs.complete(job, follows=Module.ANALYZER, counters={"files": 1})
    assert not await jobs.give_back(job, "dead")
    assert await house.snapshot() == before


async def old_holder_tries(house: Any, jobs: Jobs, job: Job) -> None:
    """Everything that a holder can do fails, and changes nothing."""
    before = await house.snapshot()
    with pytest.raises(LeaseLost):
        await jobs.commit(job, Checkpoint(part="mine"), {"pages": 1})
    with pytest.raises(LeaseLost):
        await jobs.complete(job, follows=Module.ANALYZER, counters={"files": 1})
    for how in ("ready", "later", "dead"):
        assert not await jobs.give_back(job, how, reason="x")  # type: ignore[arg-type]
    assert await house.snapshot() == before
    standing = await jobs.heartbeat([job], REPORT)
    assert standing.lost == [job]
    await house.call("HDEL", house.keys.workers, jobs.consumer)
    assert await house.snapshot() == before


async def test_what_was_taken_from_a_frozen_worker_is_his_no_longer(house: Any) -> None:
    frozen, other = house.worker("frozen"), house.worker("other")
    [job] = await house.lease_new(frozen)
    await frozen.commit(job, CHECKPOINT, {})
    await house.take_from(job)
    await old_holder_tries(house, frozen, job)  # it is ready again

    [taken] = await other.lease(Module.FOLLOWER, 9)
    assert taken.checkpoint == CHECKPOINT
    await old_holder_tries(house, frozen, job)  # another has it
    await other.commit(taken, Checkpoint(part="theirs"), {})

    await other.give_back(taken, "later", most_failures=9)
    await old_holder_tries(house, frozen, job)  # it is delayed


async def test_a_job_that_came_back_to_its_old_holder_has_a_new_fence(house: Any) -> None:
    jobs = house.worker()
    [job] = await house.lease_new(jobs)
    await house.take_from(job)
    [again] = await jobs.lease(Module.FOLLOWER, 9)
    await old_holder_tries(house, jobs, job)
    await jobs.complete(again)


async def test_a_lease_is_of_one_job(house: Any) -> None:
    """Losing one job does not touch the other one."""
    jobs = house.worker()
    first, second = await house.lease_new(jobs, [1, 2])
    await house.take_from(first)
    assert (await jobs.heartbeat([first, second], REPORT)).lost == [first]
    await jobs.complete(second)


async def test_nobody_takes_part_in_the_job_of_another(house: Any) -> None:
    """The entry alone is no fence."""
    [job] = await house.lease_new(house.worker("holder"))
    thief = house.worker("thief")
    stolen = Job(**{**{name: getattr(job, name) for name in job.__struct_fields__}, "consumer": "thief"})
    before = await house.snapshot()
    with pytest.raises(LeaseLost):
        await thief.commit(stolen, CHECKPOINT, {})
    assert await house.snapshot() == before


async def test_a_heartbeat_renews_and_tells(house: Any) -> None:
    jobs = house.worker()
    [job] = await house.lease_new(jobs)
    await house.be_silent(job)
    standing = await jobs.heartbeat([job], REPORT)
    assert (standing.phase, standing.reason, standing.leader, standing.lost) == ("running", "", "master", [])
    assert await house.reap() == []

    await house.crawl.pause("No money.", by="network")
    await house.leadership.resign()
    standing = await jobs.heartbeat([], REPORT)
    assert (standing.phase, standing.reason, standing.leader) == ("paused", "No money.", "")


async def test_delays_double_and_end_in_death(house: Any) -> None:
    jobs = house.worker()
    [job] = await house.lease_new(jobs)
    delays = []
    for failure in range(1, 5):
        assert (job.attempts, job.checkpoint.part) == (failure - 1, "")
        before = await server_ms(house)
        assert not await jobs.give_back(job, "later", reason="503", most_failures=5)
        delays.append(await due_at(house, job) - before)
        assert await counts(house) == (0, 0, 1, 0, 0)
        await house.call("ZADD", house.keys.delayed, await server_ms(house), job.name)
        await house.feed()
        [job] = await jobs.lease(Module.FOLLOWER, 9)
    assert delays == [pytest.approx(15_000 * 2**n, abs=5_000) for n in range(4)]

    assert await jobs.give_back(job, "later", reason="503", at="2026-01-01T00:00:00Z", most_failures=5)
    assert await counts(house) == (0, 0, 0, 1, 0)
    tries = (await house.recovery.dead())[job.name]
    assert [(one.reason, one.at, one.worker) for one in tries[-2:]] == [
        ("503", "", "worker"),
        ("503", "2026-01-01T00:00:00Z", "worker"),
    ]
    assert len(tries) == 5
    assert json.loads((await house.events())[-1])["type"] == "JobDied"


async def server_ms(house: Any) -> int:
    seconds, micros = await house.call("TIME")
    return int(seconds) * 1000 + int(micros) // 1000


async def due_at(house: Any, job: Job) -> float:
    return float(await house.call("ZSCORE", house.keys.delayed, job.name))


async def test_no_delay_is_longer_than_some_hours(house: Any) -> None:
    jobs = house.worker()
    [job] = await house.lease_new(jobs)
    await house.call("HSET", f"{house.keys.job}{job.name}", "attempts", 60)
    await jobs.give_back(job, "later", most_failures=99)
    assert await due_at(house, job) - await server_ms(house) <= 15_000 * 2**10


async def test_a_delayed_job_waits_until_it_is_due(house: Any) -> None:
    jobs = house.worker()
    [job] = await house.lease_new(jobs)
    await jobs.commit(job, CHECKPOINT, {})
    await jobs.give_back(job, "later", most_failures=9)
    assert await house.feed() == (0, 0, 0, 1, "running")
    await house.call("ZADD", house.keys.delayed, await server_ms(house) + 60_000, job.name)
    assert await house.feed() == (0, 0, 0, 1, "running")
    await house.call("ZADD", house.keys.delayed, await server_ms(house), job.name)
    assert await house.feed() == (0, 1, 0, 0, "running")
    [again] = await jobs.lease(Module.FOLLOWER, 9)
    assert (again.checkpoint, again.attempts) == (CHECKPOINT, 1)


async def test_a_page_that_came_forgives_failures(house: Any) -> None:
    jobs = house.worker()
    [job] = await house.lease_new(jobs)
    await jobs.give_back(job, "later", most_failures=2)
    await house.call("ZADD", house.keys.delayed, 0, job.name)
    await house.feed()
    [job] = await jobs.lease(Module.FOLLOWER, 9)
    await jobs.commit(job, CHECKPOINT, {})
    assert not await jobs.give_back(job, "later", most_failures=2)


async def test_who_leaves_gives_everything_back(house: Any) -> None:
    jobs = house.worker("leaver")
    first, _ = await house.lease_new(jobs, [1, 2])
    await jobs.commit(first, CHECKPOINT, {})
    await jobs.complete(first, follows=Module.ANALYZER)
    await jobs.lease(Module.ANALYZER, 1)
    await jobs.heartbeat([], REPORT)
    await jobs.leave([Module.TIMELINE, Module.FOLLOWER, Module.ANALYZER, Module.UPDATE])

    assert await counts(house) == (1, 0, 0, 0, 1)
    assert await counts(house, Module.ANALYZER) == (1, 0, 0, 0, 0)
    assert not (await house.crawl.status()).workers
    assert await house.call("XINFO", "CONSUMERS", house.keys.jobs(Module.FOLLOWER), GROUP) == []
    other = house.worker("other")
    assert [job.user_id for job in await other.lease(Module.FOLLOWER, 9)] == ["2"]
    assert [job.user_id for job in await other.lease(Module.ANALYZER, 9)] == ["1"]


async def test_who_leaves_takes_nothing_from_others(house: Any) -> None:
    stayer, leaver = house.worker("stayer"), house.worker("leaver")
    [job] = await house.lease_new(stayer)
    await leaver.leave([Module.FOLLOWER])
    await stayer.complete(job)


async def test_jobs_of_a_cancelled_lease_are_given_back(house: Any) -> None:
    """Whenever the cancellation comes: before the server, or between its answer and our reading it."""
    await house.frontier.discover([str(i) for i in range(40)], 0)
    await house.feed()
    jobs = house.worker("leaver")
    for ticks in range(8):
        task = asyncio.create_task(jobs.lease(Module.FOLLOWER, 5))
        for _ in range(ticks):
            await asyncio.sleep(0)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
    lost = asyncio.create_task(jobs.lease(Module.FOLLOWER, 5))
    await eventually(lambda: leased_some(house))
    lost.cancel()
    await asyncio.gather(lost, return_exceptions=True)

    await jobs.leave([Module.FOLLOWER])
    assert await counts(house) == (40, 0, 0, 0, 0)
    found = await house.worker("other").lease(Module.FOLLOWER, 99)
    assert sorted(int(job.user_id) for job in found) == list(range(40))


async def leased_some(house: Any) -> bool:
    return (await counts(house))[1] > 0


async def test_leaving_twice_is_harmless(house: Any) -> None:
    jobs = house.worker()
    [job] = await house.lease_new(jobs)
    await jobs.commit(job, CHECKPOINT, {})
    await jobs.leave([Module.FOLLOWER])
    await jobs.leave([Module.FOLLOWER])
    [again] = await house.worker("other").lease(Module.FOLLOWER, 9)
    assert again.checkpoint == CHECKPOINT


async def test_a_connection_of_either_protocol(house: Any, server_url: str) -> None:
    from redis.asyncio import Redis

    for protocol in (2, 3):
        connection = Connection(Redis.from_url(server_url, decode_responses=True, protocol=protocol))
        jobs = house.worker(f"worker-{protocol}", connection)
        [job] = await house.lease_new(jobs, [protocol])
        await jobs.commit(job, CHECKPOINT, {})
        await jobs.give_back(job, "ready")
        [job] = await jobs.lease(Module.FOLLOWER, 1)
        assert job.checkpoint == CHECKPOINT
        await jobs.complete(job)
        await connection.close()


async def test_settled_waits_for_all_and_raises_the_first_failure(house: Any) -> None:
    jobs = house.worker()
    [job] = await house.lease_new(jobs)
    await house.take_from(job)
    counted = asyncio.ensure_future(house.call("HINCRBY", house.keys.counters, "x", 1))
    with pytest.raises(LeaseLost):
        await settled(asyncio.ensure_future(jobs.commit(job, CHECKPOINT, {})), counted)
    assert counted.result() == 1
