"""Discovered targets: each once, and in which order they are fed to the job streams."""

import pytest

from support.state import LedCrawl
from twittomatic.errors import LeadershipLost, LeaseLost
from twittomatic.model import Job, Module, Target
from twittomatic.state.crawl import CrawlState
from twittomatic.state.frontier import Frontier, frontiers
from twittomatic.state.jobs import Jobs
from twittomatic.state.keys import GROUP, CrawlKeys
from twittomatic.state.leadership import Leadership


async def exported(led: LedCrawl) -> list[str]:
    return [user_id async for ids in led.frontier.export() for user_id in ids]


async def feed_one(led: LedCrawl, order: str, max_depth: int = 9) -> str | None:
    """Feed one target, finish its job, and return who it was."""
    moved, *_ = await led.feed(order=order, max_depth=max_depth, low=1, high=1)
    if not moved:
        return None
    jobs: Jobs = led.worker()
    [job] = await jobs.lease(Module.FOLLOWER, 9)
    await jobs.complete(job)
    return job.user_id


async def fed_in_order(led: LedCrawl, order: str, max_depth: int = 9) -> list[str]:
    fed = []
    while user_id := await feed_one(led, order, max_depth):
        fed.append(user_id)
    return fed


async def ranked(led: LedCrawl, depth: int, **scores: float) -> None:
    targets = [Target(user_id=name[1:], depth=depth, score=score) for name, score in scores.items()]
    assert await led.frontier.rank(targets, depth) == len(targets)


async def test_everyone_is_discovered_once(led: LedCrawl) -> None:
    assert await led.frontier.discover(["3", "1", "3", "2"], 0) == 3
    assert await led.frontier.discover(["2", "4"], 1) == 1
    assert await led.frontier.rank([Target(user_id="1", depth=2, score=9)], 2) == 0
    assert await led.frontier.seen() == 4
    assert await led.frontier.sizes() == {0: 3, 1: 1}
    assert await exported(led) == ["3", "1", "2", "4"]
    assert (await led.crawl.status()).counters["seen"] == 4


async def test_no_users_to_discover(led: LedCrawl) -> None:
    assert await led.frontier.discover([], 0) == 0
    assert await led.frontier.seen() == 0
    assert await led.frontier.sizes() == {}
    assert await exported(led) == []


async def test_the_largest_ids_of_each_kind(led: LedCrawl) -> None:
    """2^31 - 1 is the last narrow id; beyond 2^53 a double cannot distinguish two neighbours."""
    edges = [2**31 - 2, 2**31 - 1, 2**31, 2**31 + 1, 2**53, 2**53 + 1, 2**53 + 2, 2**63 - 2, 2**63 - 1]
    ids = [*map(str, edges), "0", "9", "999999999", "1000000000", "9999999999", "9" * 18]
    assert await led.frontier.discover(ids, 0) == len(ids)
    assert await led.frontier.discover(ids, 1) == 0
    assert await exported(led) == ids


@pytest.mark.parametrize("step", [4_194_304, 10**9, 2**32, 4_194_301])
async def test_buckets_grow_and_stay_small(led: LedCrawl, step: int) -> None:
    """Every bucket stays an array of at most 512 integers, however many ids there are."""
    narrow = [str(7 * i) for i in range(6_000)]
    wide = [str(1_500_000_000_000_000_000 + step * i) for i in range(6_000)]
    mixed = [user_id for pair in zip(narrow, wide, strict=True) for user_id in pair]
    assert await led.frontier.discover(mixed, 0) == 12_000
    assert await led.frontier.discover(mixed[::-1], 0) == 0
    assert await exported(led) == mixed

    names = await led.call("KEYS", f"{led.keys.seen}[nw]:*")
    encodings = {await led.call("OBJECT", "ENCODING", name) for name in names}
    assert encodings == {"intset"}
    assert sum([await led.call("SCARD", name) for name in names]) == 12_000
    assert len(names) > 40  # so that they did grow


