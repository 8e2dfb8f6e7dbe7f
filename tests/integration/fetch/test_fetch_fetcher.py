"""Pages with their permits and their money: what is waited for, tried again, refunded, given up."""

import asyncio
import json
import logging
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from support.fetch import (
    FAILED,
    FOLLOWERS,
    SECRET,
    TOO_MANY,
    UNAUTHORIZED,
    FetcherRig,
    followers,
)
from twittomatic.emulator import GraphWorld, parse_faults
from twittomatic.errors import (
    BudgetExhausted,
    CreditsDepleted,
    Interrupted,
    NetworkError,
    NoCredentialLeft,
    StorageUnavailable,
    TargetUnavailable,
    UnexpectedPayload,
    UpstreamUnavailable,
)
from twittomatic.fetch.credentials import Credential
from twittomatic.fetch.fetcher import Fetched
from twittomatic.fetch.transport import Transport
from twittomatic.fetch.usertokens import UserToken
from twittomatic.model import User
from twittomatic.state.permits import Permit


async def test_a_page_and_its_money(house: FetcherRig, world: GraphWorld) -> None:
    emulator = await house.emulate(world)
    fetcher = await house.fetcher("a", budget=25_000_000)
    fetched = await fetcher.page(house.ask, 1000, purpose="follower")
    assert [int(user_id) for user_id in fetched.page.ids] == list(range(2, FOLLOWERS + 2))
    assert (fetched.size, fetched.cost) == (1000, FOLLOWERS * 10_000)
    assert await house.ledger() == (0, 10_000_000)
    await fetched.settle()
    totals = await house.account.totals()
    assert (totals.spent, totals.reserved) == (500_000, 0)
    names = ("crawl:test", "module:test:follower", "day:2025-12-31")
    assert totals.fields == dict.fromkeys(names, 500_000)
    assert emulator.report()["bill_usd"] == 0.5
    assert house.clock.slept == []


async def test_failures_that_pass(house: FetcherRig) -> None:
    scripted = await house.script(FAILED, (500, {}), followers([2]))
    fetcher = await house.fetcher("a", budget=10_000_000)
    assert (await house.page(fetcher)).page.ids == ["2"]
    assert len(scripted.asked) == 3
    assert await house.ledger() == (10_000, 0)
    assert 0.5 <= house.clock.slept[0] <= 1 <= house.clock.slept[1] <= 2


async def test_failures_that_do_not_pass(house: FetcherRig) -> None:
    """Each attempt has its own reservation, and each is refunded; else the second would find no money."""
    scripted = await house.script(FAILED)
    fetcher = await house.fetcher("a", budget=10_000_000)
    for _ in range(2):
        with pytest.raises(UpstreamUnavailable, match="503"):
            await house.page(fetcher)
    assert len(scripted.asked) == 8
    assert len(house.clock.slept) == 6
    assert await house.ledger() == (0, 0)


async def test_what_may_have_been_billed_is_spent(house: FetcherRig) -> None:
    scripted = await house.script((200, None))
    fetcher = await house.fetcher("a", budget=25_000_000)
    with pytest.raises(BudgetExhausted):  # 10 + 10 + 5 dollars, and nothing for a fourth try
        await house.page(fetcher)
    assert len(scripted.asked) == 3
    assert await house.ledger() == (25_000_000, 0)


async def test_a_redirect_is_an_answer_that_makes_no_sense(house: FetcherRig) -> None:
    await house.script((302, b""))
    with pytest.raises(UnexpectedPayload, match="redirect"):
        await house.page(await house.fetcher("a", budget=10_000_000))
    assert await house.ledger() == (0, 0)


async def test_pages_shrink_to_the_rest_of_the_budget(house: FetcherRig, world: GraphWorld) -> None:
    await house.emulate(world)
    fetcher = await house.fetcher("a", budget=255_000)
    fetched = await house.page(fetcher)
    assert (fetched.size, len(fetched.page.ids), fetched.cost) == (25, 25, 250_000)
    with pytest.raises(BudgetExhausted, match=r"\$0\.005 is left, .* cost \$0\.01; raise it"):
        await house.page(fetcher)
    assert await house.ledger() == (250_000, 0)


