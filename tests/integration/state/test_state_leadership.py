"""One master leads at a time, each under a greater epoch."""

import asyncio
from typing import Any

import pytest

from support.state import LedCrawl
from twittomatic.clock import SystemClock
from twittomatic.crawler.master import Master
from twittomatic.crawler.options import CrawlOptions
from twittomatic.errors import LeadershipLost
from twittomatic.model import Module
from twittomatic.settings import load
from twittomatic.state.leadership import Leadership


def claim(led: LedCrawl, name: str, **options: Any) -> Leadership:
    return Leadership(led.connection, led.keys, name, **options)


async def expire(led: LedCrawl) -> None:
    """Let the leader be silent for too long."""
    await led.call("PEXPIRE", led.keys.leader, 0)


async def test_only_one_leads(led: LedCrawl) -> None:
    other = claim(led, "other")
    assert not await other.lead()
    assert (other.other, other.epoch) == ("master", 0)
    assert await led.leadership.lead()
    assert led.leadership.epoch == 1


async def test_one_of_many_contenders_leads(led: LedCrawl) -> None:
    await led.leadership.resign()
    claims = [claim(led, f"master-{i}") for i in range(20)]
    led = await asyncio.gather(*[one.lead() for one in claims])
    assert sum(led) == 1
    [leader] = [one for one in claims if one.epoch]
    assert {one.other for one in claims} == {leader.name, ""}


async def test_a_silent_leader_is_followed_under_a_greater_epoch(led: LedCrawl) -> None:
    other = claim(led, "other")
    await expire(led)
    assert await other.lead()
    assert other.epoch == 2
    with pytest.raises(LeadershipLost, match=led.keys.crawl):
        await led.leadership.lead()


async def test_leading_is_for_a_time(led: LedCrawl) -> None:
    await led.leadership.resign()
    brief = claim(led, "brief", ttl_s=0.03)
    assert await brief.lead()
    other = claim(led, "other")
    async with asyncio.timeout(30):
        while not await other.lead():
            await asyncio.sleep(0.002)
    assert other.epoch == brief.epoch + 1


async def test_a_silent_leader_without_a_successor_leads_again(led: LedCrawl) -> None:
    """No other master led meanwhile, and yet a step begun under the old epoch is refused."""
    await expire(led)
    assert await led.leadership.lead()
    assert led.leadership.epoch == 2


async def test_a_lost_answer_costs_no_leadership(led: LedCrawl) -> None:
    """It told of a new epoch, since the old claim had run out while the server was away."""
    await expire(led)
    assert await led.leadership.lead()
    led.leadership.epoch = 1
    assert await led.leadership.lead()
    assert led.leadership.epoch == 2


async def test_leading_is_renewed(led: LedCrawl) -> None:
    await led.call("PEXPIRE", led.keys.leader, 5_000)
    assert await led.leadership.lead()
    assert await led.call("PTTL", led.keys.leader) > 500_000


async def test_a_resignation_makes_room_at_once(led: LedCrawl) -> None:
    other = claim(led, "other")
    await led.leadership.resign()
    assert await other.lead()
    assert other.epoch == 2
    await led.leadership.resign()  # twice is harmless
    assert not await led.leadership.lead()
    assert led.leadership.other == "other"


async def test_a_deposed_leader_cannot_resign_for_another(led: LedCrawl) -> None:
    await expire(led)
    other = claim(led, "other")
    await other.lead()
    await led.leadership.resign()
    assert await led.call("HGET", led.keys.leader, "name") == "other"


async def test_an_epoch_outlives_the_leader_and_the_crawl(led: LedCrawl) -> None:
    for epoch in range(2, 6):
        await led.leadership.resign()
        await led.crawl.begin("TFA", "{}", "2026-01-01T00:00:00Z")
        assert await led.leadership.lead()
        assert led.leadership.epoch == epoch


