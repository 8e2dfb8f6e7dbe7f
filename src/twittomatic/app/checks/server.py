"""Check the state server, its replicas and its Sentinels."""

from __future__ import annotations

import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path

from twittomatic.app.checks.result import FAILED, OK, WARNING, CheckResult
from twittomatic.app.connect import START_PATIENCE_S
from twittomatic.errors import StateUnavailable, TwittomaticError
from twittomatic.settings import Settings
from twittomatic.state.admission import admit
from twittomatic.state.client import client, replication_at
from twittomatic.state.connection import Connection
from twittomatic.state.embedded.server import Role, embedded
from twittomatic.state.failover import ReplicationStatus

_SHORTEST_DOWN_AFTER_MS = 1_000
_FEWEST_SENTINELS = 3
_FEWEST_REPLICAS = 2


async def check_server(settings: Settings) -> CheckResult:
    """Check what a crawl checks when it starts; see `state.admission`."""
    try:
        if settings.redis_url:
            return await _server_at(settings, settings.redis_url, "at REDIS_URL")
        with tempfile.TemporaryDirectory() as directory:
            began = time.monotonic()
            async with embedded(Path(directory), Role.OWN) as url:
                took_ms = (time.monotonic() - began) * 1000
                return await _server_at(settings, url, f"embedded, ready in {took_ms:.0f} ms")
    except (TwittomaticError, OSError) as error:
        return CheckResult("State", FAILED, str(error))


async def _server_at(settings: Settings, url: str, where: str) -> CheckResult:
    connection = Connection(client(url, "doctor"), patience_s=START_PATIENCE_S)
    try:
        name = await admit(connection, allow_unchecked=settings.allow_unchecked_redis)
        if await connection.keeps_append_only_file() is False:
            return CheckResult(
                "State", WARNING, f"{name} has no append-only file; a crash loses its last seconds."
            )
        return CheckResult("State", OK, f"{name}, {where}.")
    finally:
        await connection.close()


async def check_replication(url: str) -> AsyncIterator[CheckResult]:
    """Check the replicas and Sentinels of a server."""
    try:
        for result in replica_checks(await replication_at(url, "doctor")):
            yield result
    except StateUnavailable as error:
        yield CheckResult("Replicas", WARNING, f"They could not be checked ({error}).")


def replica_checks(status: ReplicationStatus) -> list[CheckResult]:
    """Judge a server's replicas and Sentinels; nothing if it has none."""
    results = []
    if status.service or status.replicas:
        results.append(_replicas(status))
    if status.service:
        results.append(_sentinels(status))
    return results


def _replicas(status: ReplicationStatus) -> CheckResult:
    if not status.replicas:
        return CheckResult("Replicas", FAILED, "There is none, so no write counts as durable; start one.")
    if status.append_only is False:
        return CheckResult(
            "Replicas",
            FAILED,
            "If a master restarts without its data, its replicas are wiped too; set appendonly yes.",
        )
    if status.min_replicas == 0:
        return CheckResult(
            "Replicas",
            WARNING,
            "A master that is cut off keeps accepting writes, which are lost; set min-replicas-to-write 1.",
        )
    if status.service and status.replicas < _FEWEST_REPLICAS:
        return CheckResult(
            "Replicas",
            WARNING,
            "Only one replica: if it fails or is promoted, the crawl stalls until another joins.",
        )
    return CheckResult("Replicas", OK, f"{status.replicas}; a write counts once one of them has it.")


def _sentinels(status: ReplicationStatus) -> CheckResult:
    replies = [reply for _, reply in status.sentinels if reply]
    silent = [address for address, reply in status.sentinels if not reply]
    if silent:
        return CheckResult(
            "Sentinel", WARNING, f"{', '.join(silent)} has no answer about “{status.service}”."
        )
    if len({reply.master for reply in replies}) > 1:
        return CheckResult("Sentinel", WARNING, "They do not agree on the master; check again in a minute.")
    watching = min(int(reply.state["num-other-sentinels"]) + 1 for reply in replies)
    if watching < _FEWEST_SENTINELS:
        return CheckResult(
            "Sentinel",
            WARNING,
            f"{watching} watch “{status.service}”; with fewer than three a failover can fail.",
        )
    down_after_ms = min(int(reply.state["down-after-milliseconds"]) for reply in replies)
    if down_after_ms < _SHORTEST_DOWN_AFTER_MS:
        return CheckResult(
            "Sentinel",
            WARNING,
            f"down-after-milliseconds is {down_after_ms}; below 1,000 a busy master is replaced needlessly.",
        )
    return CheckResult(
        "Sentinel", OK, f"{watching} watch “{status.service}”, and fail over after {down_after_ms} ms."
    )