async def test_fewer_than_the_network_takes_are_not_asked_for(house: FetcherRig, world: GraphWorld) -> None:
    emulator = await house.emulate(world)
    with pytest.raises(BudgetExhausted, match=r"\$0\.04 is left, .* cost \$0\.05"):
        await house.page(await house.fetcher("a", budget=40_000), least=5)
    assert emulator.report()["requests"] == {}


async def test_reservations_without_an_outcome_count_as_spent(house: FetcherRig, world: GraphWorld) -> None:
    await house.emulate(world)
    fetcher = await house.fetcher("a", budget=250_000, horizon_s=0)
    assert await fetcher.ahead(house.ask, 20, purpose="follower")  # whose process dies with it
    await house.page(fetcher)
    with pytest.raises(BudgetExhausted, match=r"used up: \$0\.00 is left, and"):
        await house.page(fetcher)
    totals = await house.account.totals()
    assert (totals.spent, totals.reserved) == (250_000, 0)
    assert totals.fields["module:test:follower"] == 250_000


async def test_money_that_was_overspent_is_none(house: FetcherRig) -> None:
    """X sent more than was asked for: the bill is what it is, and the rest is not below nothing."""
    await house.script(followers(range(2, 12)))
    fetcher = await house.fetcher("a", budget=50_000)
    await house.page(fetcher, 5)
    assert await house.ledger() == (100_000, 0)
    with pytest.raises(BudgetExhausted, match=r"\$0\.00 is left"):
        await house.page(fetcher, 5)


async def test_windows_are_waited_for(house: FetcherRig, world: GraphWorld) -> None:
    """The documented limit is 300; the first answer says 2, and not one request too many is made."""
    emulator = await house.emulate(world, limits={"followers": 2}, time_scale=9_000)
    fetcher = await house.fetcher("a")
    async with asyncio.timeout(60):
        for _ in range(3):
            await house.page(fetcher)
    assert house.clock.slept
    report = emulator.report()
    assert (report["requests"], report["violations"]) == ({"followers": 3}, 0)


async def test_a_window_used_up_by_others_is_waited_for(house: FetcherRig, world: GraphWorld) -> None:
    """A 429 is no failure: it does not count among the tries, and takes no money."""
    emulator = await house.emulate(world, limits={"followers": 1}, time_scale=600)
    fetcher = await house.fetcher("a", budget=10_000_000)
    async with Transport(timeout_s=30) as other:
        await other.send(house.url, house.ask(1), house.network.authorization("a"))
    async with asyncio.timeout(60):
        assert len((await house.page(fetcher)).page.ids) == FOLLOWERS
    assert emulator.report()["violations"] == 1
    assert await house.ledger() == (500_000, 0)


async def test_another_credential_continues(house: FetcherRig) -> None:
    scripted = await house.script(TOO_MANY, followers([2]))
    fetcher = await house.fetcher("a", "b")
    for _ in range(3):
        await house.page(fetcher)
    assert sorted(scripted.asked[:2]) == ["a", "b"]
    assert set(scripted.asked[1:]) == {scripted.asked[1]}
    assert house.clock.slept == []


async def test_a_429_without_a_word_is_waited_for(house: FetcherRig) -> None:
    await house.script(TOO_MANY)
    fetcher = await house.fetcher("a")
    house.clock.never_wakes = True
    page = asyncio.create_task(house.page(fetcher))
    await until(lambda: house.clock.slept)
    assert house.clock.slept == [pytest.approx(60, abs=5)]
    house.halt.set()
    with pytest.raises(Interrupted):
        await page


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0.002)


async def test_a_halt_ends_the_wait_for_another_try(house: FetcherRig) -> None:
    scripted = await house.script(FAILED)
    fetcher = await house.fetcher("a", budget=10_000_000)
    house.clock.never_wakes = True
    page = asyncio.create_task(house.page(fetcher))
    await until(lambda: house.clock.slept)
    house.halt.set()
    with pytest.raises(Interrupted):
        await page
    assert len(scripted.asked) == 1
    assert await house.ledger() == (0, 0)


