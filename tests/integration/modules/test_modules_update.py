"""update: only what is newer, in front of the old bytes, whole or not at all."""

from typing import Any

import pytest
from msgspec.structs import replace

from twittomatic import faultpoint
from twittomatic.app import control
from twittomatic.emulator import GraphWorld
from twittomatic.model import Phase

STAR = 1


@pytest.fixture
async def world(house: Any, emulate: Any) -> GraphWorld:
    """A user with 150 posts, all downloaded."""
    world = GraphWorld([(STAR, 2)], seed=3, post_counts={STAR: 150})
    await emulate(world)
    await house.crawl("T", [STAR])
    return world


def ids(world: GraphWorld) -> list[int]:
    return list(world.all_posts(STAR))


async def test_new_posts_come_in_front_of_the_old_bytes(house: Any, world: GraphWorld) -> None:
    path = house.layout.file(str(STAR), "twt")
    before, spent = path.read_bytes(), house.spent
    world.publish(STAR, count=120)
    progress = await house.crawl("U", [STAR], crawl="updates")
    assert progress.phase is Phase.FINISHED
    assert house.posts(STAR) == ids(world)
    assert path.read_bytes().endswith(before)
    assert house.spent - spent == 120 * 5_000
    entry = house.journal(STAR)[-1]
    assert (entry.module, entry.lines, entry.received) == ("update", 270, 120)
    assert house.parts() == []
    house.check()


async def test_without_new_posts_the_file_is_not_touched(house: Any, world: GraphWorld) -> None:
    path = house.layout.file(str(STAR), "twt")
    before, spent = path.stat(), house.spent
    await house.crawl("U", [STAR], crawl="updates")
    assert path.stat().st_mtime_ns == before.st_mtime_ns
    assert path.stat().st_ino == before.st_ino
    assert house.spent == spent
    assert [entry.file for entry in house.journal(STAR)] == ["1/1.twt", None]
    house.check()


async def test_it_can_be_done_again_and_again(house: Any, world: GraphWorld) -> None:
    for _ in range(3):
        world.publish(STAR, count=7)
        progress = await house.crawl("U", [STAR], crawl="updates")
        assert progress.phase is Phase.FINISHED
        assert house.posts(STAR) == ids(world)
    house.check()


async def test_a_user_without_a_timeline_gets_it_whole(house: Any, emulate: Any) -> None:
    world = GraphWorld([(STAR, 2)], seed=3, post_counts={STAR: 150})
    await emulate(world)
    await house.crawl("U", [STAR])
    assert house.posts(STAR) == ids(world)
    house.check()


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
    house: Any, world: GraphWorld, point: str, time: int
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
        await house.crawl("U", [STAR], crawl="updates")
    finally:
        faultpoint.arm(None)
    if not house.dead:
        assert reached < time
        return
    old = {tuple(ids(world)), tuple(ids(world)[230:])}
    assert tuple(house.posts(STAR)) in old

    await retry(house)
    await house.crawl("U", [STAR], crawl="updates")
    assert house.posts(STAR) == ids(world)
    assert house.parts() == []
    house.check()


async def retry(house: Any) -> None:
    await control.retry_jobs(replace(house.settings, crawl="updates"), ())
