"""Check prices, limits, the budget, and what the network says to the credentials."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from email.utils import parsedate_to_datetime

from twittomatic.app import build
from twittomatic.app.checks.result import FAILED, OK, WARNING, CheckResult
from twittomatic.errors import (
    CredentialRejected,
    NetworkError,
    RateLimited,
    SettingsError,
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

_CLOCK_WARN_S, _CLOCK_FAIL_S = 2.0, 60.0


def check_prices(settings: Settings) -> CheckResult:
    """Check the prices of the configuration file."""
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


def check_limits(settings: Settings) -> CheckResult:
    """Check the limits of the configuration file."""
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


def check_budget(settings: Settings) -> CheckResult:
    """Check whether a budget is needed."""
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


async def check_api(settings: Settings) -> AsyncIterator[CheckResult]:
    """Check the proxy, the API, its clock, and each credential. Nothing is bought."""
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
