"""What a checkpoint or journal line covers is on disk before it is written; what comes after is cut off."""

import os
from pathlib import Path
from typing import Any

import pytest

from support.crawl import Emulate, LocalCrawl
from twittomatic import faultpoint
from twittomatic.app import control
from twittomatic.emulator import GraphWorld
from twittomatic.state.connection import Connection

STAR = 1
FOLLOWERS = 2345


@pytest.fixture
async def world(local: LocalCrawl, emulate: Emulate) -> GraphWorld:
    world = GraphWorld([(STAR, 10 + i) for i in range(FOLLOWERS)], seed=1, post_counts={STAR: 230})
    await emulate(world)
    return world


@pytest.fixture
def trail(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Fault points, syncs (`fsync NAME`) and scripts (`script NAME`), in the order in which they happen."""
    trail: list[str] = []
    fsync, run = os.fsync, Connection.run

    def spy(descriptor: int) -> None:
        name = Path(f"/proc/self/fd/{descriptor}").readlink().name
        fsync(descriptor)
        trail.append(f"fsync {name}")

    async def spied(self: Connection, script: str, *arguments: Any) -> Any:
        trail.append(f"script {script}")
        return await run(self, script, *arguments)

    monkeypatch.setattr(os, "fsync", spy)
    monkeypatch.setattr(Connection, "run", spied)
    monkeypatch.setattr(faultpoint, "_hook", trail.append)
    return trail


@pytest.mark.parametrize(("module", "extensions"), [("F", ["fws", "usr"]), ("T", ["twt"])])
async def test_write_sync_checkpoint(
    local: LocalCrawl, world: GraphWorld, trail: list[str], module: str, extensions: list[str]
) -> None:
    await local.crawl(module, [STAR])
    pages, written = 0, 0
    since: list[str] = []
    for step in trail:
        since.append(step)
        if step != "script jobs/commit":
            continue
        written = since.count("part.written")
        if not written:
            continue
        pages += 1
        synced = [one for one in since if one.startswith("fsync ") and one.endswith(tuple(extensions))]
        assert written == len(synced) == len(extensions)
        assert since.index("part.written") < since.index(synced[0])
        assert since[-1] == "script jobs/commit"
        since = []
    assert pages == 3
    first = trail.index("part.written")
    assert "fsync test" in trail[:first], "the names of the part files, in the directory of the crawl"

    # The end: renamed, the directory synced, then the line, synced, then the job is complete.
    end = trail[trail.index("commit.renamed") :]
    marks = [
        "commit.renamed",
        f"fsync {STAR}",
        "commit.directory_synced",
        "journal.written",
        "fsync test.test.jsonl",
        "journal.synced",
        "script jobs/complete",
    ]
    places = [len(end) - 1 - end[::-1].index(mark) for mark in marks[:3]] + [end.index(m) for m in marks[3:]]
    assert places == sorted(places)
    local.check()


@pytest.mark.parametrize(
    "point", ["page.fetched", "part.written", "part.synced", "page.committed", "part.taken_over"]
)
@pytest.mark.parametrize("junk", [b"half a member", b"\x1f\x8b", bytes(100_000)])
@pytest.mark.parametrize("module", ["F", "T"])
async def test_a_torn_part_file_is_cut_back_wherever_its_attempt_died(
    local: LocalCrawl, world: GraphWorld, module: str, point: str, junk: bytes
) -> None:
    """A kill leaves any number of bytes behind the checkpoint; none of them comes into the dataset."""
    for time in (1, 2, 3):
        die(local, point, junk, time)
        await local.crawl(module, [STAR])
        await control.retry_jobs(local.settings, ())
    faultpoint.arm(None)
    await local.crawl(module, [STAR])
    if module == "F":
        assert local.followers(STAR) == list(world.all_followers(STAR))
    else:
        assert local.posts(STAR) == list(world.all_posts(STAR))
    assert local.parts() == []
    local.check()


def die(local: LocalCrawl, point: str, junk: bytes, time: int) -> None:
    """Arm a point: at the nth time junk goes behind the bytes of every part file, and the attempt fails."""
    left = time

    def hook(name: str) -> None:
        nonlocal left
        left -= name == point
        if name == point and left == 0:
            for path in local.parts():
                with path.open("ab") as file:
                    file.write(junk)
            raise RuntimeError(point)

    faultpoint.arm(hook)
