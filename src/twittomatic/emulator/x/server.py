"""The server: one world behind X's endpoints, with X's rate limits, prices and errors."""

import asyncio
import calendar
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec
from aiohttp import web

from ..faults.base import Faults, NoFaults, RequestInfo
from ..world.base import World
from . import follows, lookups, parameters, timelines
from .billing import Bill
from .endpoints import ENDPOINTS, Endpoint
from .limits import Limits
from .oauth import Authority
from .pagination import TokenMaker
from .parameters import Query
from .problems import TOO_MANY_REQUESTS, UNAUTHORIZED, InvalidRequestError
from .rendering import Answer, Renderer
from .responses import json_response, problem_response

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_GRACE_S = 1.0
_PROJECT_CAP = 3_000_000  # posts per billing cycle: X docs, fundamentals/post-cap


class Emulator:
    """X's API v2 for one world.

    Args:
        world: The world to serve.
        tokens: The valid bearer tokens; None accepts any token.
        time_scale: The factor by which rate-limit windows are shorter than 15 minutes.
        clock: Returns unix seconds; determines windows and the billing day.
        faults: The faults to inject.
        limits: Requests per window by endpoint name, where they differ from X's.
        compress: Whether to use gzip for clients that accept it, as X does; off by default, because on
            loopback it only costs time.

    Raises:
        ValueError: The time scale or a limit is invalid.
    """

    def __init__(
        self,
        world: World,
        *,
        tokens: Collection[str] | None = None,
        time_scale: float = 1,
        clock: Callable[[], float] = time.time,
        faults: Faults | None = None,
        limits: Mapping[str, int] | None = None,
        compress: bool = False,
    ) -> None:
        self.world = world
        self.bill = Bill(clock)
        self._tokens = None if tokens is None else frozenset(tokens)
        self._clock = clock
        self._faults = faults or NoFaults()
        self._limits = Limits(clock, time_scale=time_scale, limits=limits)
        self.authority = Authority(clock, time_scale=time_scale)
        self._compress = compress
        self._renderer = Renderer(world)
        self._pages = TokenMaker()
        self._requests: Counter[str] = Counter()
        self._violations = 0
        self._served_pages: set[int] = set()
        self._repeated_pages = 0

    def application(self) -> web.Application:
        """Return a new aiohttp application that serves this emulator."""
        application = web.Application()
        application.router.add_get("/_emulator/report", self._report)
        application.router.add_post("/2/oauth2/token", self._renew)
        for endpoint in ENDPOINTS:
            application.router.add_get(endpoint.path, self._handler(endpoint), allow_head=False)
        application.router.add_route("*", "/{anything:.*}", _unknown_route)
        return application

    def report(self) -> dict[str, Any]:
        """Return statistics of all requests so far.

        Returns:
            `requests` by endpoint, whatever their outcome; `violations`: requests made while the window
            was exhausted; `bill_usd`; `returned` and `billed` by resource ("user", "follower", "post");
            `repeated_pages`: how many times a page of a list was served again; `faults`: how many times
            each configured kind of fault has fired.
        """
        return {
            "requests": dict(self._requests),
            "violations": self._violations,
            "bill_usd": self.bill.micro_dollars / 1_000_000,
            "returned": dict(self.bill.returned),
            "billed": dict(self.bill.billed),
            "repeated_pages": self._repeated_pages,
            "faults": dict(self._faults.fired),
        }

    async def _report(self, _request: web.Request) -> web.Response:
        return json_response(200, msgspec.json.encode(self.report()))

    async def _renew(self, request: web.Request) -> web.Response:
        form = {name: value for name, value in (await request.post()).items() if isinstance(value, str)}
        status, answer = self.authority.renew(form)
        return json_response(status, msgspec.json.encode(answer))

    def _accepts(self, credential: str) -> bool:
        if self.authority.is_user(credential):
            return self.authority.is_live(credential)
        return self._tokens is None or credential in self._tokens

    def _handler(self, endpoint: Endpoint) -> Handler:
        async def handle(request: web.Request) -> web.StreamResponse:
            self._requests[endpoint.name] += 1
            credential = _bearer(request)
            if credential is None or not self._accepts(credential):
                return problem_response(401, UNAUTHORIZED)
            verdict = self._limits.take(
                self.authority.user_of(credential),
                endpoint.name,
                of_user=self.authority.is_user(credential),
            )
            if not verdict.allowed:
                self._violations += 1
                return problem_response(429, TOO_MANY_REQUESTS, verdict.headers)
            info = RequestInfo(
                number=self._requests.total(),
                endpoint=endpoint.name,
                credential=credential,
                user_id=_number(request.match_info.get("id")),
                of_user=self.authority.is_user(credential),
                headers=verdict.headers,
            )
            fault = await self._faults.before(info, request)
            if fault is not None:
                return fault
            try:
                answer = self._answer(endpoint, info, request)
            except InvalidRequestError as error:
                return problem_response(400, error.problem, verdict.headers)
            self._charge(answer)
            response = json_response(200, answer.body, verdict.headers)
            if self._compress and "gzip" in request.headers.get("Accept-Encoding", ""):
                response.enable_compression(web.ContentCoding.gzip)
            return await self._faults.after(info, request, response)

        return handle

    def _answer(self, endpoint: Endpoint, info: RequestInfo, request: web.Request) -> Answer:
        asked = {name: ",".join(request.query.getall(name)) for name in request.query}
        values = self._faults.alter(info, asked)
        query = parameters.read(endpoint, request.match_info, values)
        if endpoint.name == "usage":
            return _usage(self.bill, values, self._clock())
        return self._serve(endpoint, query)

    def _serve(self, endpoint: Endpoint, query: Query) -> Answer:
        match endpoint.name:
            case "users":
                return lookups.users_by_id(self._renderer, query)
            case "users_by":
                return lookups.users_by_name(self._renderer, query)
            case "user":
                return lookups.user_by_id(self._renderer, query)
            case "user_by_username":
                return lookups.user_by_name(self._renderer, query)
            case "posts":
                return lookups.posts_by_id(self._renderer, query)
            case "followers":
                return follows.followers(self._renderer, self._pages, query)
            case "following":
                return follows.following(self._renderer, self._pages, query)
            case _:
                return timelines.timeline(self._renderer, self._pages, query)

    def _charge(self, answer: Answer) -> None:
        for charge in answer.charges:
            self.bill.charge(charge.resource, charge.ids)
        if answer.page is not None:
            # A hash keeps long crawls small, and a collision in 2**61 is negligible.
            page = hash(answer.page)
            self._repeated_pages += page in self._served_pages
            self._served_pages.add(page)


