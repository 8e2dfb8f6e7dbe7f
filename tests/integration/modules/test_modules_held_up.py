"""A process that is held up loses the leadership, and takes it again; it does not stop itself."""

import asyncio

import pytest

from support.crawl import Emulate, LocalCrawl
from twittomatic.app.runtime import Runtime
from twittomatic.crawler.worker import Worker
from twittomatic.emulator import GraphWorld
from twittomatic.model import Phase
from twittomatic.state.leadership import Leadership


async def test_a_leadership_that_expired_is_taken_again(
    local: LocalCrawl, emulate: Emulate, monkeypatch: pytest.MonkeyPatch
) -> None:
    await emulate(GraphWorld([(a, b) for a in range(1, 200) for b in (2 * a, 2 * a + 1)], seed=3))
    lead, may_lead = Leadership.lead, asyncio.Event()

    async def held_up(leadership: Leadership) -> bool:
        await may_lead.wait()
        return await lead(leadership)

    async def expire(parts: Runtime, worker: Worker) -> None:
        while not worker.last_reply.leader:
            await asyncio.sleep(0.01)
        monkeypatch.setattr(Leadership, "lead", held_up)
        await parts.connection.call("DEL", parts.keys.leader)
        while worker.last_reply.leader:
            await asyncio.sleep(0.01)
        may_lead.set()

    progress = await local.crawl("FA", [1], max_depth=99, during=expire)
    assert progress.phase is Phase.FINISHED
    assert may_lead.is_set()
    local.check()
