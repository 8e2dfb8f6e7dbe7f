"""The free request with which a process starts: retried like any other, and never a condition."""

import asyncio
from typing import Any

import pytest
from scripted import Answer, Asked, ScriptedX, scripted

from support.fetch import FetcherRig
from twittomatic.emulator import GraphWorld, parse_faults
from twittomatic.errors import Interrupted, NoCredentialLeft, UpstreamUnavailable

BLANK = {"type": "about:blank", "title": "Forbidden", "status": 403, "detail": "Forbidden"}


@pytest.mark.parametrize("fault", ["503#1", "503#1x3", "reset#1", "reset#1x3", "html#1", "timeout#1@1"])
async def test_it_is_repeated(house: FetcherRig, world: GraphWorld, fault: str) -> None:
    emulator = await house.emulate(world, faults=parse_faults(f"usage:{fault}"))
    assert await (await house.fetcher("a", budget=1, timeout_s=0.3)).check() == ""
    report = emulator.report()
    assert 1 <= sum(report["faults"].values()) <= 3
    assert len(house.clock.slept) == sum(report["faults"].values())
    assert await house.ledger() == (0, 0)


def failing(answer: Answer) -> Any:
    return lambda asked: answer if "usage" in asked.path else None


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Answer(status=403, body=BLANK), "403"),
        (Answer(status=404, body={}), "404"),
        (Answer(status=500, body=b""), "500"),
        (Answer(status=503, body=b"<html>"), "503"),
        (Answer(status=400, body={"title": "Invalid Request"}), "invalid"),
        (Answer(status=302, body=b"", headers={"Location": "/login"}), "redirect"),
        (Answer(body={}), "without a figure"),
        (Answer(body=[]), "without a figure"),
        (Answer(body=b"<html>"), "without a figure"),
        (Answer(body=b""), "without a figure"),
    ],
)
async def test_where_it_alone_fails_the_credentials_count_as_good(
    house: FetcherRig, answer: Answer, said: str
) -> None:
    with scripted(failing(answer)) as x:
        house.url = x.url
        fetcher = await house.fetcher("a", "b", budget=1_000_000)
        assert said in await fetcher.check()
        assert 2 <= len(x.paths("usage")) <= 5
        assert await house.account.rejected() == {}
        assert (await house.page(fetcher, 10)).page.ids == ["11", "12", "13"]


async def test_a_rejection_is_still_one(house: FetcherRig) -> None:
    with scripted(failing(Answer(status=401, body={"title": "Unauthorized"}))) as x:
        house.url = x.url
        with pytest.raises(NoCredentialLeft):
            await (await house.fetcher("a", "b")).check()
        assert len(x.paths("usage")) == 2


async def test_a_network_that_never_answers_is_an_error(house: FetcherRig) -> None:
    """Resets and timeouts would be paid for with whole pages; this request is free."""
    scripted = await house.script((200, None))
    with pytest.raises(UpstreamUnavailable, match="broke off"):
        await (await house.fetcher("a", "b")).check()
    assert len(scripted.asked) == 4


async def test_a_signal_ends_the_wait_for_another_try(house: FetcherRig) -> None:
    with scripted(failing(Answer(status=503, body={}, headers={"Retry-After": "200"}))) as x:
        house.url = x.url
        fetcher = await house.fetcher("a")
        house.clock.never_wakes = True
        checking = asyncio.create_task(fetcher.check())
        async with asyncio.timeout(30):
            while not house.clock.slept:
                await asyncio.sleep(0.002)
        assert house.clock.slept == [200]
        house.halt.set()
        with pytest.raises(Interrupted):
            await checking
        assert len(x.asked) == 1


async def test_retry_after_of_an_overload_is_obeyed(house: FetcherRig) -> None:
    def answer(asked: Asked) -> Answer | None:
        later = {"Retry-After": "77"} if asked.number == 1 else {}
        return Answer(status=503, body={}, headers=later) if asked.number < 3 else None

    with scripted(answer) as x:
        house.url = x.url
        assert (await house.page(await house.fetcher("a"), 10)).page.ids == ["11", "12", "13"]
        assert house.clock.slept[0] == 77
        assert house.clock.slept[1] <= 2


NO_WINDOW = {f"x-rate-limit-{name}": None for name in ("limit", "remaining", "reset")}


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({**NO_WINDOW, "Retry-After": "3"}, 3),
        ({**NO_WINDOW, "Retry-After": "1900"}, 1900),
        (
            {
                **NO_WINDOW,
                "Retry-After": "Sun, 09 Sep 2001 01:47:40 GMT",
                "Date": "Sun, 09 Sep 2001 01:46:40 GMT",
            },
            60,
        ),
        ({"Retry-After": "3"}, 900),  # the reset of the window says more exactly when
    ],
)
async def test_retry_after_of_a_429_is_obeyed(
    house: FetcherRig, headers: dict[str, str | None], seconds: float
) -> None:
    answer = Answer(status=429, body={"title": "Too Many Requests"}, headers=headers)
    with scripted(lambda asked: answer) as x:
        house.url = x.url
        assert await waited(house, x) == pytest.approx(seconds, abs=2)


async def waited(house: FetcherRig, x: ScriptedX) -> float:
    """Return how long a page waits after the only answer that came."""
    fetcher = await house.fetcher("a")
    house.clock.never_wakes = True
    page = asyncio.create_task(house.page(fetcher, 10))
    async with asyncio.timeout(30):
        while not house.clock.slept:
            await asyncio.sleep(0.002)
    house.halt.set()
    with pytest.raises(Interrupted):
        await page
    assert len(x.asked) == 1
    return house.clock.slept[0]
