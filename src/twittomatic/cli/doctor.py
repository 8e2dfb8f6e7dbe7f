"""`doctor`: is everything in place that a crawl needs? Buys nothing."""

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

import click
from redis.exceptions import RedisError

from twittomatic.app import runtime
from twittomatic.app.runner import run_async
from twittomatic.cli import replicas
from twittomatic.cli.finding import FAILED, OK, WARNING, Finding
from twittomatic.cli.options import EVERYWHERE, settings_options
from twittomatic.errors import (
    CredentialRejected,
    NetworkError,
    RateLimited,
    SettingsError,
    TwittomaticError,
    UpstreamUnavailable,
)
from twittomatic.fetch.credentials import Credential, Credentials
from twittomatic.fetch.redact import sentence
from twittomatic.fetch.transport import Transport
from twittomatic.fetch.usertokens import UserToken
from twittomatic.model import dollars
from twittomatic.networks.base import Network, Response
from twittomatic.networks.x import X, limits
from twittomatic.networks.x.prices import Prices
from twittomatic.settings import Settings, is_x
from twittomatic.state.admission import admit
from twittomatic.state.client import client
from twittomatic.state.connection import Connection
from twittomatic.state.embedded.server import Role, embedded

_OLDEST_PYTHON = (3, 11)
_LITTLE_DISK = 1 << 30
_CLOCK_WARN_S, _CLOCK_FAIL_S = 2.0, 60.0


@click.command(short_help="Check that everything a crawl needs is in place; buys nothing.", epilog=EVERYWHERE)
@settings_options(
    "OUTPUT_DIRECTORY",
    "TEMPORARY_DIRECTORY",
    "REDIS_URL",
    "ALLOW_UNCHECKED_REDIS",
    "X_API_URL",
    "X_BEARER_TOKENS",
    "BUDGET_USD",
)
def doctor(settings: Settings) -> None:
    """Check that everything a crawl needs is in place: Python, state server, disk, API, tokens, clock.

    Nothing is bought. Exit code 1 when a check failed.
    """
    if run_async(_examine(settings)):
        sys.exit(1)


async def _examine(settings: Settings) -> int:
    failed = 0
    colours = {OK: "green", WARNING: "yellow", FAILED: "red"}
    async for finding in _findings(settings):
        failed += finding.verdict == FAILED
        verdict = click.style(f"{finding.verdict:<8}", fg=colours[finding.verdict])
        click.echo(f"{verdict} {finding.what:<8} {finding.sentence}")
    return failed


async def _findings(settings: Settings) -> AsyncIterator[Finding]:
    yield _python()
    state = await _server(settings)
    yield state
    if settings.redis_url and state.verdict != FAILED:
        async for finding in _replication(settings.redis_url):
            yield finding
    yield await asyncio.to_thread(_files, settings)
    yield await asyncio.to_thread(_disk, settings)
    yield _budget(settings)
    yield _prices(settings)
    yield _limits(settings)
    async for finding in _api(settings):
        yield finding


def _prices(settings: Settings) -> Finding:
    try:
        prices = Prices.of(settings.prices)
    except SettingsError as error:
        return Finding("Prices", FAILED, str(error))
    return Finding(
        "Prices",
        OK,
        f"{dollars(prices.post)} a post, {dollars(prices.user)} a user, {dollars(prices.follower)} a "
        f"follower as of {prices.as_of} ({prices.source}).",
    )


def _limits(settings: Settings) -> Finding:
    try:
        documented = limits.of(settings.limits)
    except SettingsError as error:
        return Finding("Limits", FAILED, str(error))
    if not settings.limits:
        return Finding("Limits", OK, f"As documented on {limits.AS_OF} ({limits.SOURCE}).")
    followers = documented["app"]["followers"].requests
    return Finding(
        "Limits", OK, f"[limits] of the configuration file: {followers:,} pages of followers a window."
    )


def _python() -> Finding:
    version = platform.python_version()
    if sys.version_info < _OLDEST_PYTHON:
        return Finding("Python", FAILED, f"{version} is too old; 3.11 or newer is needed.")
    return Finding("Python", OK, f"{version} on {platform.system()} {platform.machine()}.")


async def _server(settings: Settings) -> Finding:
    """Ask what a crawl asks when it starts; see `state.admission`."""
    try:
        if settings.redis_url:
            return await _server_at(settings, settings.redis_url, "at REDIS_URL")
        with tempfile.TemporaryDirectory() as directory:
            began = time.monotonic()
            async with embedded(Path(directory), Role.OWN) as url:
                took_ms = (time.monotonic() - began) * 1000
                return await _server_at(settings, url, f"embedded, ready in {took_ms:.0f} ms")
    except (TwittomaticError, OSError) as error:
        return Finding("State", FAILED, str(error))


async def _server_at(settings: Settings, url: str, where: str) -> Finding:
    connection = Connection(client(url, "doctor"), patience_s=runtime.START_PATIENCE_S)
    try:
        name = await admit(connection, allow_unchecked=settings.allow_unchecked_redis)
        with suppress(RedisError):  # a hosted server may not tell
            config = await connection.redis.config_get("appendonly")
            if config.get("appendonly") == "no":
                return Finding(
                    "State", WARNING, f"{name} has no append-only file; a crash of it loses the last seconds."
                )
        return Finding("State", OK, f"{name}, {where}.")
    finally:
        await connection.close()


