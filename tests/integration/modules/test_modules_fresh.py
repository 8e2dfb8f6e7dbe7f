"""What is paid for and young enough is not bought again, by whichever crawl."""

from datetime import timedelta
from typing import Any

import pytest

from twittomatic.emulator import GraphWorld
from twittomatic.model import Phase

STAR = 1


@pytest.fixture
async def emulator(house: Any, emulate: Any) -> Any:
    world = GraphWorld([(STAR, 10 + i) for i in range(30)], seed=3, post_counts={STAR: 30})
    return await emulate(world)


def requests(emulator: Any) -> int:
    return sum(emulator.report()["requests"].values())


async def test_another_crawl_keeps_what_is_whole_and_follows_it(house: Any, emulator: Any) -> None:
    await house.crawl("TF", [STAR])
    before, journal = requests(emulator), house.journal()
    progress = await house.crawl("TFA", [STAR], crawl="other")
    assert progress.phase is Phase.FINISHED
    assert requests(emulator) == before
    assert house.journal() == journal
    assert house.waiting == {str(user_id) for user_id in house.followers(STAR)}
    assert (progress.counters["kept:timeline"], progress.counters["kept:follower"]) == (1, 1)
    house.check()


@pytest.mark.parametrize("crawl", ["test", "other"])
@pytest.mark.parametrize(("age", "again"), [(timedelta(0), True), (timedelta(hours=1), False)])
async def test_what_is_too_old_is_bought_again(
    house: Any, emulator: Any, crawl: str, age: timedelta, again: bool
) -> None:
    await house.crawl("F", [STAR])
    before = requests(emulator)
    await house.crawl("F", [STAR], crawl=crawl, refresh_older_than=age)
    assert (requests(emulator) > before) is again
    house.check()


@pytest.mark.parametrize(
    ("had", "wanted", "again"),
    [(10, 10, False), (10, 7, False), (10, 20, True), (10, None, True), (None, 10, False), (40, 50, False)],
)
@pytest.mark.parametrize(("module", "extension"), [("F", "fws"), ("T", "twt")])
async def test_a_list_cut_by_a_limit_is_whole_under_that_limit(
    house: Any, emulator: Any, module: str, extension: str, had: Any, wanted: Any, again: bool
) -> None:
    await house.crawl(module, [STAR], max_followers=had, max_posts=had)
    before = requests(emulator)
    await house.crawl(module, [STAR], crawl="other", max_followers=wanted, max_posts=wanted)
    assert (requests(emulator) > before) is again
    assert len(house.lines(STAR, extension)) == (min(wanted or 30, 30) if again else min(had or 30, 30))
    house.check()


async def test_without_the_journals_proof_a_file_is_bought_again(house: Any, emulator: Any) -> None:
    await house.crawl("F", [STAR])
    for path in house.layout.output.glob("journal/*"):
        path.unlink()
    before = requests(emulator)
    await house.crawl("F", [STAR], crawl="other")
    assert requests(emulator) > before
    house.check()


async def test_a_file_that_another_hand_changed_is_not_trusted(house: Any, emulator: Any) -> None:
    await house.crawl("T", [STAR])
    path = house.layout.file(str(STAR), "twt")
    path.write_bytes(path.read_bytes() * 2)
    before = requests(emulator)
    await house.crawl("T", [STAR], crawl="other")
    assert requests(emulator) > before
    house.check()


async def test_a_user_who_was_hidden_is_tried_again(house: Any, emulate: Any) -> None:
    edges = [(STAR, 10 + i) for i in range(30)]
    await emulate(GraphWorld(edges, seed=3, statuses={STAR: "protected"}))
    await house.crawl("F", [STAR])
    emulator = await emulate(GraphWorld(edges, seed=3))
    await house.crawl("F", [STAR], crawl="other")
    assert requests(emulator) == 1
    assert len(house.followers(STAR)) == 30
    house.check()


async def test_an_update_that_found_nothing_makes_a_timeline_young(house: Any, emulator: Any) -> None:
    await house.crawl("T", [STAR])
    [path], [entry] = house.layout.output.glob("journal/*"), house.journal(STAR)
    path.write_text(path.read_text().replace(entry.ended_at, "2020-01-01T00:00:00Z"))
    await house.crawl("U", [STAR], crawl="updates")
    before = requests(emulator)
    await house.crawl("T", [STAR], crawl="other", refresh_older_than=timedelta(hours=1))
    assert requests(emulator) == before
    house.check()
