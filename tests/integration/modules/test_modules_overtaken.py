"""Attempts that were overtaken: frozen at the worst moment, they wake up and change nothing."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest
from msgspec.structs import replace
from redis import Redis

from support.crawl import Emulate, LocalCrawl
from twittomatic import faultpoint
from twittomatic.app import control
from twittomatic.clock import VirtualClock
from twittomatic.emulator import GraphWorld
from twittomatic.model import Checkpoint, Ending, FileState, Job, Module, Phase
from twittomatic.modules import finish, update
from twittomatic.modules.context import Context
from twittomatic.storage.commit import commit, measured
from twittomatic.storage.formats import member
from twittomatic.storage.journal import Journal, latest, read_journal
from twittomatic.storage.part import PartFile
from twittomatic.storage.paths import Layout
from twittomatic.storage.verify import verify

STAR = 1


@pytest.fixture
def frozen() -> Iterator[Callable[..., None]]:
    """Let something happen while an attempt stands at a fault point, the nth time that one gets there."""

    def arm(point: str, meanwhile: Callable[[], None], time: int = 1) -> None:
        left = time

        def hook(name: str) -> None:
            nonlocal left
            left -= name == point
            if not left:
                faultpoint.arm(None)
                meanwhile()

        faultpoint.arm(hook)

    yield arm
    faultpoint.arm(None)


@dataclass
class Desk:
    """A worker's tools, as far as placing files takes them."""

    layout: Layout
    clock: VirtualClock
    journals: dict[str, Journal]

    def context(self, worker: str) -> Context:
        journal = self.journals.setdefault(worker, Journal(self.layout.journal(worker)))
        tools = SimpleNamespace(
            crawl="c",
            worker=worker,
            layout=self.layout,
            journal=journal,
            clock=self.clock,
            now=lambda: "2026-01-01T00:00:00Z",
            journal_time=lambda: Context.journal_time(cast("Context", tools)),
        )
        return cast("Context", tools)

    def attempt(self, worker: str, ids: list[bytes]) -> tuple[Context, Job, Checkpoint]:
        """A followers list that is downloaded, and not yet placed."""
        context = self.context(worker)
        files = {}
        for ext in ("fws",):
            with PartFile.begin(self.layout.part("c", f"follower-7-{worker}", ext)) as part:
                files[ext] = part.append(member(ids), len(ids))
        checkpoint = Checkpoint(
            part=f"follower-7-{worker}",
            files=files,
            ended=Ending.COMPLETE,
            ended_at=context.journal_time(),
            began_at="2026-01-01T00:00:00Z",
        )
        job = Job(entry="1-1", module=Module.FOLLOWER, user_id="7", depth=0, consumer=worker)
        return context, job, checkpoint


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    layout = Layout(tmp_path / "data", tmp_path / "data" / ".tmp")
    layout.prepare()
    desk = Desk(layout, VirtualClock(), {})
    yield desk
    for journal in desk.journals.values():
        journal.close()


def test_the_line_of_an_overtaken_attempt_is_not_newer_than_that_of_a_later_download(
    desk: Desk, frozen: Any
) -> None:
    """It froze between the rename and its line, and wakes up a day after the list was downloaded anew."""

    def meanwhile() -> None:
        desk.clock._now += 86_400
        finish._commit_files(*desk.attempt("later", [b"3", b"2"]), ["fws"])
        desk.clock._now += 86_400

    context, job, checkpoint = desk.attempt("frozen", [b"2"])
    frozen("commit.renamed", meanwhile)
    finish._commit_files(context, job, checkpoint, ["fws"])

    entries = list(read_journal(desk.layout))
    assert [entry.worker for entry in entries] == ["frozen", "later"]  # files in the order of their names
    assert latest(entries)["7/7.fws"].worker == "later"
    assert list(verify(desk.layout)) == []


def taken_by_another(redis_url: str) -> None:
    """Give the followers job to another worker, which completes it."""
    with Redis.from_url(redis_url, decode_responses=True) as redis:
        stream = "tw:{test}:jobs:follower"
        for entry, _ in redis.xrange(stream):
            redis.xack(stream, "workers", entry)
            redis.xdel(stream, entry)
        redis.delete(f"tw:{{test}}:job:follower:{STAR}")