async def test_an_old_epoch_commands_nothing(led: LedCrawl) -> None:
    """Under its next epoch a master does not act on the answer to an older call."""
    old = claim(led, "master")
    old.epoch = led.leadership.epoch
    await expire(led)
    assert await led.leadership.lead()
    [job] = await led.lease_new(led.worker())
    await led.be_silent(job)
    await led.frontier.discover(["2"], 0)
    before = await led.snapshot()
    with pytest.raises(LeadershipLost):
        await led.reaper.reap(old, [Module.FOLLOWER], "2026-01-01T00:00:00Z")
    with pytest.raises(LeadershipLost):
        await led.frontier.feed(
            old, order="bfs", max_depth=0, low=9, high=9, first=[Module.FOLLOWER], others=[]
        )
    assert await led.snapshot() == before


async def test_without_a_leader_there_are_no_commands(led: LedCrawl) -> None:
    await expire(led)
    with pytest.raises(LeadershipLost):
        await led.feed()
    with pytest.raises(LeadershipLost):
        await led.reap()


async def test_an_old_master_neither_begins_nor_seeds(led: LedCrawl) -> None:
    """It slept between one step of its beginning and the next, and its successor is seeding."""
    await led.crawl.begin("TFA", "{}", "2026-01-01T00:00:00Z", led.leadership)
    await expire(led)
    other = claim(led, "other")
    await other.lead()
    before = await led.snapshot()
    with pytest.raises(LeadershipLost):
        await led.crawl.begin("TFA", "other", "2026-02-02T00:00:00Z", led.leadership)
    with pytest.raises(LeadershipLost):
        await led.crawl.finish_seeding(led.leadership)
    with pytest.raises(LeadershipLost):
        await led.leadership.lead()
    assert await led.snapshot() == before
    await led.crawl.finish_seeding(other)
    assert await led.crawl.field("seeding") == "0"


async def test_a_master_that_slept_and_was_not_missed_leads_on(led: LedCrawl) -> None:
    options = CrawlOptions.of("TFA", load({}, {}))
    master = Master(led.leadership, led.crawl, led.frontier, led.reaper, options, SystemClock())
    await led.crawl.pause("lunch", by="user")  # so that it does not end
    leading = asyncio.ensure_future(master.run())
    for epoch in (2, 3, 4):
        await expire(led)
        async with asyncio.timeout(30):
            while led.leadership.epoch < epoch:
                await asyncio.sleep(0.002)
    await led.crawl.resume()
    async with asyncio.timeout(30):
        assert (await leading).phase == "finished"


async def test_a_deposed_master_stops(led: LedCrawl) -> None:
    options = CrawlOptions.of("TFA", load({}, {}))
    master = Master(led.leadership, led.crawl, led.frontier, led.reaper, options, SystemClock())
    await led.crawl.pause("lunch", by="user")
    other = claim(led, "other")
    await expire(led)
    assert await other.lead()
    async with asyncio.timeout(30):
        with pytest.raises(LeadershipLost, match="no longer leads crawl"):
            await master.run()
    assert await led.call("HGET", led.keys.leader, "name") == "other"


async def test_it_is_kept_through_what_takes_long(led: LedCrawl) -> None:
    await led.leadership.resign()
    brief = claim(led, "brief", ttl_s=0.3)
    assert await brief.lead()
    async with brief.kept(), asyncio.timeout(30):
        while await led.call("PTTL", led.keys.leader) > 200:
            await asyncio.sleep(0.002)
        while await led.call("PTTL", led.keys.leader) <= 200:
            await asyncio.sleep(0.002)


async def test_lists_not_kept_are_reported_at_the_end(led: LedCrawl) -> None:
    brief = claim(led, "master", ttl_s=0.03)
    brief.epoch = led.leadership.epoch
    other = claim(led, "other")
    with pytest.raises(LeadershipLost):
        async with brief.kept(), asyncio.timeout(30):
            await expire(led)
            while not await other.lead():
                await expire(led)
            keeping = [task for task in asyncio.all_tasks() if "_keep" in repr(task.get_coro())]
            await asyncio.wait(keeping)


async def test_two_tasks_of_a_master_that_slept_take_one_leadership(led: LedCrawl) -> None:
    before = led.leadership.epoch
    await led.call("DEL", led.keys.leader)
    assert await asyncio.gather(led.leadership.lead(), led.leadership.lead()) == [True, True]
    assert led.leadership.epoch == before + 1
