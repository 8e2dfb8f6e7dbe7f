"""update: only what is newer, in front of the old bytes, whole or not at all."""

import pytest
from msgspec.structs import replace

from support.crawl import Emulate, LocalCrawl
from twittomatic import faultpoint
from twittomatic.app import control
from twittomatic.emulator import GraphWorld
from twittomatic.model import Phase

STAR = 1


@pytest.fixture
async def world(local: LocalCrawl, emulate: Emulate) -> GraphWorld:
    """A user with 150 posts, all downloaded."""
    world = GraphWorld([(STAR, 2)], seed=3, post_counts={STAR: 150})
    await emulate(world)
    await local.crawl("T", [STAR])
    return world


def ids(world: GraphWorld) -> list[int]:
    return list(world.all_posts(STAR))


async def test_new_posts_come_in_front_of_the_old_bytes(local: LocalCrawl, world: GraphWorld) -> None:
    path = local.layout.file(str(STAR), "twt")
    before, spent = path.read_bytes(), local.spent
    world.publish(STAR, count=120)
    progress = await local.crawl("U", [STAR], crawl="updates")
    assert progress.phase is Phase.FINISHED
    assert local.posts(STAR) == ids(world)
    assert path.read_bytes().endswith(before)
    assert local.spent - spent == 120 * 5_000
    entry = local.journal(STAR)[-1]
    assert (entry.module, entry.lines, entry.received) == ("update", 270, 120)
    assert local.parts() == []
    local.check()


async def test_without_new_posts_the_file_is_not_touched(local: LocalCrawl, world: GraphWorld) -> None:
    path = local.layout.file(str(STAR), "twt")
    before, spent = path.stat(), local.spent
    await local.crawl("U", [STAR], crawl="updates")
    assert path.stat().st_mtime_ns == before.st_mtime_ns
    assert path.stat().st_ino == before.st_ino
    assert local.spent == spent
    assert [entry.file for entry in local.journal(STAR)] == ["1/1.twt", None]
    local.check()


async def test_it_can_be_done_again_and_again(local: LocalCrawl, world: GraphWorld) -> None:
    for _ in range(3):
        world.publish(STAR, count=7)
        progress = await local.crawl("U", [STAR], crawl="updates")
        assert progress.phase is Phase.FINISHED
        assert local.posts(STAR) == ids(world)
    local.check()


async def test_a_user_without_a_timeline_gets_it_whole(local: LocalCrawl, emulate: Emulate) -> None:
    world = GraphWorld([(STAR, 2)], seed=3, post_counts={STAR: 150})
    await emulate(world)
    await local.crawl("U", [STAR])
    assert local.posts(STAR) == ids(world)
    local.check()


@pytest.mark.parametrize(
    "point",
    [
        "page.fetched",
        "part.written",
        "part.synced",
        "page.committed",
        "part.taken_over",
        "commit.renamed",
        "commit.directory_synced",
        "journal.written",
        "journal.synced",
        "job.closed",
    ],
)
@pytest.mark.parametrize("time", [1, 2])
async def test_an_attempt_that_stops_anywhere_changes_nothing_in_the_end(
    local: LocalCrawl, world: GraphWorld, point: str, time: int
) -> None:
    world.publish(STAR, count=230)
    reached = 0

    def fail(name: str) -> None:
        nonlocal reached
        if name == point:
            reached += 1
            if reached == time:
                raise RuntimeError(point)

    faultpoint.arm(fail)
    try:
        await local.crawl("U", [STAR], crawl="updates")
    finally:
        faultpoint.arm(None)
    if not local.dead:
        assert reached < time
        return
    old = {tuple(ids(world)), tuple(ids(world)[230:])}
    assert tuple(local.posts(STAR)) in old

    await retry(local)
    await local.crawl("U", [STAR], crawl="updates")
    assert local.posts(STAR) == ids(world)
    assert local.parts() == []
    local.check()


async def retry(local: LocalCrawl) -> None:
    await control.retry_jobs(replace(local.settings, crawl="updates"), ())
