"""Windows are never overrun, whichever process asks and whatever the network says."""

import asyncio
import math
import time
from collections.abc import Callable

import pytest
from paying import PRICE, ask, delivered, permit, permits, reading, refused

from twittomatic.networks.base import Limit, WindowReading
from twittomatic.state.account import Account
from twittomatic.state.connection import Connection
from twittomatic.state.keys import NetworkKeys
from twittomatic.state.permits import NoCredential, Permit, RetryAfter


async def test_no_more_permits_than_the_limit(account: Callable[..., Account]) -> None:
    moneys = [account() for _ in range(10)]
    limit = Limit(requests=7, window_s=900)
    decisions = await asyncio.gather(*[ask(moneys[i % 10], "a", "b", limit=limit) for i in range(100)])
    granted = [one.credential for one in decisions if isinstance(one, Permit)]
    assert (granted.count("a"), granted.count("b"), len(granted)) == (7, 7, 14)
    waits = [one.seconds for one in decisions if isinstance(one, RetryAfter)]
    assert len(waits) == 86
    assert all(899 < seconds <= 900 for seconds in waits)


async def test_windows_open_again(account: Callable[..., Account]) -> None:
    """60 permits of which 5 come in a window take at least eleven windows."""
    money, limit = account(), Limit(requests=5, window_s=0.02)
    began_at = time.monotonic()

    async def take_three() -> None:
        for _ in range(3):
            while isinstance(decision := await ask(money, limit=limit), RetryAfter):
                await asyncio.sleep(decision.seconds)

    async with asyncio.timeout(30):
        await asyncio.gather(*[take_three() for _ in range(20)])
    assert time.monotonic() - began_at >= 11 * 0.02


async def test_the_credential_with_most_left_goes_first(account: Callable[..., Account]) -> None:
    money, limit = account(), Limit(requests=3, window_s=900)
    for _ in range(2):
        await permit(money, "a", limit=limit)
    assert [(await permit(money, "a", "b", limit=limit)).credential for _ in range(2)] == ["b", "b"]
    assert {(await permit(money, "a", "b", limit=limit)).credential for _ in range(2)} == {"a", "b"}


async def test_windows_are_of_one_endpoint(account: Callable[..., Account]) -> None:
    money, limit = account(), Limit(requests=1, window_s=900)
    await permit(money, limit=limit)
    assert isinstance(await ask(money, limit=limit), RetryAfter)
    await permit(money, limit=limit, endpoint="timeline")


@pytest.mark.parametrize(("told", "left"), [(10, 2), (10, 0), (1000, 7)])
async def test_headers_are_right(account: Callable[..., Account], told: int, left: int) -> None:
    money, limit = account(), Limit(requests=5, window_s=900)
    await money.settle(await permit(money, limit=limit), 0, reading(told, left))
    assert await permits(money, limit=limit) == left


async def test_requests_in_flight_count_as_made(account: Callable[..., Account]) -> None:
    """The first answer does not know of the others."""
    money = account()
    flying = [await permit(money) for _ in range(5)]
    await money.settle(flying[0], 0, reading(10, 9))
    assert await permits(money) == 5


async def test_an_answer_that_was_overtaken_gives_nothing_back(account: Callable[..., Account]) -> None:
    money, now = account(), reading(10, 0)
    flying = [await permit(money) for _ in range(5)]
    for one, remaining in zip(flying, [6, 9, 5, 8, 7], strict=True):
        await money.settle(one, 0, WindowReading(limit=10, remaining=remaining, reset_at=now.reset_at))
    assert await permits(money) <= 5


async def test_an_answer_of_the_window_before_is_no_news(account: Callable[..., Account]) -> None:
    money = account()
    first, late = await permit(money), await permit(money)
    await money.settle(first, 0, reading(10, 4, in_s=1800))
    await money.settle(late, 0, reading(10, 0, in_s=900))
    assert await permits(money) > 0


