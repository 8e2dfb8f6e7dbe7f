"""What it costs to read a crawl's status: the same, however many of its jobs are dead or delayed."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from valkeyd import valkeyd

from support.state import LedCrawl
from twittomatic.clock import rfc3339, utc
from twittomatic.model import Checkpoint, Module, WorkerReport
from twittomatic.state.admin import JobAdmin
from twittomatic.state.connection import Connection
from twittomatic.state.status import CrawlStatus, JobCounts, read_status

MANY = 200_000
FILL = """
for i = 1, ARGV[1] do
  redis.call('HSET', KEYS[1], 'follower:' .. i, '{}')
  redis.call('ZADD', KEYS[2], i + 1e15, 'timeline:' .. i)
end
"""


@pytest.fixture
async def own(reach: Callable[..., Connection], led_on: Callable[[Connection], LedCrawl]) -> Any:
    """A crawl on a separate server, so that nothing disturbs its statistics."""
    with valkeyd() as port:
        led = led_on(reach(f"redis://127.0.0.1:{port}"))
        await led.begin()
        yield led


async def cost(led: LedCrawl, read: Callable[[], Any]) -> tuple[int, int, int]:
    """Return the round trips, commands and bytes of a read."""
    await read()  # the scripts are loaded, and what something else changed is counted
    before = await led.call("INFO", "stats")
    empty = await led.call("INFO", "stats")
    await read()
    after = await led.call("INFO", "stats")
    names = ("total_reads_processed", "total_commands_processed", "total_net_output_bytes")
    reads, commands, sent = (after[name] - 2 * empty[name] + before[name] for name in names)
    return reads, commands, sent


async def test_a_status_takes_two_round_trips_however_many_jobs_are_dead_or_delayed(own: Any) -> None:
    options = {"account": "x@here", "budget_usd": 1}
    await own.call("HSET", own.keys.crawl_hash, "options", msgspec.json.encode(options))
    moment = rfc3339(utc(int((await own.call("TIME"))[0])))
    names = [f"app-{number}" for number in range(40)]
    await own.worker().heartbeat([], WorkerReport(seen_at=moment, lease_s=600, credentials=tuple(names)))

    async def status() -> CrawlStatus:
        return await read_status(own.connection, own.keys.crawl, windows=True)

    reads = {
        "status": status,
        "lists": lambda: JobAdmin(own.connection, own.keys).checkpoints_of(["1", "2"], list(Module)),
    }
    before = {name: await cost(own, read) for name, read in reads.items()}
    assert before["status"][0] == 2
    await own.call("EVAL", FILL, 2, own.keys.dead, own.keys.delayed, MANY)
    found = await status()
    assert found.jobs[Module.FOLLOWER].dead == found.jobs[Module.TIMELINE].delayed == MANY
    for name, read in reads.items():
        round_trips, commands, sent = await cost(own, read)
        assert (round_trips, commands) == before[name][:2]
        assert sent < before[name][2] + 1_000, name


async def test_a_paused_crawl_takes_two_round_trips_too(own: Any) -> None:
    await own.crawl.pause("No money.", by="network")
    await own.call("EVAL", FILL, 2, own.keys.dead, own.keys.delayed, MANY)
    round_trips, _, sent = await cost(own, own.crawl.status)
    assert round_trips == 2
    assert sent < 10_000


async def test_the_counts_follow_every_move(led: LedCrawl) -> None:
    jobs = led.worker()
    leased = await led.lease_new(jobs, range(1, 8))
    for job in leased[:3]:
        await jobs.release(job, "dead", reason="so")
    for job in leased[3:5]:
        await jobs.release(job, "later", most_failures=9)
    await jobs.release(leased[5], "later", most_failures=1)
    await jobs.commit(leased[6], Checkpoint(part="a"), {})

    async def counts() -> JobCounts:
        found = (await led.crawl.status()).jobs[Module.FOLLOWER]
        assert found.dead == await led.call("HLEN", led.keys.dead)
        assert found.delayed == await led.call("ZCARD", led.keys.delayed)
        for key, number in ((led.keys.dead, found.dead), (led.keys.delayed, found.delayed)):
            assert int(await led.call("HGET", f"{key}:count", "follower") or 0) == number
        return found  # type: ignore[no-any-return]

    assert await counts() == JobCounts(leased=1, delayed=2, dead=4)
    for _ in range(2):
        await led.admin.retry("follower:1")
        await JobAdmin(led.connection, led.keys).queue(Module.FOLLOWER, "2", 0)
    assert await counts() == JobCounts(ready=2, leased=1, delayed=2, dead=2)
    await led.call("ZADD", led.keys.delayed, 0, "follower:4")
    await led.feed()
    assert await counts() == JobCounts(ready=3, leased=1, delayed=1, dead=2)
    await led.call("HSET", f"{led.keys.job}{leased[6].name}", "crashes", 1)
    await led.take_from(leased[6])
    assert await counts() == JobCounts(ready=3, delayed=2, dead=2)
    [again] = await jobs.lease(Module.FOLLOWER, 1)
    await led.call("HSET", f"{led.keys.job}{again.name}", "crashes", 5)
    await led.take_from(again)
    assert await counts() == JobCounts(ready=2, delayed=2, dead=3)


async def test_dead_jobs_of_an_earlier_version_are_counted_once(led: LedCrawl) -> None:
    await led.call("HSET", led.keys.dead, "follower:1", "{}", "timeline:2", "{}")
    await led.call("ZADD", led.keys.delayed, 1e15, "analyzer:3")
    for _ in range(2):
        jobs = (await led.crawl.status()).jobs
        assert [jobs[module].dead for module in (Module.FOLLOWER, Module.TIMELINE)] == [1, 1]
        assert jobs[Module.ANALYZER].delayed == 1
    assert await led.call("HGETALL", f"{led.keys.dead}:count") == {"follower": "1", "timeline": "1"}
