"""Windows are never overrun, the budget never exceeded, whoever asks and whoever dies."""

import asyncio
import itertools
import math
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest

from twittomatic.errors import LeadershipLost
from twittomatic.networks.base import Limit, WindowReading
from twittomatic.state.connection import Connection
from twittomatic.state.keys import CrawlKeys, NetworkKeys
from twittomatic.state.leadership import Leadership
from twittomatic.state.money import Delivery, Money, Nobody, NoMoney, Permit, Wait

QUARTER = Limit(requests=300, window_s=900)
PRICE = 10_000
_numbers = itertools.count()


@pytest.fixture
def keys() -> NetworkKeys:
    return NetworkKeys(f"money-{next(_numbers)}")


@pytest.fixture
def account(connection: Connection, keys: NetworkKeys) -> Callable[..., Money]:
    """A process' view of the one account of this test: `account(budget)`."""

    def make(budget: int | None = None, *, horizon_s: float = 60) -> Money:
        return Money(connection, keys, budget=budget, horizon_s=horizon_s)

    return make


async def ask(
    money: Money,
    *names: str,
    endpoint: str = "followers",
    limit: Limit = QUARTER,
    price: int = 0,
    wanted: int = 1,
    least: int = 1,
    fields: Sequence[str] = (),
) -> Permit | Wait | NoMoney | Nobody:
    limits = dict.fromkeys(names or ("a",), limit)
    return await money.acquire(endpoint, limits, price=price, wanted=wanted, least=least, fields=fields)


async def permit(money: Money, *names: str, **options: Any) -> Permit:
    decision = await ask(money, *names, **options)
    assert isinstance(decision, Permit)
    return decision


async def permits(money: Money, *names: str, **options: Any) -> int:
    """Take permits until there are no more, and return how many there were."""
    for number in itertools.count():
        if not isinstance(await ask(money, *names, **options), Permit):
            return number
    raise AssertionError


def refused(credential: str = "a") -> Permit:
    """The permit of a request to which the network said 429."""
    return Permit(
        reservation=f"refused-{next(_numbers)}",
        credential=credential,
        endpoint="followers",
        resources=1,
        granted_at=0.0,
    )


def reading(limit: int, remaining: int, in_s: float = 900) -> WindowReading:
    return WindowReading(limit=limit, remaining=remaining, reset_at=float(int(time.time() + in_s)))


async def test_no_more_permits_than_the_limit(account: Callable[..., Money]) -> None:
    moneys = [account() for _ in range(10)]
    limit = Limit(requests=7, window_s=900)
    decisions = await asyncio.gather(*[ask(moneys[i % 10], "a", "b", limit=limit) for i in range(100)])
    granted = [one.credential for one in decisions if isinstance(one, Permit)]
    assert (granted.count("a"), granted.count("b"), len(granted)) == (7, 7, 14)
    waits = [one.seconds for one in decisions if isinstance(one, Wait)]
    assert len(waits) == 86
    assert all(899 < seconds <= 900 for seconds in waits)


async def test_windows_open_again(account: Callable[..., Money]) -> None:
    """60 permits of which 5 come in a window take at least eleven windows."""
    money, limit = account(), Limit(requests=5, window_s=0.02)
    began_at = time.monotonic()

    async def take_three() -> None:
        for _ in range(3):
            while isinstance(decision := await ask(money, limit=limit), Wait):
                await asyncio.sleep(decision.seconds)

    async with asyncio.timeout(30):
        await asyncio.gather(*[take_three() for _ in range(20)])
    assert time.monotonic() - began_at >= 11 * 0.02


async def test_the_credential_with_most_left_goes_first(account: Callable[..., Money]) -> None:
    money, limit = account(), Limit(requests=3, window_s=900)
    for _ in range(2):
        await permit(money, "a", limit=limit)
    assert [(await permit(money, "a", "b", limit=limit)).credential for _ in range(2)] == ["b", "b"]
    assert {(await permit(money, "a", "b", limit=limit)).credential for _ in range(2)} == {"a", "b"}


