"""The crawl as a whole: begun, paused, resumed, finished, and looked at."""

import json

import msgspec
import pytest

from support.state import LedCrawl
from twittomatic.errors import SettingsError
from twittomatic.model import HeldJob, Module, Phase, WorkerReport
from twittomatic.state.connection import Connection
from twittomatic.state.crawl import CrawlState, flags
from twittomatic.state.keys import CrawlKeys
from twittomatic.state.status import JobCounts, MasterStatus

NOW = "2026-01-01T00:00:00Z"


@pytest.fixture
def fresh(connection: Connection, request: pytest.FixtureRequest) -> CrawlState:
    """A crawl that was never begun."""
    return CrawlState(connection, CrawlKeys(f"fresh-{request.node.name}"))


async def finish(led: LedCrawl) -> None:
    assert (await led.feed())[-1] == "finished"


async def test_a_crawl_that_is_not_there(fresh: CrawlState) -> None:
    status = await fresh.status()
    assert (status.phase, status.modules, status.counters) == (Phase.IDLE, [], {})
    assert (status.workers, status.master) == ({}, None)
    assert set(status.jobs.values()) == {JobCounts()}
    assert await fresh.pause("", by="user") == ""
    assert await fresh.resume() == ""
    assert await fresh.field("phase") == ""
    assert msgspec.structs.replace(await fresh.status(), at=status.at) == status


async def test_a_crawl_is_started_resumed_and_started_again(led: LedCrawl, fresh: CrawlState) -> None:
    assert await fresh.begin("TFA", '{"a":1}', NOW) == "new"
    assert await fresh.begin("TFA", '{"a":2}', "2026-02-02T00:00:00Z") == "resumed"
    assert await fresh.field("options") == '{"a":2}'
    assert await fresh.field("began_at") == NOW

    await finish(led)
    assert await led.crawl.begin("U", "{}", "2026-03-03T00:00:00Z") == "again"
    assert await led.crawl.field("began_at") == "2026-03-03T00:00:00Z"
    assert (await led.crawl.status()).phase is Phase.RUNNING


async def test_an_unfinished_crawl_does_nothing_else(led: LedCrawl) -> None:
    before = await led.snapshot()
    with pytest.raises(SettingsError, match=r"-T -F -A, not -U; .*--crawl"):
        await led.crawl.begin("U", "{}", NOW)
    assert await led.snapshot() == before
    await led.crawl.pause("", by="user")
    with pytest.raises(SettingsError):
        await led.crawl.begin("TF", "{}", NOW)


async def test_paused_and_resumed(led: LedCrawl) -> None:
    assert await led.crawl.pause("No credits.", until="2026-09-01T00:00:00Z", by="network") == "paused"
    status = await led.crawl.status()
    assert (status.phase, status.reason, status.until, status.paused_by) == (
        Phase.PAUSED,
        "No credits.",
        "2026-09-01T00:00:00Z",
        "network",
    )
    assert await led.crawl.pause("Something else.", by="user") == "paused"
    assert (await led.crawl.status()).reason == "No credits."  # the first reason is the cause
    assert await led.crawl.resume() == "running"
    before = await led.snapshot()
    former = led.crawl.pause("No credential is left.", by="network", options='{"account":"former"}')
    assert await former == "other"  # a master has given the crawl other options meanwhile
    assert await led.snapshot() == before
    assert await led.crawl.resume() == "running"
    status = await led.crawl.status()
    assert (status.phase, status.reason, status.until, status.paused_by) == (
        Phase.RUNNING,
        "",
        None,
        "",
    )
    assert [json.loads(event)["type"] for event in await led.events()] == ["CrawlPaused", "CrawlResumed"]


async def test_starting_resumes_a_paused_crawl(led: LedCrawl) -> None:
    await led.crawl.pause("No money.", by="network")
    assert await led.crawl.begin("TFA", "{}", NOW) == "resumed"
    status = await led.crawl.status()
    assert (status.phase, status.reason, status.paused_by) == (Phase.RUNNING, "", "")


async def test_a_finished_crawl_stays_finished(led: LedCrawl) -> None:
    await finish(led)
    before = await led.snapshot()
    assert await led.crawl.pause("x", by="user") == "finished"
    assert await led.crawl.resume() == "finished"
    assert await led.snapshot() == before


