"""A timeline that is downloaded again keeps the older posts that it no longer reaches: they were paid for."""

import gzip
from datetime import timedelta

import pytest

from support.crawl import Emulate, LocalCrawl
from twittomatic import faultpoint
from twittomatic.emulator import GraphWorld
from twittomatic.model import Ending

STAR = 1


@pytest.fixture
async def world(local: LocalCrawl, emulate: Emulate) -> GraphWorld:
    """A user with 40 posts."""
    world = GraphWorld([(STAR, 2)], seed=3, post_counts={STAR: 40})
    await emulate(world)
    return world


def ids(world: GraphWorld) -> list[int]:
    return list(world.all_posts(STAR))


@pytest.mark.parametrize("published", [3, 12, 30])
async def test_a_raised_limit_drops_no_older_post(
    local: LocalCrawl, world: GraphWorld, published: int
) -> None:
    await local.crawl("T", [STAR], max_posts=10)
    had, page = local.posts(STAR), gzip.decompress(local.layout.file(str(STAR), "twt").read_bytes())
    world.publish(STAR, count=published)
    await local.crawl("T", [STAR], crawl="other", max_posts=20)

    newest = ids(world)[:20]
    assert local.posts(STAR) == newest + [one for one in had if one not in newest]
    entry = local.journal(STAR, "twt")[-1]
    assert (entry.ending, entry.lines) == (Ending.CUT, len(local.posts(STAR)))
    assert (entry.first_id, entry.last_id) == (str(newest[0]), str(min(had[-1], newest[-1])))
    assert page.splitlines()[-1] in gzip.decompress(local.layout.file(str(STAR), "twt").read_bytes())
    assert local.parts() == []
    local.check()


async def test_a_refresh_of_a_cut_timeline_drops_no_older_post(local: LocalCrawl, world: GraphWorld) -> None:
    await local.crawl("T", [STAR], max_posts=10)
    had = local.posts(STAR)
    world.publish(STAR, count=7)
    await local.crawl("T", [STAR], max_posts=10, refresh_older_than=timedelta(0))
    assert local.posts(STAR) == ids(world)[:10] + had[3:]
    local.check()


async def test_a_list_that_reaches_the_end_replaces_the_old_one(local: LocalCrawl, world: GraphWorld) -> None:
    await local.crawl("T", [STAR], max_posts=10)
    world.publish(STAR, count=7)
    await local.crawl("T", [STAR], crawl="other", max_posts=None)
    assert local.posts(STAR) == ids(world)
    assert local.journal(STAR, "twt")[-1].ending is Ending.COMPLETE
    local.check()


class _Died(BaseException):
    pass


@pytest.mark.parametrize("point", ["part.taken_over", "part.synced", "commit.renamed", "journal.synced"])
async def test_an_attempt_that_dies_meanwhile_loses_none(
    local: LocalCrawl, world: GraphWorld, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    await local.crawl("T", [STAR], max_posts=10)
    had = local.posts(STAR)
    world.publish(STAR, count=15)
    passed: list[str] = []

    def die(name: str) -> None:
        passed.append(name)
        # The first sync is that of the page; the second one is that of the older posts.
        if name == point and (point != "part.synced" or passed.count(name) == 2):
            monkeypatch.undo()
            raise _Died

    monkeypatch.setattr(faultpoint, "_hook", die)
    await local.crawl("T", [STAR], crawl="other", max_posts=12)  # another attempt takes the job over
    assert passed[-1] == point
    assert local.posts(STAR) == ids(world)[:12] + had
    local.check()