class RunningEmulator:
    """An emulator that is listening; close it after use."""

    def __init__(self, emulator: Emulator, runner: web.AppRunner, host: str, port: int) -> None:
        self.emulator = emulator
        self.host = host
        self.port = port
        self._runner = runner

    @property
    def url(self) -> str:
        """The base URL, in place of https://api.x.com."""
        return f"http://{self.host}:{self.port}"

    async def close(self) -> None:
        """Stop listening and end open connections."""
        await self._runner.cleanup()


async def serve(emulator: Emulator, *, host: str = "127.0.0.1", port: int = 0) -> RunningEmulator:
    """Start serving an emulator on the running event loop.

    Args:
        emulator: The emulator to serve.
        host: The address to listen on.
        port: The port; 0 selects a free one.

    Raises:
        OSError: The port is in use or not permitted.
    """
    runner = web.AppRunner(emulator.application(), access_log=None, shutdown_timeout=_GRACE_S)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
    except BaseException:
        await asyncio.shield(runner.cleanup())
        raise
    return RunningEmulator(emulator, runner, host, runner.addresses[0][1])


def _usage(bill: Bill, query: Mapping[str, str], now: float) -> Answer:
    """Answer GET /2/usage/tweets: how much of the monthly cap is used, free of charge.

    Numbers of posts are strings, as observed by clients.

    Raises:
        InvalidRequestError: `days` is not between 1 and 90.
    """
    days = query.get("days", "7")
    if not days.isascii() or not days.isdigit() or not 1 <= int(days) <= 90:
        message = f"The `days` query parameter value [{days}] is not between 1 and 90"
        raise InvalidRequestError(message, {"days": [days]})
    today = datetime.fromtimestamp(now, UTC)
    data = {
        "cap_reset_day": calendar.monthrange(today.year, today.month)[1] - today.day + 1,
        "project_cap": str(_PROJECT_CAP),
        "project_id": "1",
        "project_usage": str(bill.billed["post"]),
    }
    return Answer(body=msgspec.json.encode({"data": data}))


async def _unknown_route(_request: web.Request) -> web.Response:
    return web.Response(status=404)


def _bearer(request: web.Request) -> str | None:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.isascii() and text.isdigit() else None