async def test_names_are_cached_in_any_case(fresh: CrawlState) -> None:
    assert await fresh.names([]) == {}
    await fresh.remember_names({})
    await fresh.remember_names({"somebody": "1", "gone": "?deleted"})
    assert await fresh.names(["SomeBody", "gone", "never"]) == {"somebody": "1"}  # it is asked for again


async def test_progress_counts_every_place_of_a_job(led: LedCrawl) -> None:
    jobs = led.worker("worker-1")
    leased = await led.lease_new(jobs, range(1, 7))
    await jobs.complete(leased[0], follows=Module.ANALYZER)
    await jobs.release(leased[1], "later", most_failures=9)
    await jobs.release(leased[2], "dead")
    await jobs.release(leased[3], "ready")
    await jobs.heartbeat(leased[4:], WorkerReport(seen_at=NOW, slots=8))

    status = await led.crawl.status()
    assert status.jobs[Module.FOLLOWER] == JobCounts(ready=1, leased=2, delayed=1, dead=1, completed=1)
    assert status.jobs[Module.ANALYZER] == JobCounts(ready=1)
    assert status.jobs[Module.UPDATE] == JobCounts()
    assert status.workers == {"worker-1": WorkerReport(seen_at=NOW, slots=8)}
    assert status.master == MasterStatus(name="master", epoch=1)
    assert status.traversal == "TFA"
    assert status.modules == [Module.TIMELINE, Module.FOLLOWER, Module.ANALYZER]
    assert status.counters == {"seen": 6, "targets": 6, "completed:follower": 1}


async def test_flags() -> None:
    assert flags("TFA") == "-T -F -A"


async def test_a_quote_is_owed_until_it_is_accepted(led: LedCrawl, fresh: CrawlState) -> None:
    crawl = led.crawl
    assert not await fresh.owes_quote()
    assert await crawl.owes_quote()
    await crawl.accept_quote()
    await crawl.begin("TFA", "{}", NOW)  # its master dies before it has said that all seeds are there
    assert not await crawl.owes_quote()
    await crawl.begin("TFA", "{}", NOW)
    assert await crawl.owes_quote()
    await crawl.accept_quote()
    await crawl.finish_seeding(led.leadership, 0)
    assert not await crawl.owes_quote()
    await crawl.finish_seeding(led.leadership, 1)
    await crawl.begin("TFA", "{}", NOW)
    assert await crawl.owes_quote()
    await crawl.accept_quote()
    await crawl.finish_seeding(led.leadership)
    await finish(led)
    assert await crawl.begin("TFA", "{}", NOW) == "again"
    assert await crawl.owes_quote()


async def test_options_are_kept_per_modules_as_the_crawl_started(led: LedCrawl) -> None:
    crawl = led.crawl
    assert await crawl.first_options() == "{}"
    await crawl.begin("TFA", '{"later": 1}', NOW)
    assert await crawl.first_options() == "{}"  # what is done was not asked so
    await crawl.finish_seeding(led.leadership)
    await finish(led)
    await crawl.begin("U", '{"other": 1}', NOW)
    assert await crawl.first_options() == "{}"
    await crawl.finish_seeding(led.leadership)
    await finish(led)
    await crawl.begin("TFA", '{"anew": 1}', NOW)
    assert await crawl.first_options() == '{"anew": 1}'


async def test_values_that_a_worker_never_reports_are_omitted(led: LedCrawl) -> None:
    said = json.dumps(
        {"slots": 2, "seen_at": NOW, "jobs": [{"module": "timeline", "user_id": "1", "for_s": 2}]}
    )
    odd = (
        '"slots":"many"',
        '"jobs":[1]',
        '"jobs":[{}]',
        '"seen_at":"0001-01-01T00:00:00"',
        '"seen_at":"now"',
    )
    senseless = ["", "no json", "[1]", "{}", "[" * 50_000]
    senseless += [f'{{"seen_at":"{NOW}",{fields}}}' for fields in odd]
    workers = {f"w{number}": text for number, text in enumerate([said, *senseless])}
    for name, text in workers.items():
        await led.connection.call("HSET", led.keys.workers, name, text)
    assert (await led.crawl.status()).workers == {
        "w0": WorkerReport(
            seen_at=NOW, slots=2, jobs=(HeldJob(module=Module.TIMELINE, user_id="1", for_s=2),)
        )
    }
