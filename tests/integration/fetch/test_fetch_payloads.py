"""What answers cost that are not understood, and how often they are asked for."""

import logging
from collections.abc import Callable

import pytest
from scripted import Answer, Asked, page, profile, scripted

from support.fetch import FetcherRig
from twittomatic.errors import RepeatedPayload, UnexpectedPayload, UpstreamUnavailable

BAD = b'{"data":[{"id":"2","name":"n"},{"id":"3","name":%b},{"id":"4"}],"meta":{"result_count":3}}'


def always(body: object) -> Callable[[Asked], Answer | None]:
    return lambda asked: None if "usage" in asked.path else Answer(body=body)


@pytest.mark.parametrize("value", [b'"caf\xe9"', b'"a\x01b"', b"NaN", b"undefined", b"5", b'"\\x"'])
async def test_a_page_with_one_bad_field_is_kept(
    house: FetcherRig, value: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    with scripted(always(BAD % value)) as x:
        house.url = x.url
        fetched = await house.page(await house.fetcher("a", budget=5_000_000))
        assert fetched.page.ids == ["2", "3", "4"]
        assert len(x.asked) == 1
    assert await house.ledger() == (30_000, 0)
    told = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert len(told) == len(fetched.page.unreadable)
    assert all("/2/users/1/followers: 3" in str(vars(record)["reason"]) for record in told)


@pytest.mark.parametrize(
    ("body", "cost"),
    [
        ({}, 0),
        (b"", 0),
        (b"<html>Something went wrong</html>", 0),
        ({"data": 1}, 0),
        ({"users": [profile(2), profile(3)]}, 20_000),
        ({"data": [{"name": "x"}] * 3}, 30_000),
        ({"data": [profile(2)], "meta": {"next_token": [1]}}, 10_000),
    ],
)
async def test_an_answer_that_stays_senseless_is_asked_for_three_times(
    house: FetcherRig, body: object, cost: int
) -> None:
    """Twice in a row, and once more when the job comes back; a cent more would be for nothing."""
    with scripted(always(body)) as x:
        house.url = x.url
        fetcher = await house.fetcher("a", budget=5_000_000)
        with pytest.raises(UnexpectedPayload):
            await house.page(fetcher)
        assert len(x.asked) == 2
        with pytest.raises(RepeatedPayload, match=r"The same \d+ bytes came 3 times\."):
            await house.page(fetcher)
        assert len(x.asked) == 3
        assert await house.ledger() == (3 * cost, 0)
        with pytest.raises(UnexpectedPayload):  # and for a caller that counts again
            await house.page(fetcher)
        assert len(x.asked) == 5


async def test_senseless_answers_that_differ_are_tried_like_any_failure(house: FetcherRig) -> None:
    def answer(asked: Asked) -> Answer:
        return Answer(body=b"<html>request %d</html>" % asked.number)

    with scripted(answer) as x:
        house.url = x.url
        fetcher = await house.fetcher("a", budget=5_000_000)
        for _ in range(2):
            with pytest.raises(UnexpectedPayload):
                await house.page(fetcher)
        assert len(x.asked) == 8
    assert await house.ledger() == (0, 0)


async def test_an_answer_that_comes_to_its_senses(house: FetcherRig) -> None:
    with scripted(lambda asked: Answer(body={}) if asked.number in (1, 3, 5) else page([profile(7)])) as x:
        house.url = x.url
        fetcher = await house.fetcher("a", budget=20_000_000)
        for _ in range(3):
            assert (await house.page(fetcher)).page.ids == ["7"]
        assert len(x.asked) == 6
    assert await house.ledger() == (30_000, 0)


@pytest.mark.parametrize(
    ("answer", "cost"),
    [
        (Answer(body={"data": [profile(2)]}, cut=20), 10_000_000),
        (Answer(body=b'{"data":[{"id":"1"}'), 10_000_000),
        (Answer(status=206, body={"data": [profile(2)]}), 10_000_000),
        (Answer(body=b"packed", headers={"Content-Encoding": "br"}), 10_000_000),
        (Answer(status=503, body={"data": [profile(2)]}, cut=20), 0),
        (Answer(status=404, body=b"x" * 99, cut=20), 0),
    ],
)
async def test_a_body_that_is_cut_costs_a_page_where_one_was_served(
    house: FetcherRig, answer: Answer, cost: int
) -> None:
    with scripted(lambda asked: answer if asked.number == 1 else page([profile(7)])) as x:
        house.url = x.url
        assert (await house.page(await house.fetcher("a", budget=30_000_000))).page.ids == ["7"]
        assert len(x.asked) == 2
    assert await house.ledger() == (cost + 10_000, 0)


async def test_a_429_with_a_cut_body_is_a_429(house: FetcherRig) -> None:
    headers = {f"x-rate-limit-{name}": None for name in ("limit", "remaining", "reset")}
    refusal = Answer(status=429, body=b"x" * 99, cut=20, headers={**headers, "Retry-After": "1"})
    with scripted(lambda asked: refusal if asked.number == 1 else page([profile(7)])) as x:
        house.url = x.url
        await house.page(await house.fetcher("a", budget=30_000_000))
        assert house.clock.slept[0] <= 1
    assert await house.ledger() == (10_000, 0)


async def test_more_than_was_asked_for_never_costs_more_where_it_is_not_understood(house: FetcherRig) -> None:
    with scripted(always([profile(number) for number in range(500)])) as x:
        house.url = x.url
        with pytest.raises(UpstreamUnavailable):
            await house.page(await house.fetcher("a", budget=5_000_000), 100)
    assert await house.ledger() == (2_000_000, 0)
