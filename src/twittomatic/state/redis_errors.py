"""Translate the errors of the state server into one sentence for the user."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from redis.exceptions import (
    AskError,
    AuthenticationError,
    AuthenticationWrongNumberOfArgsError,
    AuthorizationError,
    ClusterCrossSlotError,
    ClusterDownError,
    ClusterError,
    InvalidResponse,
    MasterDownError,
    MovedError,
    NoPermissionError,
    OutOfMemoryError,
    RedisError,
    ResponseError,
)

from twittomatic.errors import SettingsError, StateError, StateLost, StateUnavailable, TwittomaticError
from twittomatic.model import NO_JSON

CLUSTER = (
    "REDIS_URL names a node of a Redis Cluster, which Twittomatic cannot use; "
    "give a single server, or one behind Sentinel."
)
NO_REDIS = (
    "REDIS_URL: what listens there does not speak the Redis protocol; "
    "check host and port, and whether it needs rediss:// or redis://."
)
FULL = (
    "Redis is full: it has reached its maxmemory and accepts no more writes; "
    "raise maxmemory, then give the same command again."
)
_CREDENTIALS = (AuthenticationError, AuthenticationWrongNumberOfArgsError, AuthorizationError)
_CLUSTER = (MovedError, AskError, ClusterCrossSlotError, ClusterDownError, ClusterError)
_NO_DATABASE = ("db index is out of range", "invalid db index", "select is not allowed")
_STRANGE_GREETING = ("Error setting client name", "Invalid RESP version", "Invalid Database")
_NUMBER = re.compile(r"value is not (an integer|a valid float|a float)|out of range$")
_QUOTED = re.compile(r"'([^']+)'")


def refusal(error: BaseException) -> TwittomaticError:
    """Return the error to raise for an error of the server, or of whatever answers in its place.

    Args:
        error: As redis-py raises it. While connecting, it wraps some errors in a ConnectionError.
    """
    for one in (error, error.__cause__):
        if isinstance(one, RedisError) and (known := _known(one)):
            return known
    if isinstance(error, RedisError):
        return StateError(f"Redis refused a command: {str(error).rstrip('.')}.")
    return StateError(f"Redis answered something unexpected: {error!r}.")


def gone(what: str) -> StateLost:
    """Return the error for something on the server that another program deleted.

    Args:
        what: Such as `the ledger of x`.
    """
    return StateLost(
        f"Redis has lost {what}: it was evicted, flushed or deleted. Nothing more is bought; "
        "`twittomatic restore` with the same settings brings back what can be, "
        "then give the same command again."
    )


def changed(what: str) -> StateError:
    """Return the error for something on the server that another program changed.

    Args:
        what: Such as `crawl x`, or what the server replied.
    """
    return StateError(
        f"Redis holds something that Twittomatic did not write ({what}). Nothing more is bought; bring back "
        "the server's data from a backup, or remove its keys that begin with tw: and run "
        "`twittomatic restore` with the same settings, then give the same command again."
    )


@contextmanager
def decoding(what: str) -> Iterator[None]:
    """Raise `changed` for whatever cannot be decoded in the block."""
    try:
        yield
    except (*NO_JSON, ArithmeticError, LookupError, TypeError, ValueError) as error:
        if isinstance(error, TwittomaticError):
            raise
        raise changed(what) from error


def is_permanent(error: BaseException) -> bool:
    """Return whether trying again cannot help a failure to connect."""
    return any(
        isinstance(one, (*_CREDENTIALS, InvalidResponse)) or str(one).startswith(_STRANGE_GREETING)
        for one in (error, error.__cause__)
        if isinstance(one, RedisError)
    )


def _known(error: RedisError) -> TwittomaticError | None:
    reply = str(error)
    if isinstance(error, OutOfMemoryError):
        return StateUnavailable(FULL)
    if isinstance(error, _CREDENTIALS):
        return SettingsError(f"Redis does not accept the credentials of REDIS_URL ({reply.rstrip('.')}).")
    if isinstance(error, NoPermissionError):
        return SettingsError(_forbidden(reply))
    if isinstance(error, _CLUSTER) and not isinstance(error, MasterDownError):
        return SettingsError(CLUSTER)
    if isinstance(error, InvalidResponse) or reply.startswith(_STRANGE_GREETING):
        return SettingsError(NO_REDIS)
    if isinstance(error, ResponseError):
        if "NOGROUP" in reply:
            return gone("a stream of jobs")
        if reply.lower().startswith(_NO_DATABASE):
            return SettingsError(
                "REDIS_URL names a database that the server does not have; "
                "give one that it has, such as /0, or raise `databases` in its configuration."
            )
        if reply.startswith("WRONGTYPE"):
            return changed("a key has another type")
        if "user_script" in reply or _NUMBER.search(reply):
            return changed(reply.partition(" script: ")[0].rstrip("."))
        if "unknown command" in reply.lower() or "unknown subcommand" in reply.lower():
            return SettingsError(
                f"Redis does not know a command that is needed ({reply.split(',')[0]}); "
                "Redis 7.0 or Valkey 8.0 is needed, with no command renamed."
            )
    return None


def _forbidden(reply: str) -> str:
    """Name the command or keys that an ACL forbids."""
    what = match[1].upper().replace("|", " ") if (match := _QUOTED.search(reply)) else ""
    if what:
        return f"REDIS_URL: its user may not use the command {what}; allow it in the server's ACL."
    if "access a key" in reply:
        return "REDIS_URL: its user may not use keys that begin with tw:; allow ~tw:* in the server's ACL."
    return f"REDIS_URL: its user may not do what is needed ({reply}); allow it in the server's ACL."
