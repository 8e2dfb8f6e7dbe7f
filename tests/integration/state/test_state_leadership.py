"""One master leads at a time, each under a greater epoch."""

import asyncio
from typing import Any

import pytest

from twittomatic.clock import SystemClock
from twittomatic.crawler.master import Master
from twittomatic.crawler.options import CrawlOptions
from twittomatic.errors import LeadershipLost
from twittomatic.model import Module
from twittomatic.settings import load
from twittomatic.state.leadership import Leadership


def claim(house: Any, name: str, **options: Any) -> Leadership:
    return Leadership(house.connection, house.keys, name, **options)


async def expire(house: Any) -> None:
    """Let the leader be silent for too long."""
    await house.call("PEXPIRE", house.keys.leader, 0)


async def test_only_one_leads(house: Any) -> None:
    other = claim(house, "other")
    assert not await other.lead()
    assert (other.other, other.epoch) == ("master", 0)
    assert await house.leadership.lead()
    assert house.leadership.epoch == 1


async def test_one_of_many_who_want_to(house: Any) -> None:
    await house.leadership.resign()
    claims = [claim(house, f"master-{i}") for i in range(20)]
    led = await asyncio.gather(*[one.lead() for one in claims])
    assert sum(led) == 1
    [leader] = [one for one in claims if one.epoch]
    assert {one.other for one in claims} == {leader.name, ""}


async def test_a_silent_leader_is_followed_under_a_greater_epoch(house: Any) -> None:
    other = claim(house, "other")
    await expire(house)
    assert await other.lead()
    assert other.epoch == 2
    with pytest.raises(LeadershipLost, match=house.keys.crawl):
        await house.leadership.lead()


async def test_leading_is_for_a_time(house: Any) -> None:
    await house.leadership.resign()
    brief = claim(house, "brief", ttl_s=0.03)
    assert await brief.lead()
    other = claim(house, "other")
    async with asyncio.timeout(30):
        while not await other.lead():
            await asyncio.sleep(0.002)
    assert other.epoch == brief.epoch + 1


async def test_a_leader_that_was_silent_and_unmissed_leads_anew(house: Any) -> None:
    """Nobody led meanwhile, and yet what it began under its old epoch is refused."""
    await expire(house)
    assert await house.leadership.lead()
    assert house.leadership.epoch == 2


async def test_an_answer_that_was_lost_costs_nobody_the_leadership(house: Any) -> None:
    """It told of a new epoch, since the old claim had run out while the server was away."""
    await expire(house)
    assert await house.leadership.lead()
    house.leadership.epoch = 1
    assert await house.leadership.lead()
    assert house.leadership.epoch == 2


async def test_leading_is_renewed(house: Any) -> None:
    await house.call("PEXPIRE", house.keys.leader, 5_000)
    assert await house.leadership.lead()
    assert await house.call("PTTL", house.keys.leader) > 500_000


async def test_who_resigns_makes_room_at_once(house: Any) -> None:
    other = claim(house, "other")
    await house.leadership.resign()
    assert await other.lead()
    assert other.epoch == 2
    await house.leadership.resign()  # twice is harmless
    assert not await house.leadership.lead()
    assert house.leadership.other == "other"


async def test_who_lost_it_cannot_resign_for_another(house: Any) -> None:
    await expire(house)
    other = claim(house, "other")
    await other.lead()
    await house.leadership.resign()
    assert await house.call("HGET", house.keys.leader, "name") == "other"


async def test_an_epoch_outlives_the_leader_and_the_crawl(house: Any) -> None:
    for epoch in range(2, 6):
        await house.leadership.resign()
        await house.crawl.begin("TFA", "{}", "2026-01-01T00:00:00Z")
        assert await house.leadership.lead()
        assert house.leadership.epoch == epoch