async def test_another_traversal_has_seen_no_user(led: LedCrawl) -> None:
    await led.frontier.discover(["1"], 0)
    other = Frontier(led.connection, CrawlKeys(led.keys.crawl, "U"))
    assert await other.discover(["1"], 0) == 1


async def test_forgotten_users_can_be_discovered_again(led: LedCrawl) -> None:
    await led.frontier.discover([str(i) for i in range(3_000)], 0)
    await led.frontier.rank([Target(user_id="5000", depth=1, score=1)], 1)
    await led.frontier.forget(led.leadership, keep_waiting=False)
    assert await led.frontier.seen() == 0
    assert await exported(led) == []
    assert await led.frontier.discover(["1"], 0) == 1


async def test_waiting_users_can_be_kept_when_others_are_forgotten(led: LedCrawl) -> None:
    await led.begin()
    await led.frontier.discover(["1", "2"], 0)
    assert await fed_in_order(led, "bfs") == ["1", "2"]
    await led.frontier.discover(["10", "11"], 1)
    await led.frontier.rank([Target(user_id="20", depth=2, score=7)], 2)
    await led.frontier.forget(led.leadership, keep_waiting=True)
    assert await exported(led) == ["10", "11", "20"]
    assert await led.frontier.seen() == 3
    assert await led.frontier.discover(["1", "10", "20"], 0) == 1
    assert await exported(led) == ["1", "10", "11", "20"]


async def test_a_deep_target_that_becomes_a_seed_goes_first(led: LedCrawl) -> None:
    await led.frontier.discover([str(user) for user in range(10, 1_000)], 1)
    await led.frontier.rank([Target(user_id="5", depth=2, score=7)], 2)
    assert await led.frontier.promote(["7", "11", "5", "500"], led.leadership) == 3
    assert await led.frontier.sizes() == {0: 3, 1: 988}
    assert (await exported(led))[:4] == ["11", "500", "5", "10"]
    assert await led.frontier.promote(["7", "11", "5", "500"], led.leadership) == 0
    assert await led.frontier.promote([], led.leadership) == 0
    stale = Leadership(led.connection, led.keys, "before")
    with pytest.raises(LeadershipLost):
        await led.frontier.promote(["12"], stale)


async def test_frontiers_of_all_combinations_of_modules(led: LedCrawl) -> None:
    await led.begin()
    await led.frontier.discover(["1", "2"], 1)
    updates = CrawlKeys(led.keys.crawl, "U")
    assert (await led.crawl.status()).frontier == {1: 2}
    await led.call("HSET", led.keys.crawl_hash, "phase", "finished")
    await CrawlState(led.connection, updates).begin("U", "{}", "2026-01-01T00:00:00Z")
    await Frontier(led.connection, updates).discover(["3"], 0)
    assert (await led.crawl.status()).frontier == {0: 1, 1: 2}
    found = await frontiers(led.connection, led.keys.crawl)
    assert [ids for one in found async for ids in one.export()] == [["1", "2"], ["3"]]


async def test_forgetting_leaves_other_crawls_alone(led: LedCrawl) -> None:
    """A name is no pattern: the brackets of one crawl do not match another."""
    other = Frontier(led.connection, CrawlKeys(f"{led.keys.crawl}x", "TFA"))
    await other.discover(["1"], 0)
    keys = CrawlKeys(f"{led.keys.crawl}?", "TFA")
    leadership = Leadership(led.connection, keys, "master")
    assert await leadership.lead()
    await Frontier(led.connection, keys).forget(leadership, keep_waiting=False)
    assert await other.seen() == 1


async def test_a_deposed_master_forgets_no_target(led: LedCrawl) -> None:
    await led.frontier.discover(["1"], 0)
    stale = Leadership(led.connection, led.keys, "before")
    with pytest.raises(LeadershipLost):
        await led.frontier.forget(stale, keep_waiting=False)
    assert await led.frontier.seen() == 1


