"""What `doctor` checks: Python, the state server and its replicas, files, budget, API, credentials, clock."""

from __future__ import annotations

import asyncio
import os
import platform
import shutil
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import NamedTuple

from twittomatic.app import build, runtime
from twittomatic.errors import (
    CredentialRejected,
    NetworkError,
    RateLimited,
    SettingsError,
    StateUnavailable,
    TwittomaticError,
    UpstreamUnavailable,
)
from twittomatic.fetch.credentials import Credential
from twittomatic.fetch.redact import sentence
from twittomatic.fetch.transport import Transport
from twittomatic.fetch.usertokens import UserToken
from twittomatic.model import dollars
from twittomatic.networks import registry
from twittomatic.networks.base import Network, Response
from twittomatic.parsing import without_password
from twittomatic.settings import Settings
from twittomatic.state.admission import admit
from twittomatic.state.client import client, replication_at
from twittomatic.state.connection import Connection
from twittomatic.state.embedded.server import Role, embedded
from twittomatic.state.failover import ReplicationStatus

OK, WARNING, FAILED = "ok", "warning", "FAILED"
_OLDEST_PYTHON = (3, 11)
_LITTLE_DISK = 1 << 30
_CLOCK_WARN_S, _CLOCK_FAIL_S = 2.0, 60.0
_SHORTEST_DOWN_AFTER_MS = 1_000
_FEWEST_SENTINELS = 3
_FEWEST_REPLICAS = 2


class CheckResult(NamedTuple):
    """The result of one check: its subject, its verdict, and one sentence."""

    what: str
    verdict: str
    sentence: str


async def checks(settings: Settings) -> AsyncIterator[CheckResult]:
    """Run every check, and yield each result as soon as it is known. Nothing is bought."""
    yield _python()
    state = await _server(settings)
    yield state
    if settings.redis_url and state.verdict != FAILED:
        async for result in _replication(settings.redis_url):
            yield result
    yield await asyncio.to_thread(_files, settings)
    yield await asyncio.to_thread(_disk, settings)
    yield _budget(settings)
    yield _prices(settings)
    yield _limits(settings)
    async for result in _api(settings):
        yield result


def _prices(settings: Settings) -> CheckResult:
    network = registry.network_class(settings.network)
    try:
        prices = network.price_list(settings.prices)
    except SettingsError as error:
        return CheckResult("Prices", FAILED, str(error))
    if prices.is_free:
        return CheckResult("Prices", OK, f"{network.title} charges nothing.")
    return CheckResult(
        "Prices",
        OK,
        f"{dollars(prices.post)} a post, {dollars(prices.user)} a user, {dollars(prices.follower)} a "
        f"follower as of {prices.as_of} ({prices.source}).",
    )


def _limits(settings: Settings) -> CheckResult:
    try:
        limits = registry.network_class(settings.network).limit_list(settings.limits)
    except SettingsError as error:
        return CheckResult("Limits", FAILED, str(error))
    if not settings.limits:
        return CheckResult("Limits", OK, f"As documented on {limits.as_of} ({limits.source}).")
    followers = next(iter(limits.by_kind.values()))["followers"].requests
    return CheckResult(
        "Limits", OK, f"[limits] of the configuration file: {followers:,} pages of followers a window."
    )


def _python() -> CheckResult:
    version = platform.python_version()
    if sys.version_info < _OLDEST_PYTHON:
        return CheckResult("Python", FAILED, f"{version} is too old; 3.11 or newer is needed.")
    return CheckResult("Python", OK, f"{version} on {platform.system()} {platform.machine()}.")


async def _server(settings: Settings) -> CheckResult:
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
    connection = Connection(client(url, "doctor"), patience_s=runtime.START_PATIENCE_S)
    try:
        name = await admit(connection, allow_unchecked=settings.allow_unchecked_redis)
        if await connection.keeps_append_only_file() is False:
            return CheckResult(
                "State", WARNING, f"{name} has no append-only file; a crash loses its last seconds."
            )
        return CheckResult("State", OK, f"{name}, {where}.")
    finally:
        await connection.close()


async def _replication(url: str) -> AsyncIterator[CheckResult]:
    try:
        for result in replica_checks(await replication_at(url, "doctor")):
            yield result
    except StateUnavailable as error:
        yield CheckResult("Replicas", WARNING, f"They could not be checked ({error}).")


def _files(settings: Settings) -> CheckResult:
    output, temporary = settings.output_directory, settings.temporary_directory
    layout = build.layout(settings)
    try:
        missing = _missing(temporary, layout.journals, output)
    except OSError as error:
        return CheckResult("Files", FAILED, f"The working directory cannot be used ({error.strerror}).")
    try:
        layout.prepare()
    except TwittomaticError as error:
        return CheckResult("Files", FAILED, str(error))
    finally:
        for path in missing:
            with suppress(OSError):
                path.rmdir()
    return CheckResult("Files", OK, f"{output} can be written, and {temporary} is on the same volume.")


