"""Fetch pages: permits, money, credentials and retries of each request."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC

import msgspec

from twittomatic.clock import Clock, steady_s, utc
from twittomatic.errors import (
    BudgetExhausted,
    CredentialRejected,
    Interrupted,
    NetworkError,
    NoCredentialLeft,
    RateLimited,
    RepeatedPayload,
    RequestRefused,
    UnexpectedPayload,
    UpstreamUnavailable,
)
from twittomatic.faultpoint import reach
from twittomatic.fetch.credentials import Credentials
from twittomatic.fetch.redact import sentence
from twittomatic.fetch.retries import (
    SAME_AT_ALL,
    SAME_AT_ONCE,
    TRIES,
    Repetitions,
    backoff_s,
    closed_for_s,
    retry_after_s,
)
from twittomatic.fetch.transport import Transport
from twittomatic.fetch.usertokens import UserToken
from twittomatic.model import dollars
from twittomatic.networks.base import Limit, Network, Page, Request, Response
from twittomatic.state.account import Account
from twittomatic.state.jobs import Lease
from twittomatic.state.permits import Delivery, NoCredential, OverBudget, Permit, RetryAfter

_log = logging.getLogger(__name__)
_MOST_NAMED = 20  # records in one line of the log


class Fetched(msgspec.Struct, frozen=True, kw_only=True):
    """A fetched page whose cost is not settled yet.

    Attributes:
        page: The decoded page.
        size: Number of resources requested, which may be fewer than wanted when the budget is nearly used up.
        cost: Cost in micro-dollars.
        settle: Settles the cost; to be started together with the commit of the page.
    """

    page: Page
    size: int
    cost: int
    settle: Callable[[], asyncio.Future[None]]


class _RenewedError(Exception):
    """The credential was renewed; the request is sent again with a new permit."""


class Fetcher:
    """Fetch pages for all jobs of a process.

    Args:
        network: Decodes the answers.
        transport: The open transport.
        credentials: The process's credentials.
        account: Rate-limit windows and ledger of the network's account.
        crawl: Name of the crawl, for the ledger.
        clock: The clock.
        halt: Set while no request may be started; waiting for a window then ends.
        lease_s: LEASE_S: a lease that was renewed longer ago may be lost, so its job sends no request before
            a heartbeat renews it; a permit of that age is returned unused.

    Attributes:
        waiting: Called with the window and the seconds when a request has to wait for it; None for nobody.
    """

    def __init__(
        self,
        *,
        network: Network,
        transport: Transport,
        credentials: Credentials,
        account: Account,
        crawl: str,
        clock: Clock,
        halt: asyncio.Event,
        lease_s: float,
    ) -> None:
        self._network = network
        self._transport = transport
        self._credentials = {credential.name: credential for credential in credentials}
        for credential in credentials:
            network.authorization(credential.token)  # raises for a token that no header can hold
        self._account = account
        self._crawl = crawl
        self._clock = clock
        self._halt = halt
        self._lease_s = lease_s
        self._repetitions = Repetitions()
        self.waiting: Callable[[str, float], None] | None = None

    async def page(
        self,
        ask: Callable[[int], Request],
        size: int,
        *,
        purpose: str,
        least: int = 1,
        permit: Permit | None = None,
        lease: Lease | None = None,
    ) -> Fetched:
        """Fetch a page; wait for rate-limit windows and retry transient failures.

        Args:
            ask: Builds the request for a number of resources.
            size: Number of resources wanted.
            purpose: What the cost is booked under in the ledger, such as the module.
            least: The smallest number that the network can be asked for.
            permit: The permit that `ahead` returned for this page, if any.
            lease: The lease of the job that requests the page; None for a request of no job.

        Raises:
            Interrupted: `halt` was set while waiting.
            BudgetExhausted: the budget does not cover `least` resources.
            NoCredentialLeft: there is no credential, or all are rejected.
            NetworkError: the network refused the request; see `twittomatic.errors`.
        """
        tries, renewed, wanted = 0, False, ask(size)
        while True:
            granted = permit or await self._permit(wanted, size, least, purpose)
            permit = None
            reach("permit.granted")
            if lease and lease.age_s > self._lease_s:  # this process was frozen, or the server was away
                await self.give_up(granted)
                await self._unless_halted(lease.heartbeat())
                continue
            if steady_s() - granted.granted_at > self._lease_s:
                await self.give_up(granted)
                continue
            try:
                return await self._attempt(ask(granted.resources), granted, wanted=wanted, renewed=renewed)
            except RateLimited:
                continue
            except _RenewedError:
                renewed = True
            except CredentialRejected as error:
                await self._account.reject(granted.credential, str(error))
            except UpstreamUnavailable as error:
                tries += 1
                if tries >= TRIES or error.repeated >= SAME_AT_ONCE:
                    raise
                await self._wait(backoff_s(tries, error.retry_after_s))

    async def ahead(
        self, ask: Callable[[int], Request], size: int, *, purpose: str, least: int = 1
    ) -> Permit | None:
        """Acquire the permit for the next page during the commit of this one, in the same round trip.

        This never waits; after None, `page` does. A permit that is not used has to be passed to `give_up`.
        """
        decision = await self._acquire(ask(size), size, least, purpose)
        return decision if isinstance(decision, Permit) else None

    async def give_up(self, permit: Permit) -> None:
        """Return an unused permit and release its money."""
        await self._account.settle(permit, 0)

    async def check(self) -> str:
        """Try every credential with a free request and retire those that are rejected.

        The crawl does not depend on this request: if it fails for another reason, the first page shows
        whether the credentials are valid.

        Returns:
            Why credentials could not be tried; empty if all were.

        Raises:
            Interrupted: `halt` was set while waiting.
            UpstreamUnavailable: the network cannot be reached.
            NoCredentialLeft: there is no credential, or all are rejected.
            CrawlMustPause: the network does not serve the account.
        """
        accepted, untried = 0, ""
        for name, credential in self._credentials.items():
            limit = self._network.limit(self._network.probe().endpoint, credential.kind)
            if limit is None:  # this kind cannot use the endpoint; the first page shows
                accepted += 1
                continue
            try:
                accepted += await self._is_accepted(name, limit, tries=1 if untried else TRIES)
            except (UpstreamUnavailable, RequestRefused) as error:
                if isinstance(error, UpstreamUnavailable) and not error.answered:
                    raise
                accepted, untried = accepted + 1, str(error)
        if not accepted:
            raise NoCredentialLeft(await self._why_nobody())
        return untried

    async def _is_accepted(self, name: str, limit: Limit, *, tries: int) -> bool:
        """Try one credential; retry transient failures."""
        request, failures = self._network.probe(), 0
        while True:
            if self._halt.is_set():
                raise Interrupted("The crawl is paused, or this process is leaving.")
            permit = await self._account.acquire(request.bucket, {name: limit}, price=0, wanted=1)
            if not isinstance(permit, Permit):
                return isinstance(permit, RetryAfter)  # the window is used up: it was accepted before
            try:
                fetched = await self._attempt(request, permit)
                await fetched.settle()
                return True
            except RateLimited:
                return True
            except CredentialRejected as error:
                await self._account.reject(name, str(error))
                return False
            except UpstreamUnavailable as error:
                failures += 1
                if failures >= tries:
                    raise
                await self._wait(backoff_s(failures, error.retry_after_s))

    async def _permit(self, request: Request, size: int, least: int, purpose: str) -> Permit:
        while True:
            if self._halt.is_set():
                raise Interrupted("The crawl is paused, or this process is leaving.")
            match await self._acquire(request, size, least, purpose):
                case Permit() as permit:
                    return permit
                case RetryAfter(seconds=seconds):
                    if self.waiting:
                        self.waiting(request.bucket, seconds)
                    await self._wait(seconds)
                case OverBudget(left=left):
                    raise BudgetExhausted(
                        f"BUDGET_USD is used up: {dollars(max(left, 0))} is left, "
                        f"and the next request can cost {dollars(_price(request, size) * min(least, size))}; "
                        "raise it to continue."
                    )
                case NoCredential():
                    raise NoCredentialLeft(await self._why_nobody())

    async def _acquire(
        self, request: Request, size: int, least: int, purpose: str
    ) -> Permit | RetryAfter | OverBudget | NoCredential:
        asking = asyncio.ensure_future(
            self._account.acquire(
                request.bucket,
                self._limits(request.endpoint),
                price=_price(request, size),
                wanted=size,
                least=min(least, size),
                fields=(f"crawl:{self._crawl}", f"module:{self._crawl}:{purpose}", f"day:{self._day()}"),
            )
        )
        try:
            return await asyncio.shield(asking)
        except asyncio.CancelledError:  # the permit may have been granted nevertheless
            if isinstance(decision := await asking, Permit):
                await self.give_up(decision)
            raise

    async def _attempt(
        self, request: Request, permit: Permit, *, wanted: Request | None = None, renewed: bool = False
    ) -> Fetched:
        """Send a request once, and settle its cost if it fails.

        Args:
            request: The request, no larger than the permit allows.
            permit: Its permit.
            wanted: The request for all resources wanted, which identifies it when repeated answers are
                counted; None to count none.
            renewed: Whether the credential has already been renewed for this request.
        """
        response: Response | None = None
        credential, token, is_sent = self._credentials[permit.credential], "", False
        try:
            if isinstance(credential, UserToken) and credential.is_due(self._clock.now()):
                await self._renew(credential, credential.token)
            token, is_sent = credential.token, True
            response = await self._transport.send(
                request.host or self._network.url, request, self._network.authorization(token)
            )
            page = self._network.decode(request, response)
        except NetworkError as error:
            error.args = (sentence(self._network, request, response, error, self._secrets),)
            if isinstance(error, UpstreamUnavailable):
                error.retry_after_s = retry_after_s(response, self._clock.now())
            if isinstance(error, RateLimited):
                await self._refuse(permit, error, response)
            else:
                await self._settle(permit, _cost(request, error), response)
            if isinstance(error, UnexpectedPayload) and response and wanted:
                error.repeated = self._repetitions.count(wanted, response)
                if error.repeated >= SAME_AT_ALL:
                    self._repetitions.forget(wanted)
                    raise RepeatedPayload(
                        f"{error} The same {len(response.body):,} bytes came {error.repeated} times."
                    ) from None
            if _has_expired(error, response) and isinstance(credential, UserToken) and not renewed:
                await self._renew(credential, token)
                raise _RenewedError from None
            raise
        except BaseException:  # the cost of a request that was sent is unknown
            await self._account.settle(permit, None if is_sent else 0)
            raise
        if wanted:
            self._repetitions.forget(wanted)
        if page.unreadable:
            named = ", ".join(page.unreadable[:_MOST_NAMED])
            more = len(page.unreadable) - _MOST_NAMED
            _log.warning(
                "set records aside that cannot be read",
                extra={"reason": f"{request.path}: {named}{f' and {more} more' if more > 0 else ''}"},
            )
        cost = page.billed * request.unit_price
        delivery = Delivery(
            day=self._day(), resource=request.resource, ids=page.ids, unit_price=request.unit_price
        )
        return Fetched(
            page=page,
            size=permit.resources,
            cost=cost,
            settle=lambda: asyncio.ensure_future(self._settle(permit, cost, response, delivery)),
        )

    async def _refuse(self, permit: Permit, error: RateLimited, response: Response | None) -> None:
        """Record a 429 first, so that no other request runs into it; its `remaining` header is ignored."""
        await self._account.exhaust(
            permit,
            error.reset_at.timestamp() if error.reset_at else None,
            closed_for_s(response, self._clock.now()),
            date=error.date,
            age_s=_age(response),
        )
        await self._account.settle(permit, 0)

    async def _renew(self, credential: UserToken, token: str) -> None:
        await credential.renew(
            token, self._network, lambda form: self._transport.post(self._network.url, form), self._clock.now
        )

    def _limits(self, endpoint: str) -> dict[str, Limit]:
        """Return the documented limit of each credential that may use an endpoint."""
        limits = {
            name: self._network.limit(endpoint, credential.kind)
            for name, credential in self._credentials.items()
        }
        return {name: limit for name, limit in limits.items() if limit is not None}

    @property
    def _secrets(self) -> list[str]:
        return [secret for credential in self._credentials.values() for secret in credential.secrets]

    async def _settle(
        self,
        permit: Permit,
        cost: int | None,
        response: Response | None,
        delivery: Delivery | None = None,
    ) -> None:
        window = self._network.window(response) if response else None
        await self._account.settle(permit, cost, window, delivery, age_s=_age(response))

    def _day(self) -> str:
        return utc(self._clock.now()).astimezone(UTC).date().isoformat()

    async def _wait(self, seconds: float) -> None:
        """Wait for some seconds, or until `halt` is set."""
        await self._unless_halted(self._clock.sleep(seconds))

    async def _unless_halted(self, event: Awaitable[object]) -> None:
        """Wait for an event, or until `halt` is set."""
        waiting = [asyncio.ensure_future(event), asyncio.ensure_future(self._halt.wait())]
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waiting:
                task.cancel()
            with suppress(asyncio.CancelledError):
                await asyncio.gather(*waiting, return_exceptions=True)

    async def _why_nobody(self) -> str:
        if not self._credentials:
            tokens = self._network.tokens
            advice = f"; set {tokens.app}" if tokens else ""
            return f"No credential for {self._network.title} was given{advice}."
        reasons = await self._account.rejected()
        known = "; ".join(f"{name}: {reasons[name]}" for name in self._credentials if name in reasons)
        return f"No credential is left. {known}"


def _cost(request: Request, error: NetworkError) -> int | None:
    """Return the maximum cost of a failed request; None for its whole reservation."""
    if not isinstance(error, UpstreamUnavailable):
        return 0
    return None if error.most_billed is None else error.most_billed * request.unit_price


def _has_expired(error: NetworkError, response: Response | None) -> bool:
    """Return whether an answer means that the access token has expired."""
    return isinstance(error, CredentialRejected) and response is not None and response.status == 401


def _age(response: Response | None) -> float:
    """Return the seconds since the headers of a response arrived."""
    if response is None or response.arrived_at is None:
        return 0.0
    return max(0.0, steady_s() - response.arrived_at)


def _price(request: Request, size: int) -> int:
    """Return the maximum cost of one of the wanted resources, including expanded objects."""
    return -(-request.most_cost // size)