async def _replication(url: str) -> AsyncIterator[Finding]:
    redis = client(url, "doctor")
    try:
        async for finding in replicas.findings(redis):
            yield finding
    except (RedisError, OSError) as error:
        yield Finding("Replicas", WARNING, f"They could not be looked at ({error}).")
    finally:
        await redis.aclose()


def _files(settings: Settings) -> Finding:
    output, temporary = settings.output_directory, settings.temporary_directory
    layout = runtime.layout(settings)
    try:
        missing = _missing(temporary, layout.journals, output)
    except OSError as error:
        return Finding("Files", FAILED, f"The working directory cannot be used ({error.strerror}).")
    try:
        layout.prepare()
    except TwittomaticError as error:
        return Finding("Files", FAILED, str(error))
    finally:
        for path in missing:
            with suppress(OSError):
                path.rmdir()
    return Finding("Files", OK, f"{output} can be written, and {temporary} is on the same volume.")


def _missing(*directories: Path) -> list[Path]:
    """Name what `prepare` would create, parents too, the deepest first: the order in which to remove it."""
    lineage = {path for given in directories for path in (given.absolute(), *given.absolute().parents)}
    return sorted((path for path in lineage if not os.path.lexists(path)), key=lambda path: -len(path.parts))


def _disk(settings: Settings) -> Finding:
    try:
        place = settings.output_directory.absolute()
        while not os.path.lexists(place):
            place = place.parent
        free = shutil.disk_usage(place).free
    except OSError as error:
        return Finding("Disk", WARNING, f"What is free on it cannot be told ({error.strerror}).")
    if free < _LITTLE_DISK:
        return Finding("Disk", WARNING, f"Only {free / 1e9:.1f} GB are free; a full disk stops the crawl.")
    return Finding("Disk", OK, f"{free / 1e9:.1f} GB are free.")


def _budget(settings: Settings) -> Finding:
    if settings.budget_usd is not None:
        return Finding("Budget", OK, f"{dollars(settings.budget_usd)}, a hard cap.")
    if is_x(settings.x_api_url):
        return Finding("Budget", WARNING, "BUDGET_USD is not set; X itself is not crawled without.")
    return Finding("Budget", OK, "None, and none is needed away from X itself.")


async def _api(settings: Settings) -> AsyncIterator[Finding]:
    network = X(url=settings.x_api_url)  # nothing is bought
    credentials: list[Credential | UserToken] = []
    unusable = "X_BEARER_TOKENS is not set; X accepts nobody without one."
    try:
        credentials = list(Credentials.load(settings.x_bearer_tokens, settings.x_user_tokens))
    except SettingsError as error:
        unusable = str(error)
    try:
        proxies = runtime.proxies(settings)
    except SettingsError as error:
        yield Finding("Proxy", FAILED, str(error))
        return
    if proxy := proxies.for_url(network.url):
        yield Finding("Proxy", OK, f"{network.url} is reached through {proxy.name}.")
    async with Transport(timeout_s=min(settings.request_timeout_s, 20.0), proxies=proxies) as transport:
        try:
            asked_at = time.time()
            answer = await transport.send(network.url, network.probe(), {})
        except UpstreamUnavailable as error:
            yield Finding("API", FAILED, str(error))
            if not credentials:
                yield Finding("Token", FAILED, unusable)
            return
        yield Finding("API", OK, f"{network.url} answers in {(time.time() - asked_at) * 1000:.0f} ms.")
        yield _clock(answer, asked_at, time.time())
        if not credentials:
            yield Finding("Token", FAILED, unusable)
        for credential in credentials:
            if isinstance(credential, UserToken):  # X tells users nothing for free
                due = "is renewed at its first use" if credential.is_due(time.time()) else "is not expired"
                yield Finding("Token", OK, f"{credential.name} {due}, by its file; only a crawl shows more.")
                continue
            yield await _token(network, transport, credential)


async def _token(network: Network, transport: Transport, credential: Credential) -> Finding:
    name, request = credential.name, network.probe()
    try:
        answer = await transport.send(network.url, request, network.authorization(credential.token))
    except UpstreamUnavailable as error:
        return Finding("Token", WARNING, f"{name} could not be checked: {error}")
    try:
        network.decode(request, answer)
    except RateLimited:
        return Finding("Token", OK, f"{name} is accepted; its window is empty at the moment.")
    except NetworkError as error:
        said = sentence(network, request, answer, error, credential.secrets)
        said = said.replace(credential.token, "***")  # however short: here it is one token's answer alone
        if isinstance(error, CredentialRejected):
            return Finding("Token", FAILED, f"{name}: {said}")
        return Finding("Token", WARNING, f"{name} could not be checked: {said}")
    return Finding("Token", OK, f"{name} is accepted.")


def _clock(answer: Response, before: float, after: float) -> Finding:
    try:
        theirs = parsedate_to_datetime(answer.headers["date"]).timestamp()
    except (KeyError, ValueError, TypeError):
        return Finding("Clock", WARNING, "The API does not tell its time.")
    # Their time is in whole seconds, and was read between our two.
    off = max(0.0, before - (theirs + 1), theirs - after)
    if off > _CLOCK_FAIL_S:
        return Finding("Clock", FAILED, f"This clock is {off:.0f} s off the API's; set it.")
    if off > _CLOCK_WARN_S:
        return Finding("Clock", WARNING, f"This clock is {off:.1f} s off the API's.")
    return Finding("Clock", OK, "This clock agrees with the API's.")
