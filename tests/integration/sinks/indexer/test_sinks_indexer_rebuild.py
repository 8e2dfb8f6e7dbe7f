"""A rebuild in a real server: something whole is searched at every moment, and nothing is missing after."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import nullcontext

import pytest
from consuming import Running, until
from indexing import EARLIER, LATER, LATEST, Scene, post

from twittomatic import faultpoint
from twittomatic.errors import SettingsError, StorageUnavailable, TwittomaticError

Serve = Callable[..., Running]


class Killed(Exception):
    """The process died here."""


@pytest.fixture
def at() -> Iterator[Callable[..., None]]:
    """Do something at a fault point: `at(name, action)`."""

    def arm(name: str, action: Callable[[], None]) -> None:
        def hook(reached: str) -> None:
            if reached == name:
                faultpoint.arm(None)
                action()

        faultpoint.arm(hook)

    yield arm
    faultpoint.arm(None)


def die() -> None:
    raise Killed


async def test_a_rebuild_is_whole_from_one_moment_to_the_next(scene: Scene) -> None:
    sink = await scene.indexer()
    await scene.take(
        sink, scene.write(22, (EARLIER, [post("2"), post("1")])), scene.write(23, (EARLIER, [post("3")]))
    )
    scene.crawl.layout.file("23", "twt").unlink()  # as a person does who has to delete a user
    scene.write(24, (EARLIER, [post("4", created_at="2025-12-01T00:00:00Z")]))
    assert set(scene.found()) == {"1", "2", "3"}
    seen: set[frozenset[str]] = set()
    done = asyncio.Event()

    async def watch() -> None:
        while not done.is_set():
            seen.add(frozenset(await asyncio.to_thread(scene.found)))

    watching = asyncio.create_task(watch())
    rebuilt = await (await scene.rebuild()).run()
    done.set()
    await watching

    assert (rebuilt.posts, rebuilt.timelines, rebuilt.rejected, rebuilt.deleted) == (3, 2, 0, 1)
    assert set(scene.found()) == {"1", "2", "4"}
    assert seen <= {frozenset("123"), frozenset("124")}
    assert scene.indices() == [
        f"{scene.prefix}-{month}-000002" for month in ("2025.11", "2025.12", "undated")
    ]


async def test_it_needs_no_crawl_and_no_index_before_it(scene: Scene) -> None:
    scene.write(22, (EARLIER, [post("1")]))
    assert (await (await scene.rebuild(alone=True)).run()).posts == 1
    assert set(scene.found()) == {"1"}
    assert not (await scene.indexer()).is_new


async def test_events_that_come_meanwhile_are_in_it(
    scene: Scene, serve: Serve, at: Callable[..., None]
) -> None:
    await scene.commit(22, (EARLIER, [post("1")]))
    running = serve(await scene.indexer())
    await until(lambda: running.consumer.report.events == 1)
    taken = running.consumer.report.records

    def crawl_goes_on() -> (
        None
    ):  # when the timelines are read, and when the last look at the stream was taken
        scene.at_once(scene.write(22, (LATER, [post("2")]), over=False))
        at("rebuild.held", lambda: scene.at_once(scene.write(23, (LATER, [post("3")]))))

    at("rebuild.read", crawl_goes_on)
    assert (await (await scene.rebuild()).run()).posts == 2
    await until(lambda: set(scene.found()) == {"1", "2", "3"})
    await scene.commit(24, (LATEST, [post("4")]))
    await until(lambda: set(scene.found()) == {"1", "2", "3", "4"})
    assert running.consumer.report.records > taken
    assert {name.rpartition("-")[2] for name in scene.indices()} == {"000002"}


@pytest.mark.parametrize("point", ["rebuild.filled", "rebuild.held", "rebuild.switched"])
async def test_one_that_dies_leaves_something_whole_and_can_be_done_again(
    scene: Scene, serve: Serve, at: Callable[..., None], point: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await scene.commit(22, (EARLIER, [post("1")]))
    running = serve(await scene.indexer())
    await until(lambda: running.consumer.report.events == 1)
    rebuild = await scene.rebuild()

    async def nothing(*_: object) -> None:
        """A process that is killed cleans nothing up."""

    monkeypatch.setattr(type(rebuild._indices), "discard", nothing)
    at(point, die)
    with pytest.raises(Killed):
        await rebuild.run()
    assert set(scene.found()) == {"1"}
    await scene.commit(23, (LATER, [post("2")]))
    await scene.crawl.connection.call("PEXPIRE", scene.crawl.keys.sink("indexer"), 1)
    await until(lambda: set(scene.found()) == {"1", "2"})

    monkeypatch.undo()
    assert (await (await scene.rebuild()).run()).posts == 2
    assert set(scene.found()) == {"1", "2"}
    assert {name.rpartition("-")[2] for name in scene.indices()} == {"000003"}
    await scene.commit(24, (LATEST, [post("3")]))
    await until(lambda: set(scene.found()) == {"1", "2", "3"})


@pytest.mark.parametrize(("point", "dies"), [("rebuild.filled", True), ("rebuild.held", False)])
async def test_what_the_indexer_put_into_the_old_indices_meanwhile_comes_again(
    scene: Scene, serve: Serve, at: Callable[..., None], point: str, dies: bool
) -> None:
    await scene.commit(22, (EARLIER, [post("1")]))
    first = serve(await scene.indexer())
    await until(lambda: first.consumer.report.events == 1)
    await first.end()

    def taken_after_the_last_look() -> None:
        scene.at_once(scene.write(23, (LATER, [post("2")])))
        scene.acknowledged("indexer")
        if dies:
            at("rebuild.switched", die)

    at(point, taken_after_the_last_look)
    with pytest.raises(Killed) if dies else nullcontext():
        await (await scene.rebuild()).run()
    await scene.crawl.connection.call("DEL", scene.crawl.keys.sink("indexer"))
    assert set(scene.found()) == {"1"}
    serve(await scene.indexer())
    await until(lambda: set(scene.found()) == {"1", "2"})


async def test_no_other_process_serves_the_indexer_while_the_alias_moves(
    scene: Scene, at: Callable[..., None]
) -> None:
    holders: list[str] = []
    scene.write(22, (EARLIER, [post("1")]))
    at("rebuild.held", lambda: holders.append(scene.holder("indexer")))
    await (await scene.rebuild()).run()
    assert len(holders) == 1
    assert holders[0].startswith("rebuild-")
    assert scene.holder("indexer") == ""


async def test_one_that_is_interrupted_takes_its_indices_with_it(
    scene: Scene, at: Callable[..., None]
) -> None:
    sink = await scene.indexer()
    await scene.take(sink, scene.write(22, (EARLIER, [post("1")])))
    at("rebuild.filled", die)
    with pytest.raises(Killed):
        await (await scene.rebuild()).run()
    assert {name.rpartition("-")[2] for name in scene.indices()} == {"000001"}


async def test_a_timeline_that_cannot_be_read_keeps_the_old_indices(scene: Scene) -> None:
    sink = await scene.indexer()
    await scene.take(sink, scene.write(22, (EARLIER, [post("1")])), scene.write(23, (EARLIER, [post("2")])))
    path = scene.crawl.layout.file("23", "twt")
    path.write_bytes(path.read_bytes()[:-4])
    with pytest.raises(TwittomaticError, match=r"1 timelines cannot be read.*verify --repair"):
        await (await scene.rebuild()).run()
    assert set(scene.found()) == {"1", "2"}


async def test_without_a_dataset_nothing_is_touched(scene: Scene) -> None:
    sink = await scene.indexer()
    await scene.take(sink, scene.write(22, (EARLIER, [post("1")])))
    output = scene.crawl.layout.output
    output.rename(output.with_name("elsewhere"))
    with pytest.raises(StorageUnavailable, match="no crawl wrote here"):
        await (await scene.rebuild()).run()
    assert set(scene.found()) == {"1"}


async def test_posts_deleted_meanwhile_are_missed(scene: Scene, at: Callable[..., None]) -> None:
    scene.write(22, (EARLIER, [post("1")]))

    def delete() -> None:
        scene.ask("DELETE", f"/{scene.prefix}-2025.11-000002")

    at("rebuild.filled", delete)
    with pytest.raises(TwittomaticError, match="accepted 1 posts and has 0"):
        await (await scene.rebuild()).run()


async def test_of_two_the_later_one_serves(scene: Scene) -> None:
    scene.write(22, (EARLIER, [post("1")]))
    _, indices = await scene.bulk()
    first = await indices.begin_generation()
    second = await indices.begin_generation()
    assert second.number > first.number
    await indices.move_alias(second)
    with pytest.raises(SettingsError, match="A later rebuild"):
        await indices.move_alias(first)
    assert await indices.delete_before(second) == 1


async def test_a_stream_trimmed_too_early_is_reported(scene: Scene, at: Callable[..., None]) -> None:
    await scene.commit(22, (EARLIER, [post("1")]))
    late = [scene.write(23, (EARLIER, [post("2")])), scene.write(24, (EARLIER, [post("3")]))]
    at("rebuild.read", lambda: scene.at_once(*late, trim=1))
    with pytest.raises(TwittomaticError, match="events left the stream"):
        await (await scene.rebuild()).run()