async def test_nothing_begins_under_a_halt(house: FetcherRig) -> None:
    scripted = await house.script(FAILED)
    fetcher = await house.fetcher("a")
    house.halt.set()
    with pytest.raises(Interrupted):
        await house.page(fetcher)
    assert scripted.asked == []


async def test_a_request_that_was_abandoned_counts_as_spent(house: FetcherRig) -> None:
    """As with a worker that lost its job or died: what X will charge is unknown."""
    scripted = await house.script((200, "silence"))
    page = asyncio.create_task(house.page(await house.fetcher("a", budget=10_000_000), 600))
    await until(lambda: scripted.asked)
    page.cancel()
    with pytest.raises(asyncio.CancelledError):
        await page
    assert await house.ledger() == (6_000_000, 0)


async def test_what_is_abandoned_before_it_is_sent_costs_nothing(house: FetcherRig) -> None:
    """Although the permit may be granted after its caller is gone."""
    scripted = await house.script(followers([2]))
    fetcher = await house.fetcher("a", budget=10_000_000)
    page = asyncio.create_task(house.page(fetcher))
    for _ in range(3):
        await asyncio.sleep(0)
    page.cancel()
    with pytest.raises(asyncio.CancelledError):
        await page
    assert scripted.asked == []
    assert await house.ledger() == (0, 0)
    assert (await house.account.totals()).fields == {}


async def test_a_token_that_cannot_be_stored_costs_no_page(house: FetcherRig, tmp_path: Path) -> None:
    """Nothing was sent, so nothing was bought."""
    scripted = await house.script(followers([2]))
    path = tmp_path / "ada.json"
    path.touch(mode=0o600)
    path.write_text('{"client_id": "c", "access_token": "a", "refresh_token": "r", "expires_at": 1}')
    (tmp_path / "ada.json.new").mkdir()
    fetcher = await house.fetcher(users=[UserToken(path)], budget=10_000_000)
    for _ in range(2):
        with pytest.raises(StorageUnavailable):
            await house.page(fetcher)
    assert scripted.asked == []
    assert await house.ledger() == (0, 0)


async def test_a_target_that_cannot_be_read_costs_nothing(house: FetcherRig, world: GraphWorld) -> None:
    await house.emulate(world)
    fetcher = await house.fetcher("a", budget=10_000_000)
    with pytest.raises(TargetUnavailable) as caught:
        await fetcher.page(
            lambda size: house.network.followers(User("7"), token=None, size=size), 1000, purpose="follower"
        )
    assert caught.value.reason == "protected"
    assert await house.ledger() == (0, 0)


async def test_an_account_without_credits_is_not_asked_twice(house: FetcherRig) -> None:
    scripted = await house.script((402, {"title": "CreditsDepleted", "detail": "No credits."}))
    with pytest.raises(CreditsDepleted, match="No credits"):
        await house.page(await house.fetcher("a", "b", budget=10_000_000))
    assert len(scripted.asked) == 1
    assert await house.ledger() == (0, 0)


async def test_a_rejected_credential_is_out(house: FetcherRig, world: GraphWorld) -> None:
    emulator = await house.emulate(world, tokens=["good"])
    fetcher = await house.fetcher("bad", "worse", "good", budget=10_000_000)
    for _ in range(2):
        await house.page(fetcher)
    rejected = await house.account.rejected()
    assert set(rejected) == {Credential.of("bad").name, Credential.of("worse").name}
    assert all("does not accept" in reason for reason in rejected.values())
    assert emulator.report()["requests"] == {"followers": 4}


async def test_without_a_credential_each_reason_is_reported(house: FetcherRig, world: GraphWorld) -> None:
    await house.emulate(world, tokens=["good"])
    with pytest.raises(NoCredentialLeft) as caught:
        await house.page(await house.fetcher("bad", "worse", budget=10_000_000))
    for token in ("bad", "worse"):
        assert f"{Credential.of(token).name}: X does not accept this credential" in str(caught.value)
    assert await house.ledger() == (0, 0)