async def test_only_the_holder_of_a_job_discovers(led: LedCrawl) -> None:
    [job] = await led.lease_new(led.worker())
    assert await led.frontier.discover(["2"], 1, finder=job) == 1
    await led.take_from(job)
    before = await led.snapshot()
    with pytest.raises(LeaseLost):
        await led.frontier.discover(["3"], 1, finder=job)
    with pytest.raises(LeaseLost):
        await led.frontier.rank([Target(user_id="3", depth=1, score=1)], 1, finder=job)
    assert await led.snapshot() == before


async def test_breadth_first(led: LedCrawl) -> None:
    await led.frontier.discover(["20", "21"], 2)
    await led.frontier.discover(["1", "2", "3"], 0)
    await led.frontier.discover(["10", "11"], 1)
    assert await fed_in_order(led, "bfs") == ["1", "2", "3", "10", "11", "20", "21"]


async def test_depth_first(led: LedCrawl) -> None:
    """The deepest first, and at the same depth the last one found."""
    await led.frontier.discover(["1", "2"], 0)
    await led.frontier.discover(["10", "11"], 1)
    assert await feed_one(led, "dfs") == "11"
    await led.frontier.discover(["20", "21"], 2)
    assert await fed_in_order(led, "dfs") == ["21", "20", "10", "2", "1"]


async def test_priority_is_of_all_depths(led: LedCrawl) -> None:
    await ranked(led, 1, u10=5, u11=70.5, u12=-3)
    await ranked(led, 2, u20=70.25, u21=float("-inf"), u22=1e9)
    assert await fed_in_order(led, "priority") == ["22", "11", "20", "10", "12", "21"]


async def test_seeds_without_a_score_are_last_but_one_beats_nothing(led: LedCrawl) -> None:
    """Seeds come as a list; scored targets go before them."""
    await led.frontier.discover(["1", "2"], 0)
    await ranked(led, 1, u10=-5)
    assert await fed_in_order(led, "priority") == ["10", "1", "2"]


@pytest.mark.parametrize("order", ["bfs", "dfs", "priority"])
async def test_beyond_max_depth_they_wait(led: LedCrawl, order: str) -> None:
    await led.frontier.discover(["1"], 0)
    await led.frontier.discover(["10"], 1)
    await ranked(led, 1, u11=8)
    await ranked(led, 2, u20=9)
    await led.frontier.discover(["30"], 3)
    assert set(await fed_in_order(led, order, max_depth=1)) == {"1", "10", "11"}
    *_, phase = await led.feed(order=order, max_depth=1)
    assert phase == "finished"
    assert await exported(led) == ["20", "30"]


async def test_jobs_carry_the_depth(led: LedCrawl) -> None:
    await led.frontier.discover(["1"], 4)
    await led.feed()
    [job] = await led.worker().lease(Module.FOLLOWER, 9)
    assert (job.user_id, job.depth, job.attempts) == ("1", 4, 0)


async def test_feeding_stops_at_high_water(led: LedCrawl) -> None:
    await led.frontier.discover([str(i) for i in range(50)], 0)
    assert (await led.feed(low=5, high=9))[:2] == (5, 5)
    assert (await led.feed(low=5, high=9))[0] == 0  # not below low water
    assert (await led.feed(low=99, high=9))[:2] == (4, 9)
    await led.worker().lease(Module.FOLLOWER, 3)
    assert (await led.feed(low=99, high=9))[:3] == (3, 9, 3)


async def test_no_call_moves_more_than_a_thousand(led: LedCrawl) -> None:
    await led.frontier.discover([str(i) for i in range(2_500)], 0)
    moved = [(await led.feed(low=9_999, high=9_999))[0] for _ in range(4)]
    assert moved == [1000, 1000, 500, 0]


async def test_a_target_begins_with_each_first_module(led: LedCrawl) -> None:
    await led.frontier.discover(["1"], 0)
    first = [Module.TIMELINE, Module.FOLLOWER]
    assert (await led.feed(first=first, others=[Module.ANALYZER]))[:2] == (1, 2)
    for module in first:
        assert [job.user_id for job in await led.worker().lease(module, 9)] == ["1"]


