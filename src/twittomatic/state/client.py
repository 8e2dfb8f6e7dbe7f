"""Create the Redis client that REDIS_URL describes."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import SentinelConnectionPool
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from twittomatic.errors import SettingsError, StateUnavailable
from twittomatic.state.failover import ReplicationStatus, Sentinels, read_replication

_CONNECT_S = 2.0
_ANSWER_S = 15.0  # longer than any command of ours blocks, and a large server stops for its fork
_ANSWER_OR_FAIL_OVER_S = 4.0  # a machine that lost its power closes no connection; another one serves by then
_SENTINEL_S = 1.0
_DATABASE = re.compile(r"/?|/[0-9]+")
_OURS = {"decode_responses", "encoding", "encoding_errors", "client_name", "retry"}
_SCHEME = "redis+sentinel"


def client(url: str, name: str) -> Redis:
    """Return a client of the server at `url`, not yet connected; it decodes responses.

    It does not retry by itself: `Connection` does, and a client that repeated its attempts at an address
    would hold on to a dead one instead of asking Sentinel for the new one.

    Args:
        url: `redis://`, `rediss://`, `unix://` or `redis+sentinel://host:port,host:port/service[/db]`.
        name: Shown by `CLIENT LIST`, so that a master sees whose connection is gone.

    Raises:
        SettingsError: the URL cannot be read.
    """
    options: dict[str, Any] = {
        "decode_responses": True,
        "encoding_errors": "replace",  # whatever others wrote there, and of names of files: they stop nobody
        "client_name": name,
        "socket_connect_timeout": _CONNECT_S,
        "socket_timeout": _ANSWER_S,
        "retry": Retry(NoBackoff(), 0),
    }
    try:
        if url.startswith(f"{_SCHEME}://"):
            return _through_sentinel(url, options)
        _check_database(url)
        redis = Redis.from_url(url, **options)
        redis.connection_pool.make_connection()  # type: ignore[no-untyped-call]  # which refuses an option that no connection has
        return redis
    except (ValueError, TypeError):  # it quotes what may be a piece of a password
        raise SettingsError(
            "REDIS_URL cannot be read; give redis://HOST:PORT/DATABASE, rediss://, unix:///PATH or "
            "redis+sentinel://HOST:PORT,HOST:PORT/SERVICE, with %XX for special characters of a password."
        ) from None


def database_of(url: str) -> int:
    """Return the number of the database that a URL names.

    Raises:
        SettingsError: the URL cannot be read.
    """
    return int(client(url, "").connection_pool.connection_kwargs.get("db") or 0)


async def replication_at(url: str, name: str) -> ReplicationStatus:
    """Read the replicas and Sentinels of the server at `url`, through a client called `name`.

    Raises:
        StateUnavailable: the server does not answer.
    """
    redis = client(url, name)
    try:
        return await read_replication(redis)
    except (RedisError, OSError) as error:
        raise StateUnavailable(str(error)) from error
    finally:
        await redis.aclose()


def _check_database(url: str) -> None:
    """Refuse a path that is no number: the client would silently use database 0.

    Raises:
        ValueError: it is none, or an option is one on which this program counts.
    """
    parts = urlsplit(url)
    if parts.scheme != "unix" and not _DATABASE.fullmatch(parts.path):
        raise ValueError("the database is no number")
    if _OURS & parse_qs(parts.query).keys():
        raise ValueError("an option that is not free to choose")


def _through_sentinel(url: str, options: dict[str, Any]) -> Redis:
    place, _, path = url.removeprefix(f"{_SCHEME}://").partition("/")
    user, _, hosts = place.rpartition("@")
    service, _, database = path.partition("/")
    credentials: dict[str, Any] = {}
    if user:
        parts = urlsplit(f"redis://{user}@sentinel")
        credentials = {
            key: unquote(value)
            for key, value in (("username", parts.username), ("password", parts.password))
            if value
        }
    addresses = []
    for host in hosts.split(","):
        name, _, port = host.rpartition(":")
        addresses.append((name.strip("[]"), int(port)))
    patience = {"socket_connect_timeout": _SENTINEL_S, "socket_timeout": _SENTINEL_S}
    sentinels = Sentinels(
        addresses,
        {
            "decode_responses": True,
            "encoding_errors": "replace",
            "retry": options["retry"],
            **patience,
            **credentials,
        },
    )
    options["socket_timeout"] = _ANSWER_OR_FAIL_OVER_S
    pool = SentinelConnectionPool(  # type: ignore[no-untyped-call]
        service, sentinels, db=int(database or 0), **credentials, **options
    )
    return Redis.from_pool(pool)
