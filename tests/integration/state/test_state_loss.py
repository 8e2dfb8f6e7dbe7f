"""What vanishes from the server is missed: nothing more is granted, and what was spent is booked again."""

from collections.abc import Callable
from pathlib import Path

import pytest

from support.state import LedCrawl
from twittomatic.app.restore import restore_ledger
from twittomatic.errors import CorruptFile, LeadershipLost, StateLost, StorageUnavailable
from twittomatic.model import Checkpoint, Module
from twittomatic.networks.base import Limit
from twittomatic.settings import load
from twittomatic.state.account import Account
from twittomatic.state.admin import JobAdmin
from twittomatic.state.connection import Connection
from twittomatic.state.keys import NetworkKeys
from twittomatic.state.leadership import Leadership
from twittomatic.state.permits import OverBudget, Permit, RetryAfter
from twittomatic.state.spending import Spending

LIMITS = {"app": Limit(requests=100, window_s=900)}
CAP = 10_000_000


@pytest.fixture
def process(connection: Connection, keys: NetworkKeys, tmp_path: Path) -> Callable[..., Account]:
    """A process of the dataset in `tmp_path`, with a budget."""
    count = 0

    def process(budget: int | None = CAP, server: str = "redis") -> Account:
        nonlocal count
        count += 1
        notes = Spending(tmp_path / "spending", f"process-{count}", server)
        return Account(connection, keys, budget=budget, horizon_s=60, spending=notes)

    return process


async def ask(money: Account, wanted: int = 100) -> Permit:
    permit = await money.acquire("followers", LIMITS, price=10_000, wanted=wanted)
    assert isinstance(permit, Permit), permit
    return permit


def noted(tmp_path: Path, keys: NetworkKeys) -> int:
    records = Spending(tmp_path / "spending", "reader", "redis").read(keys.account)
    return sum(record.most for record in records.values())


async def test_what_is_paid_is_noted_before_it_is_paid(
    process: Callable[..., Account], keys: NetworkKeys, tmp_path: Path
) -> None:
    money = process()
    permits = [await ask(money) for _ in range(3)]
    assert noted(tmp_path, keys) == 3_000_000
    await money.settle(permits[0], 200_000)
    await money.settle(permits[1], None)
    assert noted(tmp_path, keys) == 200_000 + 1_000_000 + 1_000_000
    await money.settle(permits[2], 0)
    await money.settle(permits[2], 0)
    totals = await money.totals()
    assert noted(tmp_path, keys) == totals.spent + totals.reserved == 1_200_000


@pytest.mark.parametrize("what", ["ledger", "windows", "everything"])
async def test_nothing_is_granted_once_something_vanished(
    process: Callable[..., Account], connection: Connection, keys: NetworkKeys, what: str
) -> None:
    money = process()
    permit = await ask(money)
    pattern = {"ledger": keys.ledger, "windows": f"{keys.windows}*", "everything": keys.ledger[:-6] + "*"}[
        what
    ]
    await connection.call("DEL", *await connection.call("KEYS", pattern))
    for _ in range(2):
        with pytest.raises(StateLost, match="twittomatic restore"):
            await ask(money)
        await money.settle(permit, 300_000)  # what was in flight brings no ledger back
    if what != "windows":
        assert not await connection.call("EXISTS", keys.ledger)


@pytest.mark.parametrize("seen_by", ["acquire", "totals"])
async def test_what_was_put_aside_for_reservations_that_vanished_is_spent(
    process: Callable[..., Account], connection: Connection, keys: NetworkKeys, seen_by: str
) -> None:
    money = process()
    lost = await ask(money, 700)
    await connection.call("DEL", keys.reservations)
    there = await ask(money, 200)
    if seen_by == "totals":
        totals = await money.totals()
        assert (totals.spent, totals.reserved) == (7_000_000, 2_000_000)
    assert isinstance(
        await money.acquire("followers", LIMITS, price=10_000, wanted=500), RetryAfter
    )  # for what is in flight
    await money.settle(lost, 100_000)
    await money.settle(there, 0)
    assert (await ask(money, 500)).resources == 300
    assert isinstance(await money.acquire("followers", LIMITS, price=10_000, wanted=1), RetryAfter)
    totals = await money.totals()
    assert (totals.spent, totals.reserved) == (7_000_000, 3_000_000)


