"""REDIS_URL as a client, without a server."""

from typing import Any

import pytest
from redis.asyncio import Connection, SSLConnection, UnixDomainSocketConnection
from redis.asyncio.sentinel import SentinelConnectionPool

from twittomatic.errors import SettingsError
from twittomatic.state.client import client


def options(url: str) -> dict[str, Any]:
    return dict(client(url, "me").connection_pool.connection_kwargs)


def sentinels(url: str) -> list[tuple[str, int]]:
    pool = client(url, "me").connection_pool
    assert isinstance(pool, SentinelConnectionPool)
    return list(pool.sentinel_manager.addresses)


def test_a_server() -> None:
    found = options("redis://somewhere:7000/3")
    assert (found["host"], found["port"], found["db"]) == ("somewhere", 7000, 3)
    assert client("redis://somewhere", "me").connection_pool.connection_class is Connection


def test_a_server_over_tls() -> None:
    assert client("rediss://somewhere", "me").connection_pool.connection_class is SSLConnection


def test_a_socket() -> None:
    pool = client("unix:///a%20b/valkey.sock", "me").connection_pool
    assert pool.connection_class is UnixDomainSocketConnection
    assert pool.connection_kwargs["path"] == "/a b/valkey.sock"


@pytest.mark.parametrize("url", ["redis://h:1", "unix:///s", "redis+sentinel://h:1/main"])
def test_every_client_has_a_name_and_an_end_of_patience(url: str) -> None:
    found = options(url)
    assert found["client_name"] == "me"
    assert found["decode_responses"] is True
    assert found["socket_connect_timeout"] < 10
    assert 1 < found["socket_timeout"] < 60  # longer than a lease blocks


def test_credentials_are_unquoted() -> None:
    found = options("redis://user:p%40ss%2Fword@h:1")
    assert (found["username"], found["password"]) == ("user", "p@ss/word")


def test_a_service_behind_sentinels() -> None:
    url = "redis+sentinel://a:26379,b:26380/main/2"
    pool = client(url, "me").connection_pool
    assert isinstance(pool, SentinelConnectionPool)
    assert pool.service_name == "main"
    assert pool.is_master
    assert pool.connection_kwargs["db"] == 2
    assert sentinels(url) == [("a", 26379), ("b", 26380)]
    assert sentinels("redis+sentinel://[::1]:26379/main") == [("::1", 26379)]
    assert options("redis+sentinel://a:26379/main")["db"] == 0


def test_credentials_of_a_service_are_its_sentinels_as_well() -> None:
    url = "redis+sentinel://user:p%40ss@a:1/main"
    pool = client(url, "me").connection_pool
    assert isinstance(pool, SentinelConnectionPool)
    for found in (pool.connection_kwargs, pool.sentinel_manager.options):
        assert (found["username"], found["password"]) == ("user", "p@ss")


def test_a_password_alone() -> None:
    found = options("redis+sentinel://:secret@a:1/main")
    assert found["password"] == "secret"
    assert found.get("username") is None


@pytest.mark.parametrize(
    "url",
    [
        "http://h",
        "redis://h:port",
        "redis://:hunter2/x@h:1",
        "redis+sentinel://h/main",
        "redis+sentinel://h:x/main",
        "redis+sentinel://h:1/main/x",
        "redis+sentinel://user:hunter2/x@h:1/main",
        "redis+sentinel://",
        "",
        "redis://h/name",
        "redis://h/1/2",
        "rediss://h/-1",
        "redis://h?db=x",
        "redis://h?nonsense=1",
        "redis://h?decode_responses=0",
        "redis://h?client_name=other",
        "unix:///s?db=name",
    ],
)
def test_what_cannot_be_read_is_refused_and_not_shown(url: str) -> None:
    with pytest.raises(SettingsError, match="REDIS_URL cannot be read") as caught:
        client(url, "me")
    assert "hunter2" not in str(caught.value)
    assert caught.value.__suppress_context__
