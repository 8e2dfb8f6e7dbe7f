"""What is paid for and young enough is not bought again, by whichever crawl."""

from datetime import timedelta
from typing import Any

import pytest

from support.crawl import Emulate, LocalCrawl
from twittomatic.emulator import GraphWorld
from twittomatic.model import Phase

STAR = 1


@pytest.fixture
async def emulator(local: LocalCrawl, emulate: Emulate) -> Any:
    world = GraphWorld([(STAR, 10 + i) for i in range(30)], seed=3, post_counts={STAR: 30})
    return await emulate(world)


def requests(emulator: Any) -> int:
    return sum(emulator.report()["requests"].values())


async def test_another_crawl_keeps_what_is_whole_and_follows_it(local: LocalCrawl, emulator: Any) -> None:
    await local.crawl("TF", [STAR])
    before, journal = requests(emulator), local.journal()
    progress = await local.crawl("TFA", [STAR], crawl="other")
    assert progress.phase is Phase.FINISHED
    assert requests(emulator) == before
    assert local.journal() == journal
    assert local.waiting == {str(user_id) for user_id in local.followers(STAR)}
    assert (progress.counters["kept:timeline"], progress.counters["kept:follower"]) == (1, 1)
    local.check()


@pytest.mark.parametrize("crawl", ["test", "other"])
@pytest.mark.parametrize(("age", "again"), [(timedelta(0), True), (timedelta(hours=1), False)])
async def test_what_is_too_old_is_bought_again(
    local: LocalCrawl, emulator: Any, crawl: str, age: timedelta, again: bool
) -> None:
    await local.crawl("F", [STAR])
    before = requests(emulator)
    await local.crawl("F", [STAR], crawl=crawl, refresh_older_than=age)
    assert (requests(emulator) > before) is again
    local.check()


@pytest.mark.parametrize(
    ("had", "wanted", "again"),
    [(10, 10, False), (10, 7, False), (10, 20, True), (10, None, True), (None, 10, False), (40, 50, False)],
)
@pytest.mark.parametrize(("module", "extension"), [("F", "fws"), ("T", "twt")])
async def test_a_list_cut_by_a_limit_is_whole_under_that_limit(
    local: LocalCrawl, emulator: Any, module: str, extension: str, had: Any, wanted: Any, again: bool
) -> None:
    await local.crawl(module, [STAR], max_followers=had, max_posts=had)
    before = requests(emulator)
    await local.crawl(module, [STAR], crawl="other", max_followers=wanted, max_posts=wanted)
    assert (requests(emulator) > before) is again
    assert len(local.lines(STAR, extension)) == (min(wanted or 30, 30) if again else min(had or 30, 30))
    local.check()


async def test_without_the_journals_proof_a_file_is_bought_again(local: LocalCrawl, emulator: Any) -> None:
    await local.crawl("F", [STAR])
    for path in local.layout.output.glob("journal/*"):
        path.unlink()
    before = requests(emulator)
    await local.crawl("F", [STAR], crawl="other")
    assert requests(emulator) > before
    local.check()


async def test_a_file_that_another_hand_changed_is_not_trusted(local: LocalCrawl, emulator: Any) -> None:
    await local.crawl("T", [STAR])
    path = local.layout.file(str(STAR), "twt")
    path.write_bytes(path.read_bytes() * 2)
    before = requests(emulator)
    await local.crawl("T", [STAR], crawl="other")
    assert requests(emulator) > before
    local.check()


async def test_a_user_who_was_hidden_is_tried_again(local: LocalCrawl, emulate: Emulate) -> None:
    edges = [(STAR, 10 + i) for i in range(30)]
    await emulate(GraphWorld(edges, seed=3, statuses={STAR: "protected"}))
    await local.crawl("F", [STAR])
    emulator = await emulate(GraphWorld(edges, seed=3))
    await local.crawl("F", [STAR], crawl="other")
    assert requests(emulator) == 1
    assert len(local.followers(STAR)) == 30
    local.check()


async def test_an_update_that_found_nothing_makes_a_timeline_young(local: LocalCrawl, emulator: Any) -> None:
    await local.crawl("T", [STAR])
    [path], [entry] = local.layout.output.glob("journal/*"), local.journal(STAR)
    path.write_text(path.read_text().replace(entry.ended_at, "2020-01-01T00:00:00Z"))
    await local.crawl("U", [STAR], crawl="updates")
    before = requests(emulator)
    await local.crawl("T", [STAR], crawl="other", refresh_older_than=timedelta(hours=1))
    assert requests(emulator) == before
    local.check()
