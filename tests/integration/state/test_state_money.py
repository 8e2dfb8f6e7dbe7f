"""The budget is never exceeded, whichever process asks or dies."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from paying import PRICE, ask, delivered, permit, permits

from twittomatic.errors import LeadershipLost
from twittomatic.networks.base import Limit
from twittomatic.state.account import Account
from twittomatic.state.connection import Connection
from twittomatic.state.keys import CrawlKeys, NetworkKeys
from twittomatic.state.leadership import Leadership
from twittomatic.state.permits import Delivery, OverBudget, Permit, RetryAfter


async def test_money_is_put_aside_and_given_back(account: Callable[..., Account]) -> None:
    money = account(25_000_000)
    fields = ["crawl:x", "module:x:follower", "day:2026-01-01"]
    one = await permit(money, price=PRICE, wanted=1000, fields=fields)
    assert one.resources == 1000
    totals = await money.totals()
    assert (totals.spent, totals.reserved) == (0, 10_000_000)
    await money.settle(one, 30_000)
    totals = await money.totals()
    assert (totals.spent, totals.reserved) == (30_000, 0)
    assert totals.fields == {"crawl:x": 30_000, "module:x:follower": 30_000, "day:2026-01-01": 30_000}


async def test_a_request_of_unknown_cost_counts_as_spent(account: Callable[..., Account]) -> None:
    money = account(25_000_000)
    await money.settle(await permit(money, price=PRICE, wanted=1000, fields=["crawl:x"]), None)
    totals = await money.totals()
    assert (totals.spent, totals.reserved, totals.fields) == (10_000_000, 0, {"crawl:x": 10_000_000})


async def test_a_request_is_settled_once(account: Callable[..., Account]) -> None:
    money = account(25_000_000)
    one = await permit(money, price=PRICE, wanted=10, fields=["crawl:x"])
    for cost in (50_000, 70_000, None):
        await money.settle(one, cost)
    totals = await money.totals()
    assert (totals.spent, totals.reserved, totals.fields) == (50_000, 0, {"crawl:x": 50_000})


async def test_pages_shrink_to_the_rest_of_the_budget(account: Callable[..., Account]) -> None:
    money = account(1_005_000)
    one = await permit(money, price=PRICE, wanted=1000)
    assert one.resources == 100
    await money.settle(one, 1_000_000)
    assert await ask(money, price=PRICE, wanted=1000) == OverBudget(left=5_000)


async def test_money_in_flight_is_waited_for(account: Callable[..., Account]) -> None:
    """It may come back; until then no process gives up or takes less."""
    money = account(1_000_000)
    one = await permit(money, price=PRICE, wanted=60)
    decision = await ask(money, price=PRICE, wanted=60)
    assert isinstance(decision, RetryAfter)
    assert 0 < decision.seconds < 1
    await money.settle(one, 100_000)
    assert (await permit(money, price=PRICE, wanted=60)).resources == 60


async def test_fewer_than_make_sense_are_not_bought(account: Callable[..., Account]) -> None:
    money = account(40_000)
    assert await ask(money, price=PRICE, wanted=100, least=5) == OverBudget(left=40_000)
    assert (await permit(money, price=PRICE, wanted=100, least=4)).resources == 4


async def test_what_is_free_needs_no_money(account: Callable[..., Account]) -> None:
    money = account(1)
    assert isinstance(await ask(money, price=PRICE), OverBudget)
    await permit(money, price=0)


async def test_a_refusal_takes_no_permit(account: Callable[..., Account]) -> None:
    """Neither for want of money nor while waiting for it is a window used up."""
    money, limit = account(15_000), Limit(requests=2, window_s=900)
    await permit(money, price=PRICE, limit=limit)
    for _ in range(5):
        assert isinstance(await ask(money, price=PRICE, limit=limit), RetryAfter)
    assert await permits(money, limit=limit) == 1


async def test_without_a_cap_it_is_counted(account: Callable[..., Account]) -> None:
    money = account(None)
    await money.settle(await permit(money, price=PRICE, wanted=10**6), 10**10)
    assert (await money.totals()).spent == 10**10


async def test_an_answer_that_cost_more_stops_the_rest(account: Callable[..., Account]) -> None:
    money = account(100_000)
    await money.settle(await permit(money, price=PRICE, wanted=1), 150_000)
    assert await ask(money, price=PRICE) == OverBudget(left=-50_000)


async def test_what_the_dead_put_aside_is_spent(account: Callable[..., Account]) -> None:
    """It is waited for as long as a request can take; then it is money that is gone, as of their crawl."""
    dead, survivor = account(1_000_000, horizon_s=0.3), account(1_000_000)
    await permit(dead, price=PRICE, wanted=70, fields=["crawl:x", "module:x:follower"])
    assert isinstance(await ask(survivor, price=PRICE, wanted=100), RetryAfter)
    totals = await survivor.totals()
    assert (totals.spent, totals.reserved, totals.is_awaited) == (0, 700_000, True)
    async with asyncio.timeout(30):
        while isinstance(decision := await ask(survivor, price=PRICE, wanted=100), RetryAfter):
            await asyncio.sleep(decision.seconds)
    assert isinstance(decision, Permit)
    assert decision.resources == 30
    await survivor.settle(decision, 300_000)
    totals = await survivor.totals()
    assert (totals.spent, totals.expected, totals.reserved) == (1_000_000, 1_000_000, 0)
    assert totals.fields == {"crawl:x": 700_000, "module:x:follower": 700_000}
    assert await ask(survivor, price=PRICE) == OverBudget(left=0)


async def test_a_look_at_the_ledger_finds_what_the_dead_spent(account: Callable[..., Account]) -> None:
    """Although nothing is requested any more; a process that was only slow changes nothing by coming late."""
    slow = account(None, horizon_s=0)
    late = await permit(slow, price=PRICE, wanted=70, fields=["crawl:x"])
    for _ in range(2):
        totals = await account().totals()
        assert (totals.spent, totals.reserved, totals.fields) == (700_000, 0, {"crawl:x": 700_000})
        await slow.settle(late, 5 * PRICE)


async def test_money_that_is_long_out_is_waited_for_with_patience(account: Callable[..., Account]) -> None:
    """The wait grows while no permit is granted, and ends with the last reservation."""
    dead, money = account(10_000, horizon_s=60), account(10_000)
    await permit(dead, price=PRICE)
    asked, seconds = 0, 0.0
    began_at = time.monotonic()
    async with asyncio.timeout(30):
        while seconds < 0.5:
            decision = await ask(money, price=PRICE)
            assert isinstance(decision, RetryAfter)
            asked, seconds = asked + 1, decision.seconds
            await asyncio.sleep(seconds)
    assert asked < 20
    assert seconds < (time.monotonic() - began_at) / 2 + 0.02


async def test_all_spend_from_one_budget(account: Callable[..., Account]) -> None:
    """Many processes at once, each greedy: not a cent beyond the cap."""
    moneys = [account(777_777, horizon_s=0) for _ in range(8)]

    async def spend(money: Account) -> int:
        spent = 0
        while isinstance(one := await ask(money, price=PRICE, wanted=9), Permit):
            totals = await money.totals()
            assert totals.spent + totals.reserved <= 777_777
            await money.settle(one, one.resources * PRICE)
            spent += one.resources * PRICE
        return spent

    spent = await asyncio.gather(*map(spend, moneys))
    totals = await moneys[0].totals()
    assert sum(spent) == totals.spent == 770_000
    assert totals.reserved == 0


@pytest.fixture
def leader(connection: Connection) -> Callable[[str], Awaitable[Leadership]]:
    """Take the leadership of the crawl `x`: `await leader(name)`."""

    async def lead(name: str) -> Leadership:
        keys = CrawlKeys("caps")
        await connection.call("DEL", keys.leader)
        leadership = Leadership(connection, keys, name)
        assert await leadership.lead()
        return leadership

    return lead


def of_crawl(connection: Connection, keys: NetworkKeys, budget: int | None, crawl: str = "x") -> Account:
    return Account(connection, keys, budget=budget, horizon_s=60, crawl=crawl)


async def test_a_cap_that_is_lowered_holds_for_all_from_the_next_request(
    connection: Connection, keys: NetworkKeys, leader: Any
) -> None:
    worker, stranger = of_crawl(connection, keys, 900_000), of_crawl(connection, keys, 900_000, "y")
    worker.cap.follow()
    await of_crawl(connection, keys, 900_000).cap.share(await leader("first"))
    await worker.settle(await permit(worker, price=PRICE, wanted=40), 40 * PRICE)
    await of_crawl(connection, keys, 500_000).cap.share(await leader("second"))
    assert await worker.left() == 100_000
    assert (await permit(worker, price=PRICE, wanted=40)).resources == 10
    assert isinstance(await ask(worker, price=PRICE), RetryAfter)
    assert await stranger.left() == 400_000
    await permit(stranger, price=PRICE, wanted=40)
    await of_crawl(connection, keys, None).cap.share(await leader("third"))
    assert await worker.left() is None
    await permit(worker, price=PRICE, wanted=10**6)


async def test_a_former_leader_restores_no_old_cap(
    connection: Connection, keys: NetworkKeys, leader: Any
) -> None:
    first, second = await leader("first"), await leader("second")
    money = of_crawl(connection, keys, 500_000)
    await money.cap.share(second)
    with pytest.raises(LeadershipLost):
        await of_crawl(connection, keys, 900_000).cap.share(first)
    await money.cap.share(second)
    assert await money.left() == 500_000


async def test_without_a_stored_cap_the_own_one_holds(connection: Connection, keys: NetworkKeys) -> None:
    worker = of_crawl(connection, keys, 50_000)
    worker.cap.follow()
    assert await worker.left() == 50_000
    assert (await permit(worker, price=PRICE, wanted=9)).resources == 5


async def test_networks_share_nothing(connection: Connection, account: Callable[..., Account]) -> None:
    money = account(10_000)
    await permit(money, price=PRICE)
    other = Account(connection, NetworkKeys("money-elsewhere"), budget=10_000, horizon_s=60)
    await permit(other, price=PRICE)


async def test_what_comes_again_on_a_day_is_expected_once(account: Any) -> None:
    money = account()
    first, again, other, tomorrow = (
        delivered(range(100)),
        delivered(range(50, 150)),
        delivered(range(100), resource="user"),
        delivered(range(100), day="2026-01-02"),
    )
    for delivery, new in ((first, 100), (again, 50), (again, 0), (other, 100), (tomorrow, 100)):
        before = await money.totals()
        one = await permit(money, price=PRICE, wanted=100, fields=["crawl:x"])
        await money.settle(one, 100 * PRICE, None, delivery)
        totals = await money.totals()
        assert totals.spent - before.spent == 100 * PRICE
        assert totals.expected - before.expected == pytest.approx(new * PRICE, abs=2 * PRICE)
        assert totals.expected_fields["crawl:x"] == totals.expected


@pytest.mark.parametrize("step", [1, 7_919, 64])
async def test_what_never_comes_again_is_expected_exactly(account: Any, step: int) -> None:
    money = account()
    for start in range(0, 3000, 1000):
        ids = [str(1_000_000 + number * step) for number in range(start, start + 1000)]
        delivery = Delivery(day="2026-01-01", resource="follower", ids=ids, unit_price=PRICE)
        one = await permit(money, price=PRICE, wanted=1000)
        await money.settle(one, 1000 * PRICE, None, delivery)
        totals = await money.totals()
        assert totals.expected == totals.spent


async def test_what_was_expanded_is_expected_at_its_price(account: Any) -> None:
    money = account()
    one = await permit(money, price=PRICE, wanted=100)
    await money.settle(one, 60 * PRICE, None, delivered(range(10)))
    assert (await money.totals()).expected == 60 * PRICE


async def test_unseen_lists_are_expected_in_full(account: Any) -> None:
    money = account()
    await money.settle(await permit(money, price=PRICE, wanted=100, fields=["crawl:x"]), None)
    totals = await money.totals()
    assert (totals.expected, totals.expected_fields["crawl:x"]) == (100 * PRICE, 100 * PRICE)


async def test_many_resources_are_expected_within_two_percent(account: Any) -> None:
    money, limit = account(), Limit(requests=10**6, window_s=900)
    for start in range(0, 100_000, 500):  # each page brings half of the page before again
        ids = [str(number * 7_919) for number in range(start, start + 1000)]
        delivery = Delivery(day="2026-01-01", resource="post", ids=ids, unit_price=1)
        await money.settle(await permit(money, limit=limit, price=1, wanted=1000), 1000, None, delivery)
    totals = await money.totals()
    assert totals.spent == 200_000
    assert totals.expected == pytest.approx(100_500, rel=0.02)