async def test_without_any_credential(house: FetcherRig, world: GraphWorld) -> None:
    await house.emulate(world)
    fetcher = await house.fetcher()
    for failing in (house.page(fetcher), fetcher.check()):
        with pytest.raises(NoCredentialLeft, match="No credential for X was given"):
            await failing


async def test_a_check_is_free_and_finds_rejected_credentials(house: FetcherRig, world: GraphWorld) -> None:
    emulator = await house.emulate(world, tokens=["good"])
    fetcher = await house.fetcher("bad", "good", budget=1)
    await fetcher.check()
    assert set(await house.account.rejected()) == {Credential.of("bad").name}
    assert emulator.report()["requests"] == {"usage": 2}
    assert await house.ledger() == (0, 0)
    await fetcher.check()
    assert emulator.report()["requests"] == {"usage": 3}


async def test_a_check_without_a_valid_credential(house: FetcherRig, world: GraphWorld) -> None:
    await house.emulate(world, tokens=["good"])
    fetcher = await house.fetcher("bad")
    for _ in range(2):
        with pytest.raises(NoCredentialLeft, match="does not accept"):
            await fetcher.check()


async def test_a_check_of_a_network_that_says_too_often(house: FetcherRig) -> None:
    await house.script(TOO_MANY)
    await (await house.fetcher("a")).check()


async def test_many_at_once_keep_to_window_and_budget(house: FetcherRig, world: GraphWorld) -> None:
    emulator = await house.emulate(world, limits={"followers": 10}, time_scale=9_000)
    fetcher = await house.fetcher("a", "b", budget=2_220_000)
    pages = [house.page(fetcher, 20) for _ in range(15)]
    async with asyncio.timeout(60):
        results = await asyncio.gather(*pages, return_exceptions=True)
    fetched = [result for result in results if isinstance(result, Fetched)]
    assert {type(result) for result in results} == {Fetched, BudgetExhausted}
    assert sum(one.cost for one in fetched) == 2_220_000
    assert await house.ledger() == (2_220_000, 0)
    assert emulator.report()["violations"] == 0


