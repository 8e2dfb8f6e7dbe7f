import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twittomatic.emulator.x.limits import Limits


def test_a_window_opens_with_the_first_request_and_lasts_fifteen_minutes(clock: Any) -> None:
    clock.now = 1000.25
    limits = Limits(clock, limits={"followers": 2})
    first = limits.take("a", "followers")
    assert (first.allowed, first.limit, first.remaining, first.reset) == (True, 2, 1, 1901)
    clock.now = 1500
    second = limits.take("a", "followers")
    assert (second.allowed, second.remaining, second.reset) == (True, 0, 1901)
    clock.now = 1900.24
    late = limits.take("a", "followers")
    assert (late.allowed, late.remaining, late.reset) == (False, 0, 1901)
    clock.now = 1900.25
    fresh = limits.take("a", "followers")
    assert (fresh.allowed, fresh.remaining, fresh.reset) == (True, 1, 2801)


def test_every_credential_and_every_endpoint_has_its_own(clock: Any) -> None:
    limits = Limits(clock, limits={"followers": 1, "users": 1})
    assert limits.take("a", "followers").allowed
    assert not limits.take("a", "followers").allowed
    assert limits.take("b", "followers").allowed
    assert limits.take("a", "users").allowed


def test_the_numbers_are_those_of_x(clock: Any) -> None:
    limits = Limits(clock)
    asked = {
        "users": 300,
        "users_by": 300,
        "user": 300,
        "user_by_username": 300,
        "followers": 300,
        "following": 300,
        "timeline": 10_000,
        "posts": 3_500,
        "usage": 50,
    }
    assert {name: limits.take("a", name).limit for name in asked} == asked


@given(st.floats(0.001, 10_000), st.floats(0, 4e9))
def test_a_client_that_waits_for_the_reset_is_served(scale: float, now: float) -> None:
    time = [now]
    limits = Limits(lambda: time[0], time_scale=scale, limits={"user": 1})
    opened = limits.take("a", "user")
    assert opened.reset >= now
    assert opened.reset - now < 900 / scale + 1
    time[0] = float(opened.reset)
    assert limits.take("a", "user").allowed


def test_the_headers_are_x_s(clock: Any) -> None:
    clock.now = 100
    assert Limits(clock, time_scale=60).take("a", "users").headers == {
        "x-rate-limit-limit": "300",
        "x-rate-limit-remaining": "299",
        "x-rate-limit-reset": "115",
    }


@pytest.mark.parametrize("scale", [0, -1, math.inf, math.nan])
def test_a_senseless_scale_is_refused(clock: Any, scale: float) -> None:
    with pytest.raises(ValueError, match="time scale"):
        Limits(clock, time_scale=scale)


def test_an_unknown_endpoint_is_refused(clock: Any) -> None:
    with pytest.raises(ValueError, match="no endpoint 'likes'"):
        Limits(clock, limits={"likes": 3})