async def test_a_late_answer_does_not_close_the_window_that_opened_since(
    account: Callable[..., Account],
) -> None:
    """Its window is over by our clock, and ours begins anew with a guess."""
    money = account()
    first, late = await permit(money), await permit(money)
    over = reading(10, 9, in_s=-5)
    await money.settle(first, 0, over)
    await permit(money)  # opens the next one
    await money.settle(late, 0, WindowReading(limit=10, remaining=0, reset_at=over.reset_at))
    assert await permits(money) == 9


async def test_no_word_of_a_window_leaves_it_as_counted(account: Callable[..., Account]) -> None:
    money, limit = account(), Limit(requests=3, window_s=900)
    for _ in range(3):
        await money.settle(await permit(money, limit=limit), 0)
    assert isinstance(await ask(money, limit=limit), RetryAfter)


async def test_an_exhausted_window_waits_for_its_reset(account: Callable[..., Account]) -> None:
    money = account()
    await permit(money, "a")
    reset_at = time.time() + 300
    assert await money.exhaust(refused("a"), reset_at, 60) == pytest.approx(300.2, abs=2)
    decision = await ask(money, "a")
    assert isinstance(decision, RetryAfter)
    assert decision.seconds == pytest.approx(300.2, abs=2)
    assert (await permit(money, "a", "b")).credential == "b"
    await permit(money, "a", endpoint="timeline")


async def test_an_exhausted_window_without_a_reset(account: Callable[..., Account]) -> None:
    money = account()
    assert await money.exhaust(refused("a"), None, 60) == pytest.approx(60, abs=2)
    assert isinstance(await ask(money), RetryAfter)
    assert await money.exhaust(refused("b"), None, 0.02) == pytest.approx(1, abs=0.02)


async def test_an_exhausted_window_waits_no_longer_than_the_answers_said(
    account: Callable[..., Account],
) -> None:
    money, now = account(), time.time()
    told = WindowReading(limit=10, remaining=5, reset_at=now + 20, date=now)
    await money.settle(await permit(money, "a"), 0, told)
    assert await money.exhaust(refused("a"), None, 60) == pytest.approx(20.2, abs=1)
    await permit(money, "b")  # and our own guess of a quarter of an hour is no such word
    assert await money.exhaust(refused("b"), None, 60) == pytest.approx(60, abs=1)


async def test_a_reset_that_is_past_by_our_clock_is_waited_for_all_the_same(
    account: Callable[..., Account],
) -> None:
    """The network still says no, so its clock is behind ours; to ask it at once would be to hammer it."""
    money = account()
    assert await money.exhaust(refused("a"), time.time() - 30, 60) == 1
    assert isinstance(await ask(money), RetryAfter)


async def test_a_reset_far_from_now_is_nonsense(account: Callable[..., Account]) -> None:
    money = account()
    for far in (-100, 30 * 3600):
        assert await money.exhaust(refused("a"), time.time() + far, 60) == pytest.approx(60, abs=2)
    for far in (-100, 30 * 3600):
        one = await permit(money, "b", limit=Limit(requests=2, window_s=50))
        await money.settle(one, 0, reading(1000, 999, in_s=far))
    decision = await ask(money, "b")
    assert isinstance(decision, RetryAfter)
    assert decision.seconds == pytest.approx(50, abs=2)


@pytest.mark.parametrize("ahead_s", [-3600, -2, 0, 0.4, 3600])
async def test_a_reset_is_by_the_networks_clock(account: Callable[..., Account], ahead_s: float) -> None:
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
        assert isinstance(decision, RetryAfter)
        assert left() <= decision.seconds <= before + best + 0.21, number


async def test_how_long_an_answer_was_under_way_counts(account: Callable[..., Account]) -> None:
    """It was written five seconds before it is settled, when the network's clock said so."""
    money, now = account(), time.time()
    told = WindowReading(limit=10, remaining=0, reset_at=now + 300, date=now - 5)
    await money.settle(await permit(money), 0, told, age_s=5)
    decision = await ask(money)
    assert isinstance(decision, RetryAfter)
    assert decision.seconds == pytest.approx(300.2, abs=1)


