"""The end of a crawl: leftovers that no crawl will resume are removed, even by a late process."""

import asyncio
from typing import Any

import pytest
from msgspec.structs import replace

from support.crawl import Emulate, LocalCrawl
from twittomatic import faultpoint
from twittomatic.app import control, lead
from twittomatic.app.runtime import Runtime
from twittomatic.crawler.worker import Worker
from twittomatic.emulator import GraphWorld
from twittomatic.state.client import client
from twittomatic.state.connection import Connection
from twittomatic.state.keys import CrawlKeys
from twittomatic.storage.part import remove_part_files

STAR, OTHER = 1, 2


async def tidied(local: LocalCrawl) -> int:
    connection = Connection(client(local.settings.redis_url, "late"))
    try:
        return await lead.tidy(connection, CrawlKeys("test", "T"), local.layout)
    finally:
        await connection.close()


@pytest.fixture
async def emulator(local: LocalCrawl, emulate: Emulate) -> Any:
    edges = [(STAR, 3), (OTHER, 3)]
    return await emulate(GraphWorld(edges, seed=3, post_counts={STAR: 1500, OTHER: 2}))


async def test_a_late_master_removes_nothing_of_a_restarted_crawl(
    local: LocalCrawl, emulator: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is frozen when it is about to remove what it found, until others are in the middle of a list."""
    stray = local.layout.part("test", "timeline-9-ab", "twt")
    stray.parent.mkdir(parents=True)
    stray.write_bytes(b"nobody's")
    late: list[Any] = []
    monkeypatch.setattr(lead, "remove_part_files", lambda *given: late.append(given) or 0)
    await local.crawl("T", [OTHER])
    monkeypatch.undo()

    async def leave_in_the_middle(parts: Runtime, worker: Worker) -> None:
        while emulator.report()["requests"].get("timeline", 0) < 5:
            await asyncio.sleep(0)
        worker.leave()

    await local.crawl("T", [STAR], during=leave_in_the_middle)
    parts = local.parts()
    assert len(parts) == 2
    assert await tidied(local) == 0  # it is not finished
    assert local.parts() == parts

    assert remove_part_files(*late[0]) == 1
    assert not stray.exists()
    await local.crawl("T", [STAR])
    assert len(local.posts(STAR)) == 1500
    assert emulator.report()["repeated_pages"] == 0
    local.check()


async def test_files_that_a_dead_job_can_resume_from_are_kept(local: LocalCrawl, emulator: Any) -> None:
    stops = {"after": 4}

    def die(name: str) -> None:
        if name == "page.committed":
            stops["after"] -= 1
            if not stops["after"]:
                raise RuntimeError("dies in the middle of its list")

    faultpoint.arm(die)
    try:
        await local.crawl("T", [STAR])
    finally:
        faultpoint.arm(None)
    assert local.dead
    assert len(local.parts()) == 1
    await control.retry_jobs(replace(local.settings, crawl="test"), ())
    await local.crawl("T", [STAR])
    assert len(local.posts(STAR)) == 1500
    assert emulator.report()["repeated_pages"] == 0
    assert local.parts() == []
