"""A standby beside a crawl: how it waits, when it leads, and how it ends."""

import asyncio
import sys
from collections.abc import Callable
from typing import Any

import pytest

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

    def __init__(self, house: Any, name: str, keys: CrawlKeys, ttl_s: float, *, has_targets: bool) -> None:
        self.leadership = Leadership(house.connection, keys, name, ttl_s=ttl_s)
        self.standby = Standby(house.connection, keys, self.leadership, Said(), has_targets=has_targets)
        self.waiting = asyncio.ensure_future(self.standby.wait())

    async def leads(self) -> CrawlStatus:
        action, view = await self.ends()
        assert action is Action.LEAD
        return view

    async def ends(self) -> tuple[Action, CrawlStatus]:
        async with asyncio.timeout(60):
            return await self.waiting


@pytest.fixture
def beside(house: Any) -> Callable[..., Beside]:
    def begin(
        name: str = "standby", modules: str = "TFA", ttl_s: float = 600, *, has_targets: bool = True
    ) -> Beside:
        keys = CrawlKeys(house.keys.crawl, modules)
        return Beside(house, name, keys, ttl_s, has_targets=has_targets)

    return begin


@pytest.fixture
def house(house_on: Callable[[Connection], Any], connection: Connection) -> Any:
    return house_on(connection)


async def said(capsys: Any, words: str) -> None:
    text = ""
    async with asyncio.timeout(60):
        while words not in text:
            text += capsys.readouterr().out
            await asyncio.sleep(0.005)


async def expire(house: Any) -> None:
    await house.call("PEXPIRE", house.keys.leader, 0)


async def test_it_leads_when_the_leader_is_silent(house: Any, beside: Any, capsys: Any) -> None:
    await house.begin()
    standby = beside()
    await said(capsys, "Standing by; master leads.")
    assert (await house.crawl.status()).standbys == ["standby"]
    await expire(house)
    look = await standby.leads()
    assert (look.phase, look.traversal, look.is_seeding, look.options) == ("running", "TFA", False, "{}")
    progress = await house.crawl.status()
    assert progress.master == MasterStatus(name="standby", epoch=2)
    assert progress.standbys == []


async def test_of_three_one_leads(house: Any, beside: Any, capsys: Any) -> None:
    await house.begin()
    standbys = [beside(f"standby-{number}") for number in range(3)]
    async with asyncio.timeout(60):
        while len((await house.crawl.status()).standbys) < 3:
            await asyncio.sleep(0.005)
    await house.leadership.resign()
    async with asyncio.timeout(60):
        await asyncio.wait([one.waiting for one in standbys], return_when=asyncio.FIRST_COMPLETED)
    [leader] = [one for one in standbys if one.waiting.done()]
    await said(capsys, f"Standing by; {leader.leadership.name} leads.")
    assert [one.leadership.epoch for one in standbys if one.leadership.epoch] == [2]
    await house.call("HSET", house.keys.crawl_hash, "phase", "finished")
    await leader.leadership.resign()
    assert [(await one.ends())[0] for one in standbys if one is not leader] == [Action.FINISH] * 2
    assert await house.call("HGET", house.keys.crawl_hash, "epoch") == "2"


async def test_it_ends_with_a_crawl_that_the_network_stopped(house: Any, beside: Any, capsys: Any) -> None:
    await house.begin()
    standby = beside()
    await said(capsys, "master leads")
    await house.crawl.pause("no money is left", by="network")
    before = await house.snapshot()
    await house.leadership.resign()
    assert (await standby.ends())[0] is Action.PAUSE
    assert capsys.readouterr().err == "Paused: no money is left\n"
    after = await house.snapshot()
    assert {name for name in before if after.get(name) != before[name]} <= {
        house.keys.leader,
        house.keys.standbys,
    }


async def test_a_pause_by_hand_is_led_on(house: Any, beside: Any) -> None:
    await house.begin()
    await house.crawl.pause("lunch", by="user")
    await house.leadership.resign()
    assert (await beside().leads()).phase == "paused"


@pytest.mark.parametrize("ending", ["finished", "paused"])
async def test_it_waits_for_a_master_where_it_never_saw_one(
    house: Any, beside: Any, capsys: Any, ending: str
) -> None:
    await house.begin()
    if ending == "paused":
        await house.crawl.pause("no money is left", by="network")
    else:
        await house.call("HSET", house.keys.crawl_hash, "phase", ending)
    await house.leadership.resign()
    before = await house.snapshot()
    standby = beside()
    await said(capsys, f"is {ending}")
    assert await house.snapshot() == before
    await house.begin()
    await said(capsys, "master leads")
    await expire(house)
    assert (await standby.leads()).phase == "running"


async def test_what_nobody_begins_it_begins(house: Any, beside: Any, capsys: Any, monkeypatch: Any) -> None:
    poor = beside("poor", has_targets=False)
    await said(capsys, "nobody has begun")
    monkeypatch.setattr(Standby, "lonely_s", 0.0)
    assert (await beside().leads()).is_begun is False
    await said(capsys, "Standing by; standby leads.")
    poor.waiting.cancel()


async def test_without_targets_it_leaves_the_seeding_to_others(house: Any, beside: Any, capsys: Any) -> None:
    assert await house.leadership.lead()
    await house.crawl.begin("TFA", "{}", "2026-01-01T00:00:00Z")
    standby = beside(has_targets=False)
    await said(capsys, "master leads")
    await expire(house)
    await said(capsys, "lacks some of its targets")
    assert (await beside("rich").leads()).is_seeding
    await said(capsys, "rich leads")
    standby.waiting.cancel()


async def test_it_must_do_what_the_crawl_does(house: Any, beside: Any) -> None:
    await house.begin()
    with pytest.raises(SettingsError, match=r"does -T -F -A, not -U; stand by with the same flags"):
        await beside(modules="U").ends()


async def test_told_to_leave_it_leaves(house: Any, beside: Any, capsys: Any) -> None:
    await house.begin()
    stop = Stop()
    with stop.active():
        standby = beside()
    await said(capsys, "master leads")
    stop.request()
    assert (await standby.ends())[0] is Action.WAIT
    await standby.leadership.resign()
    assert (await house.crawl.status()).standbys == []
    assert (await house.crawl.status()).master.name == "master"


async def test_workers_wait_for_a_standby_and_for_nobody_else(house: Any) -> None:
    await house.begin()
    worker = house.worker()
    await worker.open([Module.FOLLOWER])
    other = Leadership(house.connection, house.keys, "other", ttl_s=600)
    await other.lead()
    assert (await worker.heartbeat([], REPORT)).leader == "master"
    await expire(house)
    assert (await worker.heartbeat([], REPORT)).leader == "other"
    await other.resign()
    assert (await worker.heartbeat([], REPORT)).leader == ""


async def test_a_standby_that_is_silent_counts_no_longer(house: Any) -> None:
    await house.begin()
    quiet = Leadership(house.connection, house.keys, "quiet", ttl_s=0.02)
    other = Leadership(house.connection, house.keys, "other", ttl_s=600)
    await quiet.lead()
    async with asyncio.timeout(60):
        while (await house.crawl.status()).standbys != []:
            await asyncio.sleep(0.005)
    await quiet.lead()
    await other.lead()
    async with asyncio.timeout(60):
        while (await house.crawl.status()).standbys != ["other"]:
            await asyncio.sleep(0.005)
            await other.lead()