async def test_an_old_epoch_commands_nothing(house: Any) -> None:
    """The same master under its next epoch does not act on what an old call of its own says."""
    old = claim(house, "master")
    old.epoch = house.leadership.epoch
    await expire(house)
    assert await house.leadership.lead()
    [job] = await house.lease_new(house.worker())
    await house.be_silent(job)
    await house.frontier.discover(["2"], 0)
    before = await house.snapshot()
    with pytest.raises(LeadershipLost):
        await house.recovery.reap(old, [Module.FOLLOWER], "2026-01-01T00:00:00Z")
    with pytest.raises(LeadershipLost):
        await house.frontier.feed(
            old, order="bfs", max_depth=0, low=9, high=9, first=[Module.FOLLOWER], others=[]
        )
    assert await house.snapshot() == before


async def test_nobody_commands_while_nobody_leads(house: Any) -> None:
    await expire(house)
    with pytest.raises(LeadershipLost):
        await house.feed()
    with pytest.raises(LeadershipLost):
        await house.reap()


async def test_an_old_master_neither_begins_nor_seeds(house: Any) -> None:
    """It slept between one step of its beginning and the next, and its successor is seeding."""
    await house.crawl.begin("TFA", "{}", "2026-01-01T00:00:00Z", house.leadership)
    await expire(house)
    other = claim(house, "other")
    await other.lead()
    before = await house.snapshot()
    with pytest.raises(LeadershipLost):
        await house.crawl.begin("TFA", "other", "2026-02-02T00:00:00Z", house.leadership)
    with pytest.raises(LeadershipLost):
        await house.crawl.seeded(house.leadership)
    with pytest.raises(LeadershipLost):
        await house.leadership.lead()
    assert await house.snapshot() == before
    await house.crawl.seeded(other)
    assert await house.crawl.field("seeding") == "0"


async def test_a_master_that_slept_and_was_not_missed_leads_on(house: Any) -> None:
    options = CrawlOptions.of("TFA", load({}, {}))
    master = Master(house.leadership, house.crawl, house.frontier, house.recovery, options, SystemClock())
    await house.crawl.pause("lunch", by="user")  # so that it does not end
    leading = asyncio.ensure_future(master.run())
    for epoch in (2, 3, 4):
        await expire(house)
        async with asyncio.timeout(30):
            while house.leadership.epoch < epoch:
                await asyncio.sleep(0.002)
    await house.crawl.resume()
    async with asyncio.timeout(30):
        assert (await leading).phase == "finished"


async def test_a_master_whose_place_was_taken_stops(house: Any) -> None:
    options = CrawlOptions.of("TFA", load({}, {}))
    master = Master(house.leadership, house.crawl, house.frontier, house.recovery, options, SystemClock())
    await house.crawl.pause("lunch", by="user")
    other = claim(house, "other")
    await expire(house)
    assert await other.lead()
    async with asyncio.timeout(30):
        with pytest.raises(LeadershipLost, match="no longer leads crawl"):
            await master.run()
    assert await house.call("HGET", house.keys.leader, "name") == "other"


async def test_it_is_kept_through_what_takes_long(house: Any) -> None:
    await house.leadership.resign()
    brief = claim(house, "brief", ttl_s=0.3)
    assert await brief.lead()
    async with brief.kept(), asyncio.timeout(30):
        while await house.call("PTTL", house.keys.leader) > 200:
            await asyncio.sleep(0.002)
        while await house.call("PTTL", house.keys.leader) <= 200:
            await asyncio.sleep(0.002)


async def test_what_was_not_kept_is_told_at_the_end(house: Any) -> None:
    brief = claim(house, "master", ttl_s=0.03)
    brief.epoch = house.leadership.epoch
    other = claim(house, "other")
    with pytest.raises(LeadershipLost):
        async with brief.kept(), asyncio.timeout(30):
            await expire(house)
            while not await other.lead():
                await expire(house)
            keeping = [task for task in asyncio.all_tasks() if "_keep" in repr(task.get_coro())]
            await asyncio.wait(keeping)


async def test_two_tasks_of_a_master_that_slept_take_one_leadership(house: Any) -> None:
    before = house.leadership.epoch
    await house.call("DEL", house.keys.leader)
    assert await asyncio.gather(house.leadership.lead(), house.leadership.lead()) == [True, True]
    assert house.leadership.epoch == before + 1
