"""A standby beside a crawl: how it waits, when it leads, and how it ends."""

import asyncio
import sys
from collections.abc import Callable
from typing import Any

import pytest

from support.state import LedCrawl
from twittomatic.app.observer import Observer
from twittomatic.app.standby import Action, Standby
from twittomatic.app.stop import Stop
from twittomatic.errors import SettingsError
from twittomatic.model import Module, WorkerReport
from twittomatic.state.connection import Connection
from twittomatic.state.keys import CrawlKeys
from twittomatic.state.leadership import Leadership
from twittomatic.state.status import CrawlStatus, MasterStatus

REPORT = WorkerReport(seen_at="2026-01-01T00:00:00Z")


class Said(Observer):
    """Prints what a standby reports."""

    def info(self, sentence: str) -> None:
        print(sentence)

    def warning(self, sentence: str) -> None:
        print(sentence, file=sys.stderr)


class Beside:
    """A standby of a crawl, that waits in a task."""

    def __init__(self, led: LedCrawl, name: str, keys: CrawlKeys, ttl_s: float, *, has_targets: bool) -> None:
        self.leadership = Leadership(led.connection, keys, name, ttl_s=ttl_s)
        self.standby = Standby(
            led.connection, keys, self.leadership, Said(), network="x", has_targets=has_targets
        )
        self.waiting = asyncio.ensure_future(self.standby.wait())

    async def leads(self) -> CrawlStatus:
        action, view = await self.ends()
        assert action is Action.LEAD
        return view

    async def ends(self) -> tuple[Action, CrawlStatus]:
        async with asyncio.timeout(60):
            return await self.waiting


@pytest.fixture
def beside(led: LedCrawl) -> Callable[..., Beside]:
    def begin(
        name: str = "standby", modules: str = "TFA", ttl_s: float = 600, *, has_targets: bool = True
    ) -> Beside:
        keys = CrawlKeys(led.keys.crawl, modules)
        return Beside(led, name, keys, ttl_s, has_targets=has_targets)

    return begin


@pytest.fixture
def led(led_on: Callable[[Connection], LedCrawl], connection: Connection) -> Any:
    return led_on(connection)


async def said(capsys: Any, words: str) -> None:
    text = ""
    async with asyncio.timeout(60):
        while words not in text:
            text += capsys.readouterr().out
            await asyncio.sleep(0.005)


async def expire(led: LedCrawl) -> None:
    await led.call("PEXPIRE", led.keys.leader, 0)


async def test_it_leads_when_the_leader_is_silent(led: LedCrawl, beside: Any, capsys: Any) -> None:
    await led.begin()
    standby = beside()
    await said(capsys, "Standing by; master leads.")
    assert (await led.crawl.status()).standbys == ["standby"]
    await expire(led)
    look = await standby.leads()
    assert (look.phase, look.traversal, look.is_seeding, look.options) == ("running", "TFA", False, "{}")
    progress = await led.crawl.status()
    assert progress.master == MasterStatus(name="standby", epoch=2)
    assert progress.standbys == []


async def test_of_three_one_leads(led: LedCrawl, beside: Any, capsys: Any) -> None:
    await led.begin()
    standbys = [beside(f"standby-{number}") for number in range(3)]
    async with asyncio.timeout(60):
        while len((await led.crawl.status()).standbys) < 3:
            await asyncio.sleep(0.005)
    await led.leadership.resign()
    async with asyncio.timeout(60):
        await asyncio.wait([one.waiting for one in standbys], return_when=asyncio.FIRST_COMPLETED)
    [leader] = [one for one in standbys if one.waiting.done()]
    await said(capsys, f"Standing by; {leader.leadership.name} leads.")
    assert [one.leadership.epoch for one in standbys if one.leadership.epoch] == [2]
    await led.call("HSET", led.keys.crawl_hash, "phase", "finished")
    await leader.leadership.resign()
    assert [(await one.ends())[0] for one in standbys if one is not leader] == [Action.FINISH] * 2
    assert await led.call("HGET", led.keys.crawl_hash, "epoch") == "2"