async def test_a_later_process_misses_the_ledger_by_its_notes(
    process: Callable[..., Account], connection: Connection, keys: NetworkKeys
) -> None:
    first = process()
    await first.settle(await ask(first, 600), 6_000_000)
    await connection.call("DEL", keys.ledger)
    with pytest.raises(StateLost):
        await process().open()
    with pytest.raises(StateLost):  # also when another process has created a new one meanwhile
        await process().open()
    await process(budget=None).open()  # no budget, no cap to break
    await process(server="/elsewhere").open()  # a state directory that is given up for another one


@pytest.mark.parametrize("stated", [None, 3_000_000])
async def test_a_ledger_that_went_back_to_an_older_state_is_missed(
    process: Callable[..., Account],
    connection: Connection,
    keys: NetworkKeys,
    server_url: str,
    tmp_path: Path,
    stated: int | None,
) -> None:
    """As after a failover to a replica that lagged, or where a backup is put back."""
    first = process()
    await first.settle(await ask(first, 100), 1_000_000)
    older = (await first.totals()).spent
    await first.settle(await ask(first, 500), 4_000_000)
    await ask(first, 200)
    await process().open()
    await connection.call("HSET", keys.ledger, "spent", older, "reserved", 0)
    await connection.call("DEL", keys.reservations)
    for _ in range(2):
        with pytest.raises(StateLost, match="a part of the ledger"):
            await process().open()
    await process(budget=None).open()
    (tmp_path / "none.toml").touch()
    settings = load({"output_directory": str(tmp_path), "redis_url": server_url}, {}, tmp_path / "none.toml")
    money, _ = await restore_ledger(settings, "restore", connection, keys.account, stated)
    assert (await money.totals()).spent == (stated or 7_000_000)
    again = process()
    await again.open()
    assert (await again.totals()).spent == (stated or 7_000_000)


async def test_the_crawl_remembers_on_which_ledger_it_spends(
    led: LedCrawl, process: Callable[..., Account], connection: Connection, keys: NetworkKeys
) -> None:
    money = process()
    await money.open()
    await led.crawl.set_ledger(keys.account, money.ledger.id)
    await process().open(await led.crawl.ledger(keys.account))
    await connection.call("DEL", keys.ledger)
    with pytest.raises(StateLost):
        await process().open(await led.crawl.ledger(keys.account))
    assert not await connection.call("EXISTS", keys.ledger)


async def test_what_was_spent_is_booked_again_and_the_cap_holds(
    process: Callable[..., Account], connection: Connection, keys: NetworkKeys, tmp_path: Path
) -> None:
    first, second = process(), process()
    await first.settle(await ask(first, 600), 5_000_000)
    await ask(second, 300)  # in flight for ever
    await connection.call("DEL", keys.ledger)
    notes = Spending(tmp_path / "spending", "restore", "redis")
    records = notes.lost(keys.account, "")
    restored = Account(connection, keys, budget=None, horizon_s=0)
    assert await restored.ledger.repair(sum(record.most for record in records.values()), 0) == 8_000_000
    notes.book(records, restored.ledger.id)
    third = process()
    await third.open()
    assert (await third.totals()).reserved == 0
    await third.settle(await ask(third, 200), 2_000_000)
    assert isinstance(await third.acquire("followers", LIMITS, price=10_000, wanted=1), OverBudget)
    assert not notes.lost(keys.account, restored.ledger.id)


async def test_what_the_user_states_counts_in_place_of_the_notes(
    process: Callable[..., Account], connection: Connection, keys: NetworkKeys, tmp_path: Path
) -> None:
    first = process()
    await first.settle(await ask(first, 600), 5_000_000)
    for stated in (3_000_000, 0):
        await connection.call("DEL", keys.ledger)
        notes = Spending(tmp_path / "spending", f"restore-{stated}", "redis")
        records = notes.lost(keys.account, "")
        assert records
        restored = Account(connection, keys, budget=None, horizon_s=0)
        assert await restored.ledger.repair(0, stated) == stated
        notes.book(records, restored.ledger.id, stated=stated)
        notes.close()
        assert noted(tmp_path, keys) == stated
        await process().open()


async def test_a_ledger_that_is_there_is_never_lowered(
    process: Callable[..., Account], connection: Connection, keys: NetworkKeys
) -> None:
    money = process()
    await money.settle(await ask(money), 700_000)
    await ask(money)
    await connection.call("DEL", keys.reservations)
    restored = Account(connection, keys, budget=None, horizon_s=0)
    assert await restored.ledger.repair(0, 100) == 1_700_000  # what was put aside counts
    assert await restored.ledger.repair(0, 2_000_000) == 2_000_000
    assert (await restored.totals()).reserved == 0