@pytest.mark.parametrize(
    "answer",
    [
        *[(status, b"<html>") for status in (200, 302, 400, 401, 403, 404, 410, 429, 500, 503)],
        UNAUTHORIZED,
        (200, None),
        (403, {"title": "Client Forbidden", "reason": "client-not-enrolled"}),
        (402, {"title": "CreditsDepleted"}),
        (401, {"title": "Unauthorized", "detail": f"We do not know {SECRET}."}),
        (400, {"title": "Invalid Request", "detail": f"Bearer {SECRET}"}),
    ],
)
async def test_no_token_is_shown(house: FetcherRig, answer: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    await house.script(answer)
    house.clock.never_wakes = answer[0] == 429
    fetcher = await house.fetcher(SECRET)
    page = asyncio.create_task(house.page(fetcher))
    if answer[0] == 429:
        await until(lambda: house.clock.slept)
        house.halt.set()
    with pytest.raises((NetworkError, Interrupted)) as caught:
        await page
    error = caught.value
    logging.getLogger("test").error("failed: %r %r", error, fetcher, exc_info=error)
    told = [str(error), repr(error), *traceback.format_exception(error), caplog.text, repr(fetcher)]
    told += [str(record.__dict__) for record in caplog.records if record.name != "test"]
    told += [json.dumps(await house.account.rejected())]
    assert SECRET not in "".join(told)


async def test_a_permit_that_outlived_a_lease_is_given_back(house: FetcherRig) -> None:
    """As of a process that was frozen: another one has its job by now, and asks for this page."""
    emulator = await house.emulate(GraphWorld([(1, 2)]))
    fetcher = await house.fetcher("token", budget=100_000_000)
    old = await fetcher.ahead(house.ask, 1000, purpose="follower")
    assert isinstance(old, Permit)
    old = msgspec.structs.replace(old, granted_at=old.granted_at - 61)
    fetched = await fetcher.page(house.ask, 1000, purpose="follower", permit=old)
    await fetched.settle()
    assert await house.ledger() == (10_000, 0)
    assert emulator.report()["requests"] == {"followers": 1}


async def test_a_lost_answer_cost_all_that_it_could_have_held(house: FetcherRig) -> None:
    """It was served and charged, and never came; the one that comes later may be shorter."""
    world = GraphWorld([(1, other) for other in range(2, 9)])
    await house.emulate(world, faults=parse_faults("reset-billed#1x2"))
    fetcher = await house.fetcher("token", budget=40_000_000)
    fetched = await fetcher.page(house.ask, 1000, purpose="follower")
    assert await house.ledger() == (20_000_000, 10_000_000)
    await fetched.settle()
    assert await house.ledger() == (20_070_000, 0)


async def test_a_lost_answer_costs_all_that_it_could(house: FetcherRig) -> None:
    await house.emulate(GraphWorld([(1, 2)]), faults=parse_faults("reset-billed=1"))
    fetcher = await house.fetcher("token", budget=100_000_000)
    with pytest.raises(UpstreamUnavailable):
        await house.page(fetcher)
    assert await house.ledger() == (40_000_000, 0)


async def test_no_crawl_waits_for_the_money_of_a_lost_answer(house: FetcherRig) -> None:
    """What is left buys a smaller page at once; the price of the lost one is not known from that."""
    await house.emulate(
        GraphWorld([(1, other) for other in range(2, 9)]), faults=parse_faults("reset-billed#1")
    )
    fetcher = await house.fetcher("token", budget=10_050_000)
    async with asyncio.timeout(20):
        fetched = await house.page(fetcher)
    assert len(fetched.page.ids) == fetched.size == 5
    assert await house.ledger() == (10_050_000, 0)


async def test_an_outage_costs_a_few_pages(house: FetcherRig) -> None:
    """Twenty lists at once, each of which would be tried four times: $10 for every try that is lost."""
    scripted = await house.script((200, None))
    fetcher = await house.fetcher("token", budget=1_000_000_000)
    pages = [asyncio.create_task(house.page(fetcher)) for _ in range(20)]
    await until(lambda: sum(0.2 < seconds <= 1 for seconds in house.clock.slept) > 20)
    house.halt.set()
    results = await asyncio.gather(*pages, return_exceptions=True)
    assert {type(result) for result in results} <= {Interrupted, UpstreamUnavailable}
    assert len(scripted.asked) < 30
    assert await house.ledger() == (len(scripted.asked) * 10_000_000, 0)


async def test_a_429_that_says_something_is_left_is_a_429(house: FetcherRig) -> None:
    """Whatever its headers say, no worker hammers the network."""
    now = time.time()
    headers = {
        "x-rate-limit-limit": "300",
        "x-rate-limit-remaining": "299",
        "x-rate-limit-reset": str(int(now + 900)),
    }
    scripted = await house.script((429, headers))
    fetcher = await house.fetcher("a")
    house.clock.never_wakes = True
    pages = [asyncio.create_task(house.page(fetcher)) for _ in range(5)]
    await until(lambda: len(house.clock.slept) == 5)
    assert all(seconds > 800 for seconds in house.clock.slept)
    house.halt.set()
    await asyncio.gather(*pages, return_exceptions=True)
    assert len(scripted.asked) <= 5


@pytest.mark.parametrize("length", range(150, 320, 7))
@pytest.mark.parametrize("token", ["AAAA-secret-and-private", "aaa/bbb/cc+c==d", "tok\"en\\with'quotes"])
async def test_no_piece_of_an_echoed_token_is_shown(house: FetcherRig, token: str, length: int) -> None:
    """Wherever the quotation of a long answer is cut short."""
    await house.script((400, {"errors": [{"message": "y " * (length // 2) + token}]}))
    fetcher = await house.fetcher(token)
    with pytest.raises(NetworkError) as caught:
        await house.page(fetcher)
    shown = str(caught.value)
    assert not any(token[:end] in shown for end in range(4, len(token)))