async def test_windows_are_of_one_endpoint(account: Callable[..., Money]) -> None:
    money, limit = account(), Limit(requests=1, window_s=900)
    await permit(money, limit=limit)
    assert isinstance(await ask(money, limit=limit), Wait)
    await permit(money, limit=limit, endpoint="timeline")


@pytest.mark.parametrize(("told", "left"), [(10, 2), (10, 0), (1000, 7)])
async def test_headers_are_right(account: Callable[..., Money], told: int, left: int) -> None:
    money, limit = account(), Limit(requests=5, window_s=900)
    await money.settle(await permit(money, limit=limit), 0, reading(told, left))
    assert await permits(money, limit=limit) == left


async def test_requests_in_flight_count_as_made(account: Callable[..., Money]) -> None:
    """The first answer does not know of the others."""
    money = account()
    flying = [await permit(money) for _ in range(5)]
    await money.settle(flying[0], 0, reading(10, 9))
    assert await permits(money) == 5


async def test_an_answer_that_was_overtaken_gives_nothing_back(account: Callable[..., Money]) -> None:
    money, now = account(), reading(10, 0)
    flying = [await permit(money) for _ in range(5)]
    for one, remaining in zip(flying, [6, 9, 5, 8, 7], strict=True):
        await money.settle(one, 0, WindowReading(limit=10, remaining=remaining, reset_at=now.reset_at))
    assert await permits(money) <= 5


async def test_an_answer_of_the_window_before_is_no_news(account: Callable[..., Money]) -> None:
    money = account()
    first, late = await permit(money), await permit(money)
    await money.settle(first, 0, reading(10, 4, in_s=1800))
    await money.settle(late, 0, reading(10, 0, in_s=900))
    assert await permits(money) > 0


async def test_a_late_answer_does_not_close_the_window_that_opened_since(
    account: Callable[..., Money],
) -> None:
    """Its window is over by our clock, and ours begins anew with a guess."""
    money = account()
    first, late = await permit(money), await permit(money)
    over = reading(10, 9, in_s=-5)
    await money.settle(first, 0, over)
    await permit(money)  # opens the next one
    await money.settle(late, 0, WindowReading(limit=10, remaining=0, reset_at=over.reset_at))
    assert await permits(money) == 9


async def test_no_word_of_a_window_leaves_it_as_counted(account: Callable[..., Money]) -> None:
    money, limit = account(), Limit(requests=3, window_s=900)
    for _ in range(3):
        await money.settle(await permit(money, limit=limit), 0)
    assert isinstance(await ask(money, limit=limit), Wait)


async def test_an_exhausted_window_waits_for_its_reset(account: Callable[..., Money]) -> None:
    money = account()
    await permit(money, "a")
    reset_at = time.time() + 300
    assert await money.exhaust(refused("a"), reset_at, 60) == pytest.approx(300.2, abs=2)
    decision = await ask(money, "a")
    assert isinstance(decision, Wait)
    assert decision.seconds == pytest.approx(300.2, abs=2)
    assert (await permit(money, "a", "b")).credential == "b"
    await permit(money, "a", endpoint="timeline")


async def test_an_exhausted_window_without_a_reset(account: Callable[..., Money]) -> None:
    money = account()
    assert await money.exhaust(refused("a"), None, 60) == pytest.approx(60, abs=2)
    assert isinstance(await ask(money), Wait)
    assert await money.exhaust(refused("b"), None, 0.02) == pytest.approx(1, abs=0.02)


async def test_an_exhausted_window_of_which_answers_have_told_waits_no_longer_than_they_said(
    account: Callable[..., Money],
) -> None:
    money, now = account(), time.time()
    told = WindowReading(limit=10, remaining=5, reset_at=now + 20, date=now)
    await money.settle(await permit(money, "a"), 0, told)
    assert await money.exhaust(refused("a"), None, 60) == pytest.approx(20.2, abs=1)
    await permit(money, "b")  # and our own guess of a quarter of an hour is no such word
    assert await money.exhaust(refused("b"), None, 60) == pytest.approx(60, abs=1)


async def test_a_reset_that_is_past_by_our_clock_is_waited_for_all_the_same(
    account: Callable[..., Money],
) -> None:
    """The network still says no, so its clock is behind ours; to ask it at once would be to hammer it."""
    money = account()
    assert await money.exhaust(refused("a"), time.time() - 30, 60) == 1
    assert isinstance(await ask(money), Wait)