async def test_a_note_that_cannot_be_read_is_no_zero(
    process: Callable[..., Account], keys: NetworkKeys, tmp_path: Path
) -> None:
    await ask(process())
    [path] = (tmp_path / "spending").iterdir()
    path.write_bytes(b"{")
    with pytest.raises(CorruptFile, match="restore --spent-usd"):
        await process().open()


async def test_what_cannot_be_noted_is_not_asked_for(process: Callable[..., Account], tmp_path: Path) -> None:
    (tmp_path / "spending").write_text("in the way")
    money = process(budget=None)
    with pytest.raises(StorageUnavailable, match="cannot be noted"):
        await ask(money)
    totals = await money.totals()
    assert (totals.spent, totals.reserved) == (0, 0)


async def test_a_crawl_that_vanished_is_led_no_longer(led: LedCrawl) -> None:
    await led.call("DEL", led.keys.crawl_hash)
    with pytest.raises(StateLost):
        await led.leadership.lead()
    await led.call("DEL", led.keys.leader)
    with pytest.raises(StateLost):
        await led.leadership.lead()
    assert not await led.call("EXISTS", led.keys.crawl_hash, led.keys.leader)


async def test_a_standby_misses_the_crawl_that_it_stood_by_for(led: LedCrawl, connection: Connection) -> None:
    standby = Leadership(connection, led.keys, "standby")
    assert not await standby.lead()
    await led.call("DEL", led.keys.crawl_hash, led.keys.leader)
    with pytest.raises(StateLost):
        await standby.lead()


@pytest.mark.parametrize("again", [False, True])
async def test_jobs_whose_stream_vanished_are_missed_and_put_back(led: LedCrawl, again: bool) -> None:
    jobs = led.worker()
    leased = await led.lease_new(jobs, (1, 2, 3, 4))
    await jobs.commit(leased[0], Checkpoint(part="a"), {})
    await jobs.release(leased[0], "ready")
    await jobs.release(leased[1], "later", most_failures=9)
    await jobs.release(leased[2], "dead", reason="so")
    await led.call("DEL", led.keys.jobs(leased[0].queue + ":again" if again else leased[0].queue))
    with pytest.raises(StateLost, match="jobs of crawl"):
        await led.feed()
    with pytest.raises(StateLost):
        await jobs.lease(Module.FOLLOWER, 1)
    requeue = JobAdmin(led.connection, led.keys)
    modules = list(Module)
    await requeue.create_streams(modules)
    assert await requeue.requeue_lost(modules) == 1
    assert await requeue.requeue_lost(modules) == 0
    await led.feed()
    found = await led.worker("other").lease(Module.FOLLOWER, 9)
    if again:
        assert [(job.user_id, job.checkpoint.part) for job in found] == [("1", "a")]
    else:  # the first worker got the other one before it noticed
        assert [job.user_id for job in found] == ["4"]
    assert len(await led.admin.dead()) == 1


async def test_the_rest_of_a_crawl_is_no_crawl(led: LedCrawl) -> None:
    await led.frontier.discover(["1"], 0)
    await led.call("DEL", led.keys.crawl_hash, led.keys.leader)
    with pytest.raises(StateLost, match="all but some of its keys"):
        await led.crawl.begin("TFA", "{}", "2026-01-01T00:00:00Z")
    assert await JobAdmin(led.connection, led.keys).clear()
    assert await led.crawl.begin("TFA", "{}", "2026-01-01T00:00:00Z") == "new"


async def test_a_crawl_that_was_deleted_by_hand_begins_again(
    led: LedCrawl, account: Callable[..., Account]
) -> None:
    """Its caps are the account's, and remember a later epoch than that with which it begins."""
    for _ in range(3):
        await led.leadership.resign()
        await led.leadership.lead()
    money = account(5)
    await money.cap.share(led.leadership)
    await led.call("DEL", *await led.call("KEYS", f"tw:{{{led.keys.crawl}}}:*"))
    later = Leadership(led.connection, led.keys, "later")
    assert await later.lead()
    assert later.epoch < led.leadership.epoch
    await money.cap.share(later)
    with pytest.raises(StateLost):
        await led.leadership.lead()


async def test_an_older_master_of_the_same_crawl_changes_no_cap(
    led: LedCrawl, connection: Connection, account: Callable[..., Account]
) -> None:
    money, old = account(5), led.leadership
    await old.resign()
    await old.lead()
    await money.cap.share(old)
    late = Leadership(connection, led.keys, "late")
    late.epoch, late.crawl_id = old.epoch - 1, old.crawl_id
    with pytest.raises(LeadershipLost):
        await money.cap.share(late)
