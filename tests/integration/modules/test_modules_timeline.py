"""timeline: `.twt` newest first, to the ceiling, resumed where it stopped."""

import asyncio
import gzip
import json

import pytest

from support.crawl import Emulate, LocalCrawl
from twittomatic.app.runtime import Runtime
from twittomatic.crawler.worker import Worker
from twittomatic.emulator import ChangingWorld, GraphWorld, parse_faults
from twittomatic.model import Phase

STAR = 1


def world_of(posts: int) -> GraphWorld:
    return GraphWorld([(STAR, 2)], seed=3, post_counts={STAR: posts})


@pytest.mark.parametrize(
    ("posts", "ending"),
    [(0, "complete"), (1, "complete"), (100, "complete"), (101, "complete"), (3300, "ceiling")],
)
async def test_a_timeline_is_whole_and_newest_first(
    local: LocalCrawl, emulate: Emulate, posts: int, ending: str
) -> None:
    world = world_of(posts)
    await emulate(world)
    progress = await local.crawl("T", [STAR])
    assert progress.phase is Phase.FINISHED
    assert local.posts(STAR) == list(world.all_posts(STAR))[:3200]
    assert local.posts(STAR) == sorted(local.posts(STAR), reverse=True)
    [entry] = local.journal(STAR)
    assert (entry.ending, entry.lines) == (ending, min(posts, 3200))
    assert local.spent == min(posts, 3200) * 5_000
    local.check()


@pytest.mark.parametrize("most", [1, 5, 100, 150])
async def test_max_posts_cuts_exactly(local: LocalCrawl, emulate: Emulate, most: int) -> None:
    world = world_of(200)
    await emulate(world)
    await local.crawl("T", [STAR], max_posts=most)
    assert local.posts(STAR) == list(world.all_posts(STAR))[:most]
    assert local.journal(STAR)[0].ending == "cut"
    local.check()


async def test_a_leaving_worker_gives_the_list_back_and_the_next_continues(
    local: LocalCrawl, emulate: Emulate
) -> None:
    world = world_of(1500)
    emulator = await emulate(world)

    async def leave_in_the_middle(parts: Runtime, worker: Worker) -> None:
        while emulator.report()["requests"].get("timeline", 0) < 3:
            await asyncio.sleep(0)
        worker.leave()

    progress = await local.crawl("T", [STAR], during=leave_in_the_middle)
    assert progress.phase is Phase.RUNNING
    assert not local.exists(STAR, "twt")
    assert progress.jobs["timeline"].ready == 1
    [part] = local.parts()
    before = gzip.decompress(part.read_bytes()).splitlines()
    assert 0 < len(before) < 1500
    progress = await local.crawl("T", [STAR])
    assert progress.phase is Phase.FINISHED
    assert local.posts(STAR) == list(world.all_posts(STAR))
    assert emulator.report()["repeated_pages"] == 0
    assert emulator.report()["bill_usd"] == pytest.approx(local.spent / 1e6)
    local.check()


async def test_a_post_is_stored_as_the_network_wrote_it(local: LocalCrawl, emulate: Emulate) -> None:
    await emulate(world_of(3))
    await local.crawl("T", [STAR])
    post = json.loads(local.lines(STAR, "twt")[0])
    assert {"id", "text", "author_id", "created_at", "public_metrics"} <= set(post)


@pytest.mark.parametrize("faults", ["timeline:stale#10", "timeline:again#3x5"])
async def test_what_is_served_twice_counts_once_for_the_ceiling(
    local: LocalCrawl, emulate: Emulate, faults: str
) -> None:
    world = world_of(3144)
    await emulate(world, faults=parse_faults(faults))
    await local.crawl("T", [STAR])
    assert local.posts(STAR) == list(world.all_posts(STAR))
    assert local.journal(STAR)[0].ending == "complete"
    local.check()


@pytest.mark.parametrize(
    ("faults", "kept"),
    [("timeline:stale#4,timeline:post#3", False), ("timeline:again#1,timeline:post#2", True)],
)
async def test_posts_that_arrive_while_it_is_read_are_for_an_update(
    local: LocalCrawl, emulate: Emulate, faults: str, kept: bool
) -> None:
    """Posts on a page of the same pass are kept: a server may order them as it likes."""
    world = ChangingWorld(world_of(600))
    there = world.all_posts(STAR)
    await emulate(world, faults=parse_faults(faults, world=world))
    await local.crawl("T", [STAR])
    assert len(world.all_posts(STAR)) > len(there)
    assert local.posts(STAR) == (world.all_posts(STAR) if kept else there)
    local.check()
    await local.crawl("U", [STAR])
    assert local.posts(STAR) == world.all_posts(STAR)
    local.check()


async def test_posts_that_arrive_move_as_many_past_the_ceiling(local: LocalCrawl, emulate: Emulate) -> None:
    """The network serves the newest so many: those that it no longer does are not said to be there."""
    world = ChangingWorld(world_of(3300))
    there = world.all_posts(STAR)
    await emulate(world, faults=parse_faults("timeline:post#5,timeline:post#20", world=world))
    await local.crawl("T", [STAR])
    new = len(world.all_posts(STAR)) - len(there)
    assert local.posts(STAR) == there[: 3200 - new]
    assert local.journal(STAR)[0].ending == "ceiling"
    local.check()


async def test_a_restarted_list_is_continued_by_another_worker(local: LocalCrawl, emulate: Emulate) -> None:
    """Pages repeated before the resumption point are no sign of the end, for any worker."""
    world = world_of(3000)
    emulator = await emulate(world, faults=parse_faults("timeline:stale#26"))

    async def leave_after_the_restart(parts: Runtime, worker: Worker) -> None:
        while emulator.report()["requests"].get("timeline", 0) < 28:
            await asyncio.sleep(0)
        worker.leave()

    await local.crawl("T", [STAR], during=leave_after_the_restart)
    assert not local.exists(STAR, "twt")
    await local.crawl("T", [STAR])
    assert local.posts(STAR) == list(world.all_posts(STAR))
    assert local.journal(STAR)[0].ending == "complete"
    local.check()