async def test_a_clock_that_was_set_is_followed(account: Callable[..., Account], keys: NetworkKeys) -> None:
    money = account()
    for ahead_s in (3600, 0, -3600, 7200):
        now = time.time() + ahead_s
        assert await money.exhaust(refused("a"), now + 100, 60, date=now) == pytest.approx(100.2, abs=1)


async def test_a_reset_already_past_on_arrival_is_none(account: Callable[..., Account]) -> None:
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
    account: Callable[..., Account], connection: Connection, keys: NetworkKeys
) -> None:
    money, window = account(), f"{keys.windows}a:followers"
    late, first = await permit(money), await permit(money)
    for wait_s in (1, 2, 4, 8, 16, 32, 60, 60):
        for _ in range(2):  # the script may run twice
            assert await money.exhaust(first, time.time() - 1, 60) == wait_s
        await money.settle(first, 0)
        assert isinstance(await ask(money), RetryAfter)
        await lapse(connection, window, "shut", "reset")
        first = await permit(money)
        assert isinstance(decision := await ask(money), RetryAfter)
        assert decision.seconds <= 0.2
    await money.settle(late, 0, reading(300, 299))
    assert await permits(money) == 0
    await money.settle(first, 0, reading(300, 299, in_s=1800))
    assert await permits(money) > 250


async def test_a_process_that_dies_first_is_followed_by_another(
    account: Callable[..., Account], connection: Connection, keys: NetworkKeys
) -> None:
    money, window = account(), f"{keys.windows}a:followers"
    await money.exhaust(await permit(money), None, 60)
    await lapse(connection, window, "shut", "reset")
    for _ in range(2):
        await permit(money)
        assert isinstance(await ask(money), RetryAfter)
        await lapse(connection, window, "probing")
    unused = await permit(money)
    await money.settle(unused, 0)
    await permit(money)
    assert isinstance(await ask(money), RetryAfter)


async def test_a_429_with_requests_left_opens_no_window(account: Callable[..., Account]) -> None:
    """Nor what an answer says that was under way before."""
    money = account()
    flying = await permit(money)
    await money.exhaust(refused(), time.time() + 300, 60)
    await money.settle(flying, 0, reading(300, 200))
    assert isinstance(await ask(money), RetryAfter)


async def test_where_answers_are_lost_one_goes_first(
    account: Callable[..., Account], connection: Connection, keys: NetworkKeys
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
        assert isinstance(decision, RetryAfter)
        assert wait_s / 2 < decision.seconds <= wait_s
        await permit(money)  # what is free may go
        await permit(money, price=PRICE, endpoint="timeline")
        await lapse(connection, gate, "shut")
        first = await permit(money, price=PRICE)
        assert isinstance(await ask(money, price=PRICE), RetryAfter)
        await money.settle(first, None)
    await lapse(connection, gate, "shut")
    await money.settle(await permit(money, price=PRICE), 0, None, delivered(range(0)))
    assert await permits(money, price=PRICE, limit=Limit(requests=100, window_s=900)) > 50


async def test_a_429_is_by_the_networks_clock(account: Callable[..., Account]) -> None:
    money, now = account(), time.time() - 3600
    assert await money.exhaust(refused("a"), now + 300, 60, date=now) == pytest.approx(300.2, abs=1)
    assert await money.exhaust(refused("b"), now + 400, 60) == pytest.approx(400.2, abs=1)


async def test_rejected_credentials_are_out_for_all(account: Callable[..., Account]) -> None:
    money, other = account(), account()
    assert await money.rejected() == {}
    await money.reject("a", "401: expired")
    assert {(await permit(other, "a", "b")).credential for _ in range(4)} == {"b"}
    await other.reject("b", "401: too")
    assert await ask(money, "a", "b") == NoCredential()
    assert await money.rejected() == {"a": "401: expired", "b": "401: too"}
    await money.accept()
    assert (await permit(other, "a", "b")).credential == "a"


async def test_without_credentials_there_is_no_permit(account: Callable[..., Account]) -> None:
    assert await account().acquire("followers", {}, price=0, wanted=1) == NoCredential()
