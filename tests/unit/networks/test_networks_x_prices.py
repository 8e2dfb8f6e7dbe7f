"""Prices and limits of a configuration file, over what X documents."""

import re
from datetime import date
from pathlib import Path

import pytest

from twittomatic.errors import SettingsError
from twittomatic.model import User
from twittomatic.networks.x import X, limits, prices
from twittomatic.networks.x.prices import AS_OF, LISTED
from twittomatic.settings import load

DAY = {"as_of": "2026-11-01"}
NO_PRICES = ["free", "0.01", True, 0, -0.01, float("inf"), float("nan"), 1e400, 1000.01]
NO_LIMITS = ["many", "300", True, 0, -1, 2.5, 10**8]


def configured(tmp_path: Path, text: str) -> X:
    config = tmp_path / "twittomatic.toml"
    config.write_text(text)
    settings = load({}, {}, config)
    return X(url="http://x", prices=prices.of(settings.prices), limits=limits.of(settings.limits))


def test_a_price_of_the_file_is_what_a_request_reserves(tmp_path: Path) -> None:
    x = configured(
        tmp_path, "max_depth = 1\n[prices]\nas_of = 2026-11-01\nfollower = 0.02\npost = 0.0000001\n"
    )
    assert x.followers(User("1"), token=None, size=1000).most_cost == 20_000_000
    assert (
        x.timeline(User("1"), token=None, since_id=None, size=100).most_cost == 100
    )  # a part of a micro-dollar is one
    assert x.users_by_id([User("1")]).most_cost == 10_000
    assert x.users_by_name(["a"]).most_cost == 10_000
    assert x.prices.as_of == "2026-11-01"


def test_a_limit_of_the_file_is_the_first_guess(tmp_path: Path) -> None:
    x = configured(tmp_path, "[limits]\nfollowers = 15\n")
    assert x.limit("followers").requests == 15
    assert x.limit("timeline") == limits.APP["timeline"]


def test_without_tables_it_is_x_s_list_with_its_date(tmp_path: Path) -> None:
    x = configured(tmp_path, "")
    assert x.prices == LISTED
    assert date.fromisoformat(x.prices.as_of) <= date.fromisoformat(AS_OF)
    assert x.limit("followers") == limits.APP["followers"]


@pytest.mark.parametrize("value", NO_PRICES)
def test_a_price_that_is_none_is_refused(value: object) -> None:
    with pytest.raises(SettingsError, match=r"^\[prices\] post: .* give dollars"):
        prices.of({**DAY, "post": value})


@pytest.mark.parametrize("value", NO_LIMITS)
def test_a_limit_that_is_none_is_refused(value: object) -> None:
    with pytest.raises(SettingsError, match=r"^\[limits\] users: .* give the requests"):
        limits.of({"users": value})


@pytest.mark.parametrize("table", [{"post": 0.01}, {"as_of": "lately"}, {"as_of": 3, "post": 0.01}])
def test_prices_need_their_day(table: dict[str, object]) -> None:
    with pytest.raises(SettingsError, match="as_of"):
        prices.of(table)


def test_unknown_names_are_refused_with_those_that_there_are() -> None:
    with pytest.raises(SettingsError, match="post, user, follower"):
        prices.of({**DAY, "like": 0.01})
    with pytest.raises(SettingsError, match="followers"):
        limits.of({"likes": 3})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("prices = 3", "prices: give a table"),
        ("[prices]\npost = [1]", r"[prices] post: give a number"),
        ("[limits.users]\na = 1", r"[limits] users: give a number"),
        ("[price]\npost = 1", "price: no such setting"),
    ],
)
def test_a_table_that_is_none_is_refused(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(SettingsError, match=re.escape(said)):
        configured(tmp_path, text)