async def test_a_reset_far_from_now_is_nonsense(account: Callable[..., Money]) -> None:
    money = account()
    for far in (-100, 30 * 3600):
        assert await money.exhaust(refused("a"), time.time() + far, 60) == pytest.approx(60, abs=2)
    for far in (-100, 30 * 3600):
        one = await permit(money, "b", limit=Limit(requests=2, window_s=50))
        await money.settle(one, 0, reading(1000, 999, in_s=far))
    decision = await ask(money, "b")
    assert isinstance(decision, Wait)
    assert decision.seconds == pytest.approx(50, abs=2)


@pytest.mark.parametrize("ahead_s", [-3600, -2, 0, 0.4, 3600])
async def test_a_reset_is_by_the_networks_clock(account: Callable[..., Money], ahead_s: float) -> None:
    """However far it is from ours; its Date is a whole second, so it takes some to know it well."""
    money = account()
    reset_at = float(math.ceil(time.time() + ahead_s + 300))

    def left() -> float:
        return reset_at - (time.time() + ahead_s)

    flying = [await permit(money) for _ in range(40)]
    best = (
        math.inf
    )  # how far the best Date so far was from the moment at which the server heard of it, at most
    for number, one in enumerate(flying):
        age_s, said_at = number / 40, time.time()
        date = float(math.floor(said_at + ahead_s - age_s))
        told = WindowReading(limit=100, remaining=0, reset_at=reset_at, date=date)
        await money.settle(one, 0, told, age_s=age_s)
        best = min(best, time.time() + ahead_s - age_s - date)
        before = left()
        decision = await ask(money)
        assert isinstance(decision, Wait)
        assert left() <= decision.seconds <= before + best + 0.21, number


async def test_how_long_an_answer_was_under_way_counts(account: Callable[..., Money]) -> None:
    """It was written five seconds before it is settled, when the network's clock said so."""
    money, now = account(), time.time()
    told = WindowReading(limit=10, remaining=0, reset_at=now + 300, date=now - 5)
    await money.settle(await permit(money), 0, told, age_s=5)
    decision = await ask(money)
    assert isinstance(decision, Wait)
    assert decision.seconds == pytest.approx(300.2, abs=1)


async def test_a_clock_that_was_set_is_followed(account: Callable[..., Money], keys: NetworkKeys) -> None:
    money = account()
    for ahead_s in (3600, 0, -3600, 7200):
        now = time.time() + ahead_s
        assert await money.exhaust(refused("a"), now + 100, 60, date=now) == pytest.approx(100.2, abs=1)


async def test_a_reset_that_was_past_when_it_was_told_is_none(account: Callable[..., Money]) -> None:
    """By the network's own clock; whatever it means, it gives no window away."""
    money, now = account(), float(int(time.time()))
    past = WindowReading(limit=300, remaining=299, reset_at=now - 5, date=now)
    await money.settle(await permit(money, limit=Limit(requests=3, window_s=900)), 0, past)
    assert await permits(money, limit=Limit(requests=3, window_s=900)) == 2
    assert await money.exhaust(refused("b"), now - 5, 60, date=now) == pytest.approx(60, abs=1)


async def lapse(connection: Connection, key: str, *fields: str) -> None:
    """Let the times in a hash be over."""
    for field in fields:
        await connection.call("HSET", key, field, 1)


async def test_after_a_429_one_goes_first(
    account: Callable[..., Money], connection: Connection, keys: NetworkKeys
) -> None:
    money, window = account(), f"{keys.windows}a:followers"
    late, first = await permit(money), await permit(money)
    for wait_s in (1, 2, 4, 8, 16, 32, 60, 60):
        for _ in range(2):  # the script may run twice
            assert await money.exhaust(first, time.time() - 1, 60) == wait_s
        await money.settle(first, 0)
        assert isinstance(await ask(money), Wait)
        await lapse(connection, window, "shut", "reset")
        first = await permit(money)
        assert isinstance(decision := await ask(money), Wait)
        assert decision.seconds <= 0.2
    await money.settle(late, 0, reading(300, 299))
    assert await permits(money) == 0
    await money.settle(first, 0, reading(300, 299, in_s=1800))
    assert await permits(money) > 250