@pytest.mark.parametrize("done", [True, False])
async def test_a_worker_whose_part_file_was_taken_drops_the_job_and_works_on(
    local: LocalCrawl, emulate: Emulate, redis_url: str, frozen: Any, done: bool
) -> None:
    """The part files are gone between the last checkpoint and the rename: placed, or replaced since."""
    world = GraphWorld([(STAR, 2), (STAR, 3), (2, 3)], seed=1)
    await emulate(world)

    def meanwhile() -> None:
        for part in local.parts():
            if part.stem.startswith(f"follower-{STAR}-"):
                commit(part, local.layout.file(str(STAR), part.suffix[1:]))
        if not done:
            for ext in ("fws", "usr"):
                local.layout.file(str(STAR), ext).write_bytes(member([b"9"]))
            taken_by_another(redis_url)

    frozen("page.committed", meanwhile)
    progress = await local.crawl("F", [STAR], concurrency=1)
    assert progress.phase is Phase.FINISHED
    assert local.dead == {}
    if done:
        assert local.followers(STAR) == [2, 3]
        local.check()
    else:
        assert local.followers(STAR) == [9]
        assert local.journal(STAR) == []


async def test_an_empty_list_cannot_replace_what_was_downloaded_since(
    local: LocalCrawl, emulate: Emulate, redis_url: str, frozen: Any
) -> None:
    await emulate(GraphWorld([(2, STAR)], seed=1))
    final = local.layout.file(str(STAR), "fws")

    def meanwhile() -> None:
        final.parent.mkdir()
        final.write_bytes(member([b"9"]))
        taken_by_another(redis_url)

    frozen("page.committed", meanwhile)
    await local.crawl("F", [STAR])
    assert local.followers(STAR) == [9]
    assert local.journal(STAR) == []


@pytest.mark.parametrize("replaced", [True, False])
@pytest.mark.parametrize("page", [1, 3])
async def test_an_update_whose_timeline_is_gone_restarts(
    local: LocalCrawl, emulate: Emulate, frozen: Any, page: int, replaced: bool
) -> None:
    """Its new posts alone would pass for the whole timeline."""
    world = GraphWorld([(STAR, 2)], seed=3, post_counts={STAR: 150})
    await emulate(world)
    await local.crawl("T", [STAR])
    world.publish(STAR, count=230)

    def fail() -> None:
        raise RuntimeError("dies when some of the new posts are there, or all of them")

    frozen("page.committed", fail, page)
    await local.crawl("U", [STAR], crawl="updates")
    assert local.dead
    final = local.layout.file(str(STAR), "twt")
    final.unlink()
    if replaced:
        world.publish(STAR, count=5)
        await local.crawl("T", [STAR], crawl="anew")
        world.publish(STAR, count=5)
    await control.retry_jobs(replace(local.settings, crawl="updates"), ())
    await local.crawl("U", [STAR], crawl="updates")
    assert local.posts(STAR) == list(world.all_posts(STAR))
    local.check()


async def test_an_update_is_not_put_in_front_of_itself(
    local: LocalCrawl, emulate: Emulate, frozen: Any
) -> None:
    """The attempt before wakes up and places the new posts, while they are being taken over."""
    world = GraphWorld([(STAR, 2)], seed=3, post_counts={STAR: 150})
    await emulate(world)
    await local.crawl("T", [STAR])
    world.publish(STAR, count=30)
    final, truth = local.layout.file(str(STAR), "twt"), list(world.all_posts(STAR))

    def fail() -> None:
        raise RuntimeError("frozen before it places anything")

    frozen("page.committed", fail)
    await local.crawl("U", [STAR], crawl="updates")
    await control.retry_jobs(replace(local.settings, crawl="updates"), ())
    [part] = local.parts()
    old = measured(final)

    def wakes() -> None:
        with PartFile.take_over(part, part, measured(part)) as file:
            file.append_file(final, old)
        commit(part, final)

    frozen("part.taken_over", wakes)
    await local.crawl("U", [STAR], crawl="updates")
    assert local.posts(STAR) == truth
    local.check()


def test_a_list_continues_only_before_the_timeline_that_it_was_asked_for() -> None:
    delta = Checkpoint(part="p", since_id="5", first_id="9")
    ended = msgspec.structs.replace(delta, ended=Ending.COMPLETE)
    whole = Checkpoint(part="p", first_id="9", files={"twt": FileState(size=1, lines=1)})
    assert update._can_continue(Checkpoint(), None)
    assert update._can_continue(delta, "5")
    assert not update._can_continue(delta, "9")
    assert not update._can_continue(delta, None)
    assert update._can_continue(ended, "9")
    assert update._can_continue(ended, "5")
    assert update._can_continue(whole, None)
    assert not update._can_continue(whole, "5")