def _missing(*directories: Path) -> list[Path]:
    """Return the directories that `prepare` would create, deepest first: the order to remove them in."""
    lineage = {path for given in directories for path in (given.absolute(), *given.absolute().parents)}
    return sorted((path for path in lineage if not os.path.lexists(path)), key=lambda path: -len(path.parts))


def _disk(settings: Settings) -> CheckResult:
    try:
        place = settings.output_directory.absolute()
        while not os.path.lexists(place):
            place = place.parent
        free = shutil.disk_usage(place).free
    except OSError as error:
        return CheckResult("Disk", WARNING, f"Free space cannot be determined ({error.strerror}).")
    if free < _LITTLE_DISK:
        return CheckResult(
            "Disk", WARNING, f"Only {free / 1e9:.1f} GB are free; a full disk stops the crawl."
        )
    return CheckResult("Disk", OK, f"{free / 1e9:.1f} GB are free.")


def _budget(settings: Settings) -> CheckResult:
    network = registry.network(settings, registry.AS_LISTED)
    if network.prices.is_free:
        return CheckResult("Budget", OK, f"None is needed; {network.title} charges nothing.")
    if settings.budget is not None:
        return CheckResult("Budget", OK, f"{dollars(settings.budget)}, a hard cap.")
    if network.needs_budget:
        return CheckResult(
            "Budget", WARNING, f"BUDGET_USD is not set; {network.title} itself is not crawled without."
        )
    return CheckResult("Budget", OK, f"None, and none is needed away from {network.title} itself.")


async def _api(settings: Settings) -> AsyncIterator[CheckResult]:
    network = registry.network(settings, registry.AS_LISTED)  # nothing is bought
    credentials: list[Credential | UserToken] = []
    unusable = ""
    try:
        credentials = list(build.credentials(settings))
    except SettingsError as error:
        unusable = str(error)
    try:
        proxies = build.proxies(settings)
    except SettingsError as error:
        yield CheckResult("Proxy", FAILED, str(error))
        return
    url = without_password(network.url)
    if proxy := proxies.for_url(network.url):
        yield CheckResult("Proxy", OK, f"{url} is reached through {proxy.name}.")
    async with Transport(timeout_s=min(settings.request_timeout_s, 20.0), proxies=proxies) as transport:
        try:
            asked_at = time.time()
            answer = await transport.send(network.url, network.probe(), {})
        except UpstreamUnavailable as error:
            yield CheckResult("API", FAILED, str(error))
            if not credentials:
                yield CheckResult("Token", FAILED, unusable)
            return
        yield CheckResult("API", OK, f"{url} answers in {(time.time() - asked_at) * 1000:.0f} ms.")
        yield _clock(answer, asked_at, time.time())
        if not credentials:
            yield CheckResult("Token", FAILED, unusable)
        if registry.network_class(settings.network).tokens is None:
            return
        for credential in credentials:
            if isinstance(credential, UserToken):  # the probe is for apps alone
                due = "is renewed at its first use" if credential.is_due(time.time()) else "is not expired"
                yield CheckResult(
                    "Token", OK, f"{credential.name} {due}, by its file; only a crawl shows more."
                )
                continue
            yield await _token(network, transport, credential)


async def _token(network: Network, transport: Transport, credential: Credential) -> CheckResult:
    name, request = credential.name, network.probe()
    try:
        answer = await transport.send(network.url, request, network.authorization(credential.token))
    except UpstreamUnavailable as error:
        return CheckResult("Token", WARNING, f"{name} could not be checked: {error}")
    try:
        network.decode(request, answer)
    except RateLimited:
        return CheckResult("Token", OK, f"{name} is accepted; its window is empty at the moment.")
    except NetworkError as error:
        reason = sentence(network, request, answer, error, credential.secrets)
        reason = reason.replace(credential.token, "***")  # however short: the answer is to this token alone
        if isinstance(error, CredentialRejected):
            return CheckResult("Token", FAILED, f"{name}: {reason}")
        return CheckResult("Token", WARNING, f"{name} could not be checked: {reason}")
    return CheckResult("Token", OK, f"{name} is accepted.")


def _clock(answer: Response, before: float, after: float) -> CheckResult:
    try:
        theirs = parsedate_to_datetime(answer.headers["date"]).timestamp()
    except (KeyError, ValueError, TypeError):
        return CheckResult("Clock", WARNING, "The API does not send its time.")
    # Their time is in whole seconds, and was read between our two readings.
    off = max(0.0, before - (theirs + 1), theirs - after)
    if off > _CLOCK_FAIL_S:
        return CheckResult("Clock", FAILED, f"This clock is {off:.0f} s off the API's; set it.")
    if off > _CLOCK_WARN_S:
        return CheckResult("Clock", WARNING, f"This clock is {off:.1f} s off the API's.")
    return CheckResult("Clock", OK, "This clock agrees with the API's.")


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