async def test_one_who_goes_first_and_dies_is_followed_by_another(
    account: Callable[..., Money], connection: Connection, keys: NetworkKeys
) -> None:
    money, window = account(), f"{keys.windows}a:followers"
    await money.exhaust(await permit(money), None, 60)
    await lapse(connection, window, "shut", "reset")
    for _ in range(2):
        await permit(money)
        assert isinstance(await ask(money), Wait)
        await lapse(connection, window, "probing")
    unused = await permit(money)
    await money.settle(unused, 0)
    await permit(money)
    assert isinstance(await ask(money), Wait)


async def test_what_a_429_says_is_left_opens_nothing(account: Callable[..., Money]) -> None:
    """Nor what an answer says that was under way before."""
    money = account()
    flying = await permit(money)
    await money.exhaust(refused(), time.time() + 300, 60)
    await money.settle(flying, 0, reading(300, 200))
    assert isinstance(await ask(money), Wait)


async def test_where_answers_are_lost_one_goes_first(
    account: Callable[..., Money], connection: Connection, keys: NetworkKeys
) -> None:
    """An outage that drops connections costs some pages, and not the budget."""
    money, gate = account(10**9), keys.gate("followers")
    flying = [await permit(money, price=PRICE, wanted=10) for _ in range(8)]
    answered = await permit(money, price=PRICE)
    for one in flying[:2]:
        await money.settle(one, None)
    await money.settle(answered, PRICE, None, delivered(range(1)))  # so it was not in a row
    for one in flying[2:4]:
        await money.settle(one, None)
    await permit(money, price=PRICE)
    for one in flying[4:]:
        await money.settle(one, None)
    for wait_s in (1, 2, 4):
        decision = await ask(money, price=PRICE)
        assert isinstance(decision, Wait)
        assert wait_s / 2 < decision.seconds <= wait_s
        await permit(money)  # what is free may go
        await permit(money, price=PRICE, endpoint="timeline")
        await lapse(connection, gate, "shut")
        first = await permit(money, price=PRICE)
        assert isinstance(await ask(money, price=PRICE), Wait)
        await money.settle(first, None)
    await lapse(connection, gate, "shut")
    await money.settle(await permit(money, price=PRICE), 0, None, delivered(range(0)))
    assert await permits(money, price=PRICE, limit=Limit(requests=100, window_s=900)) > 50


async def test_a_429_is_by_the_networks_clock(account: Callable[..., Money]) -> None:
    money, now = account(), time.time() - 3600
    assert await money.exhaust(refused("a"), now + 300, 60, date=now) == pytest.approx(300.2, abs=1)
    assert await money.exhaust(refused("b"), now + 400, 60) == pytest.approx(400.2, abs=1)


async def test_rejected_credentials_are_out_for_all(account: Callable[..., Money]) -> None:
    money, other = account(), account()
    assert await money.rejected() == {}
    await money.reject("a", "401: expired")
    assert {(await permit(other, "a", "b")).credential for _ in range(4)} == {"b"}
    await other.reject("b", "401: too")
    assert await ask(money, "a", "b") == Nobody()
    assert await money.rejected() == {"a": "401: expired", "b": "401: too"}
    await money.accept()
    assert (await permit(other, "a", "b")).credential == "a"


async def test_without_credentials_there_is_nobody(account: Callable[..., Money]) -> None:
    assert await account().acquire("followers", {}, price=0, wanted=1) == Nobody()


async def test_money_is_put_aside_and_given_back(account: Callable[..., Money]) -> None:
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


async def test_what_nobody_knows_the_cost_of_is_spent(account: Callable[..., Money]) -> None:
    money = account(25_000_000)
    await money.settle(await permit(money, price=PRICE, wanted=1000, fields=["crawl:x"]), None)
    totals = await money.totals()
    assert (totals.spent, totals.reserved, totals.fields) == (10_000_000, 0, {"crawl:x": 10_000_000})


