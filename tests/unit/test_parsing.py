"""What the text of a setting may be."""

import os
import pwd
from pathlib import Path

import pytest

from twittomatic import parsing


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("never", None), ("0s", 0.0), ("90s", 90.0), ("15m", 900.0), ("12h", 43_200.0), ("30d", 2_592_000.0)],
)
def test_an_age(text: str, seconds: float | None) -> None:
    age = parsing.age(text)
    assert (age and age.total_seconds()) == (seconds or age)


@pytest.mark.parametrize("text", ["", "30", "-1d", "1.5h", "1 d", "1D", "1y", "9999999999s", "Never", "१d"])
def test_what_is_no_age(text: str) -> None:
    with pytest.raises(ValueError, match="never, or a whole number and its unit"):
        parsing.age(text)


@pytest.mark.parametrize(
    "text",
    [
        "https://api.x.com",
        "http://127.0.0.1:8089",
        "http://[::1]:80",
        "http://[fe80::1%eth0]:9",
        "http://a_b:1/c",
    ],
)
def test_an_address(text: str) -> None:
    assert parsing.url("http", "https", password=True)(text + "/") == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "api.x.com",
        "ftp://a",
        "http:///a",
        "http://a:0",
        "http://a:99999",
        "https://ap\ti.x.com",
        " https://api.x.com",
        "https://api.x.com\\@127.0.0.1",
        "http://user:12/half-of-a-password@host:9200",
        "http://user:12#half-of-a-password@host:9200",
        "http://user:12?half-of-a-password@host:9200",
        "https://api%2ex.com",
        "https://api\u3002x.com",
        "https://\uff41pi.x.com",
    ],
)
def test_an_address_that_could_be_read_in_two_ways_is_none(text: str) -> None:
    with pytest.raises(ValueError, match="http://HOST or https://HOST"):
        parsing.url("http", "https", password=True)(text)


@pytest.mark.parametrize(
    ("text", "micros"), [("", None), ("none", None), ("25", 25_000_000), ("0.005", 5_000), ("0.29", 290_000)]
)
def test_a_budget(text: str, micros: int | None) -> None:
    usd = parsing.budget(text)
    assert (None if usd is None else parsing.micros(usd)) == micros


@pytest.mark.parametrize("text", ["0", "-1", "1e400", "ten", "nan", "inf", "-inf", "1e10", "$5", "5,00"])
def test_what_is_no_budget(text: str) -> None:
    with pytest.raises(ValueError, match="dollars, more than 0"):
        parsing.budget(text)


@pytest.mark.parametrize("text", ["~nosuchuser/data", "~nosuchuser"])
def test_a_home_that_does_not_exist(text: str) -> None:
    for parse in (parsing.path, parsing.optional_path):
        with pytest.raises(ValueError, match="the home directory"):
            parse(text)
    with pytest.raises(ValueError, match="the home directory"):
        parsing.redis_url(f"unix://{text}/valkey.sock")


def test_a_home_of_a_user_unknown_to_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HOME")
    unknown = next(uid for uid in range(54_321, 65_000) if uid not in {one.pw_uid for one in pwd.getpwall()})
    monkeypatch.setattr(os, "getuid", lambda: unknown)
    with pytest.raises(ValueError, match="the home directory"):
        parsing.path("~/data")


def test_the_socket_of_a_redis_in_a_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert parsing.redis_url("unix://~/redis.sock?db=1") == f"unix://{tmp_path}/redis.sock?db=1"
    for text in ("unix:///run/redis.sock", "unix://:pw@/run/redis.sock?db=2"):
        assert parsing.redis_url(text) == text
    with pytest.raises(ValueError, match="unix:///PATH"):
        parsing.redis_url("unix://run/redis.sock")