async def test_a_master_feeds_before_any_worker_came(led: LedCrawl) -> None:
    """The streams have their groups by then, so that jobs can be counted, reaped and shown."""
    await led.frontier.discover(["1", "2"], 0)
    assert (await led.feed(low=1))[:2] == (1, 1)
    assert (await led.feed(low=2))[:2] == (1, 2)
    assert await led.reap() == []
    assert (await led.crawl.status()).jobs[Module.FOLLOWER].ready == 2
    assert len(await led.worker().lease(Module.FOLLOWER, 9)) == 2


async def test_nothing_is_fed_to_a_crawl_that_is_paused(led: LedCrawl) -> None:
    await led.frontier.discover(["1"], 0)
    await led.crawl.pause("", by="user")
    assert await led.feed() == (0, 0, 0, 0, "paused")
    await led.crawl.resume()
    assert await led.feed() == (1, 1, 0, 0, "running")


async def test_finished_when_nothing_is_left(led: LedCrawl) -> None:
    jobs = led.worker()
    [job] = await led.lease_new(jobs)
    assert await led.feed() == (0, 0, 1, 0, "running")  # leased
    await jobs.release(job, "later", most_failures=9)
    assert await led.feed() == (0, 0, 0, 1, "running")  # delayed
    await led.call("ZADD", led.keys.delayed, 0, job.name)
    assert await led.feed() == (0, 1, 0, 0, "running")  # ready
    [job] = await jobs.lease(Module.FOLLOWER, 1)
    await jobs.complete(job, follows=Module.ANALYZER)
    assert await led.feed() == (0, 1, 0, 0, "running")  # what follows it
    [job] = await jobs.lease(Module.ANALYZER, 1)
    await jobs.complete(job)
    assert await led.feed() == (0, 0, 0, 0, "finished")
    assert await led.feed() == (0, 0, 0, 0, "finished")
    assert (await led.events()).count('{"type":"CrawlFinished"}') == 1


async def test_never_finished_while_seeds_are_coming(led: LedCrawl) -> None:
    await led.crawl.begin("TFA", "{}", "2026-01-01T00:00:00Z")
    assert await led.feed() == (0, 0, 0, 0, "running")
    await led.crawl.finish_seeding(led.leadership)
    assert await led.feed() == (0, 0, 0, 0, "finished")


async def test_dead_jobs_do_not_hold_the_end_up(led: LedCrawl) -> None:
    jobs = led.worker()
    [job] = await led.lease_new(jobs)
    await jobs.release(job, "dead", reason="x")
    assert (await led.feed())[-1] == "finished"


async def test_only_the_leader_feeds(led: LedCrawl) -> None:
    await led.frontier.discover(["1"], 0)
    stranger = Leadership(led.connection, led.keys, "stranger")
    stale = Leadership(led.connection, led.keys, led.leadership.name)
    stale.epoch = led.leadership.epoch - 1
    before = await led.snapshot()
    for claim in (stranger, stale):
        with pytest.raises(LeadershipLost):
            await led.frontier.feed(
                claim, order="bfs", max_depth=0, low=1, high=1, first=[Module.FOLLOWER], others=[]
            )
    assert await led.snapshot() == before


async def test_every_target_reaches_a_worker_once(led: LedCrawl) -> None:
    ids = [str(i) for i in range(300)]
    await led.frontier.discover(ids, 0)
    worker = led.worker()
    while (await led.feed(low=7, high=7))[0]:
        jobs: list[Job] = await worker.lease(Module.FOLLOWER, 7)
        assert [job.user_id for job in jobs] == ids[: len(jobs)]
        del ids[: len(jobs)]
    assert not ids
    assert (await led.call("XPENDING", led.keys.jobs(Module.FOLLOWER), GROUP))["pending"] == 300