async def test_a_request_is_settled_once(account: Callable[..., Money]) -> None:
    money = account(25_000_000)
    one = await permit(money, price=PRICE, wanted=10, fields=["crawl:x"])
    for cost in (50_000, 70_000, None):
        await money.settle(one, cost)
    totals = await money.totals()
    assert (totals.spent, totals.reserved, totals.fields) == (50_000, 0, {"crawl:x": 50_000})


async def test_pages_shrink_to_the_rest_of_the_budget(account: Callable[..., Money]) -> None:
    money = account(1_005_000)
    one = await permit(money, price=PRICE, wanted=1000)
    assert one.resources == 100
    await money.settle(one, 1_000_000)
    assert await ask(money, price=PRICE, wanted=1000) == NoMoney(left=5_000)


async def test_money_in_flight_is_waited_for(account: Callable[..., Money]) -> None:
    """It may come back; so nobody gives up, nor takes a crumb, while it is out."""
    money = account(1_000_000)
    one = await permit(money, price=PRICE, wanted=60)
    decision = await ask(money, price=PRICE, wanted=60)
    assert isinstance(decision, Wait)
    assert 0 < decision.seconds < 1
    await money.settle(one, 100_000)
    assert (await permit(money, price=PRICE, wanted=60)).resources == 60


async def test_fewer_than_make_sense_are_not_bought(account: Callable[..., Money]) -> None:
    money = account(40_000)
    assert await ask(money, price=PRICE, wanted=100, least=5) == NoMoney(left=40_000)
    assert (await permit(money, price=PRICE, wanted=100, least=4)).resources == 4


async def test_what_is_free_needs_no_money(account: Callable[..., Money]) -> None:
    money = account(1)
    assert isinstance(await ask(money, price=PRICE), NoMoney)
    await permit(money, price=0)


async def test_a_refusal_takes_no_permit(account: Callable[..., Money]) -> None:
    """Neither for want of money nor while waiting for it is a window used up."""
    money, limit = account(15_000), Limit(requests=2, window_s=900)
    await permit(money, price=PRICE, limit=limit)
    for _ in range(5):
        assert isinstance(await ask(money, price=PRICE, limit=limit), Wait)
    assert await permits(money, limit=limit) == 1


async def test_without_a_cap_it_is_counted(account: Callable[..., Money]) -> None:
    money = account(None)
    await money.settle(await permit(money, price=PRICE, wanted=10**6), 10**10)
    assert (await money.totals()).spent == 10**10


async def test_an_answer_that_cost_more_stops_the_rest(account: Callable[..., Money]) -> None:
    money = account(100_000)
    await money.settle(await permit(money, price=PRICE, wanted=1), 150_000)
    assert await ask(money, price=PRICE) == NoMoney(left=-50_000)


async def test_what_the_dead_put_aside_is_spent(account: Callable[..., Money]) -> None:
    """It is waited for as long as a request can take; then it is money that is gone, as of their crawl."""
    dead, survivor = account(1_000_000, horizon_s=0.3), account(1_000_000)
    await permit(dead, price=PRICE, wanted=70, fields=["crawl:x", "module:x:follower"])
    assert isinstance(await ask(survivor, price=PRICE, wanted=100), Wait)
    totals = await survivor.totals()
    assert (totals.spent, totals.reserved, totals.is_awaited) == (0, 700_000, True)
    async with asyncio.timeout(30):
        while isinstance(decision := await ask(survivor, price=PRICE, wanted=100), Wait):
            await asyncio.sleep(decision.seconds)
    assert isinstance(decision, Permit)
    assert decision.resources == 30
    await survivor.settle(decision, 300_000)
    totals = await survivor.totals()
    assert (totals.spent, totals.expected, totals.reserved) == (1_000_000, 1_000_000, 0)
    assert totals.fields == {"crawl:x": 700_000, "module:x:follower": 700_000}
    assert await ask(survivor, price=PRICE) == NoMoney(left=0)