async def test_it_ends_with_a_crawl_that_the_network_stopped(led: LedCrawl, beside: Any, capsys: Any) -> None:
    await led.begin()
    standby = beside()
    await said(capsys, "master leads")
    await led.crawl.pause("no money is left", by="network")
    before = await led.snapshot()
    await led.leadership.resign()
    assert (await standby.ends())[0] is Action.PAUSE
    assert capsys.readouterr().err == "Paused: no money is left\n"
    after = await led.snapshot()
    assert {name for name in before if after.get(name) != before[name]} <= {
        led.keys.leader,
        led.keys.standbys,
    }


async def test_a_pause_by_hand_is_led_on(led: LedCrawl, beside: Any) -> None:
    await led.begin()
    await led.crawl.pause("lunch", by="user")
    await led.leadership.resign()
    assert (await beside().leads()).phase == "paused"


@pytest.mark.parametrize("ending", ["finished", "paused"])
async def test_it_waits_for_a_master_where_it_never_saw_one(
    led: LedCrawl, beside: Any, capsys: Any, ending: str
) -> None:
    await led.begin()
    if ending == "paused":
        await led.crawl.pause("no money is left", by="network")
    else:
        await led.call("HSET", led.keys.crawl_hash, "phase", ending)
    await led.leadership.resign()
    before = await led.snapshot()
    standby = beside()
    await said(capsys, f"is {ending}")
    assert await led.snapshot() == before
    await led.begin()
    await said(capsys, "master leads")
    await expire(led)
    assert (await standby.leads()).phase == "running"


async def test_it_creates_the_crawl_that_does_not_exist(
    led: LedCrawl, beside: Any, capsys: Any, monkeypatch: Any
) -> None:
    poor = beside("poor", has_targets=False)
    await said(capsys, "nobody has begun")
    monkeypatch.setattr(Standby, "lonely_s", 0.0)
    assert (await beside().leads()).is_begun is False
    await said(capsys, "Standing by; standby leads.")
    poor.waiting.cancel()


async def test_without_targets_it_leaves_the_seeding_to_others(
    led: LedCrawl, beside: Any, capsys: Any
) -> None:
    assert await led.leadership.lead()
    await led.crawl.begin("TFA", "{}", "2026-01-01T00:00:00Z")
    standby = beside(has_targets=False)
    await said(capsys, "master leads")
    await expire(led)
    await said(capsys, "lacks some of its targets")
    assert (await beside("rich").leads()).is_seeding
    await said(capsys, "rich leads")
    standby.waiting.cancel()


async def test_it_must_do_what_the_crawl_does(led: LedCrawl, beside: Any) -> None:
    await led.begin()
    with pytest.raises(SettingsError, match=r"does -T -F -A, not -U; stand by with the same flags"):
        await beside(modules="U").ends()


async def test_it_leaves_on_a_signal(led: LedCrawl, beside: Any, capsys: Any) -> None:
    await led.begin()
    stop = Stop()
    with stop.active():
        standby = beside()
    await said(capsys, "master leads")
    stop.request()
    assert (await standby.ends())[0] is Action.WAIT
    await standby.leadership.resign()
    assert (await led.crawl.status()).standbys == []
    assert (await led.crawl.status()).master.name == "master"


async def test_workers_wait_only_for_a_standby(led: LedCrawl) -> None:
    await led.begin()
    worker = led.worker()
    await worker.open([Module.FOLLOWER])
    other = Leadership(led.connection, led.keys, "other", ttl_s=600)
    await other.lead()
    assert (await worker.heartbeat([], REPORT)).leader == "master"
    await expire(led)
    assert (await worker.heartbeat([], REPORT)).leader == "other"
    await other.resign()
    assert (await worker.heartbeat([], REPORT)).leader == ""


async def test_a_standby_that_is_silent_counts_no_longer(led: LedCrawl) -> None:
    await led.begin()
    quiet = Leadership(led.connection, led.keys, "quiet", ttl_s=0.02)
    other = Leadership(led.connection, led.keys, "other", ttl_s=600)
    await quiet.lead()
    async with asyncio.timeout(60):
        while (await led.crawl.status()).standbys != []:
            await asyncio.sleep(0.005)
    await quiet.lead()
    await other.lead()
    async with asyncio.timeout(60):
        while (await led.crawl.status()).standbys != ["other"]:
            await asyncio.sleep(0.005)
            await other.lead()