async def test_a_look_at_the_ledger_finds_what_the_dead_spent(account: Callable[..., Money]) -> None:
    """Though nobody asks for anything any more; who was only slow changes nothing by coming late."""
    slow = account(None, horizon_s=0)
    late = await permit(slow, price=PRICE, wanted=70, fields=["crawl:x"])
    for _ in range(2):
        totals = await account().totals()
        assert (totals.spent, totals.reserved, totals.fields) == (700_000, 0, {"crawl:x": 700_000})
        await slow.settle(late, 5 * PRICE)


async def test_money_that_is_long_out_is_waited_for_with_patience(account: Callable[..., Money]) -> None:
    """The wait grows with the time for which nobody got any, and ends with the last reservation."""
    dead, money = account(10_000, horizon_s=60), account(10_000)
    await permit(dead, price=PRICE)
    asked, seconds = 0, 0.0
    began_at = time.monotonic()
    async with asyncio.timeout(30):
        while seconds < 0.5:
            decision = await ask(money, price=PRICE)
            assert isinstance(decision, Wait)
            asked, seconds = asked + 1, decision.seconds
            await asyncio.sleep(seconds)
    assert asked < 20
    assert seconds < (time.monotonic() - began_at) / 2 + 0.02


async def test_all_spend_from_one_budget(account: Callable[..., Money]) -> None:
    """Many processes at once, each greedy: not a cent beyond the cap."""
    moneys = [account(777_777, horizon_s=0) for _ in range(8)]

    async def spend(money: Money) -> int:
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
    """A master that takes the crawl `x` from whoever had it: `await leader(name)`."""

    async def lead(name: str) -> Leadership:
        keys = CrawlKeys("caps")
        await connection.call("DEL", keys.leader)
        leadership = Leadership(connection, keys, name)
        assert await leadership.lead()
        return leadership

    return lead


def of_crawl(connection: Connection, keys: NetworkKeys, budget: int | None, crawl: str = "x") -> Money:
    return Money(connection, keys, budget=budget, horizon_s=60, crawl=crawl)


async def test_a_cap_that_is_lowered_holds_for_all_from_the_next_request(
    connection: Connection, keys: NetworkKeys, leader: Any
) -> None:
    worker, stranger = of_crawl(connection, keys, 900_000), of_crawl(connection, keys, 900_000, "y")
    worker.follow()
    await of_crawl(connection, keys, 900_000).share_cap(await leader("first"))
    await worker.settle(await permit(worker, price=PRICE, wanted=40), 40 * PRICE)
    await of_crawl(connection, keys, 500_000).share_cap(await leader("second"))
    assert await worker.left() == 100_000
    assert (await permit(worker, price=PRICE, wanted=40)).resources == 10
    assert isinstance(await ask(worker, price=PRICE), Wait)
    assert await stranger.left() == 400_000
    await permit(stranger, price=PRICE, wanted=40)
    await of_crawl(connection, keys, None).share_cap(await leader("third"))
    assert await worker.left() is None
    await permit(worker, price=PRICE, wanted=10**6)


async def test_who_led_before_puts_no_old_cap_back(
    connection: Connection, keys: NetworkKeys, leader: Any
) -> None:
    first, second = await leader("first"), await leader("second")
    money = of_crawl(connection, keys, 500_000)
    await money.share_cap(second)
    with pytest.raises(LeadershipLost):
        await of_crawl(connection, keys, 900_000).share_cap(first)
    await money.share_cap(second)
    assert await money.left() == 500_000


async def test_where_nobody_wrote_a_cap_the_own_one_holds(connection: Connection, keys: NetworkKeys) -> None:
    worker = of_crawl(connection, keys, 50_000)
    worker.follow()
    assert await worker.left() == 50_000
    assert (await permit(worker, price=PRICE, wanted=9)).resources == 5


async def test_networks_share_nothing(connection: Connection, account: Callable[..., Money]) -> None:
    money = account(10_000)
    await permit(money, price=PRICE)
    other = Money(connection, NetworkKeys(f"money-{next(_numbers)}"), budget=10_000, horizon_s=60)
    await permit(other, price=PRICE)


def delivered(ids: range, *, resource: str = "follower", day: str = "2026-01-01") -> Delivery:
    return Delivery(day=day, resource=resource, ids=[str(number) for number in ids], unit_price=PRICE)


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


async def test_what_nobody_saw_is_expected_in_full(account: Any) -> None:
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
