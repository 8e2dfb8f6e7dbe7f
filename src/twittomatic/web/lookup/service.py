"""The HTTP server of the lookup service: users by id or name, now or on a given day.

It reads only the store, which the sink fills at the same time.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, date, datetime
from functools import cache
from importlib.resources import files
from typing import Annotated, Any, TypeVar

import msgspec
from aiohttp import web

from twittomatic import __version__
from twittomatic.errors import StorageUnavailable, TwittomaticError
from twittomatic.model import NO_JSON
from twittomatic.sinks.lookup.sink import sighting_of
from twittomatic.sinks.lookup.store import ProfileStore
from twittomatic.state.stream import SinkReport
from twittomatic.web.http import check_origin, error_log
from twittomatic.web.lookup.answers import by_id, by_name, day_of
from twittomatic.web.lookup.page import STYLE_HASH, page
from twittomatic.web.token import bearer, is_same

MAX_ITEMS = 10_000
"""The maximum number of ids and names, or of profiles, in one request."""

_MAX_BYTES = 16 * 1024 * 1024  # 10,000 profiles of X, each of a kilobyte and a half
_SLICE = 100  # answers between two turns of the event loop, so that others wait a few milliseconds at most
_GRACE_S = 1.0
_WRONG_TOKEN_S = 1.0  # the delay of an answer to a wrong token
_KEPT_HEADERS = ("Allow", "WWW-Authenticate")  # of an error response
_MAX_CLOCK_AHEAD_S = 300  # of another machine: a profile from the future would never be replaced
_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
_T = TypeVar("_T")
_HEADERS = {
    "Content-Security-Policy": (
        f"default-src 'none'; style-src '{STYLE_HASH}'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


class _LookupBody(msgspec.Struct, forbid_unknown_fields=True):
    """The body of `POST /lookup`."""

    ids: list[str | int] = []
    names: list[str] = []


class _AddBody(msgspec.Struct, forbid_unknown_fields=True):
    """The body of `POST /lookup/add`."""

    profiles: list[msgspec.Raw]
    seen_at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None


class LookupService:
    """Answers queries from a store.

    Args:
        store: The profile store.
        name_of: Returns the screen name in a profile.
        sink_report: Returns the report of the sink that fills the store, or None if there is none.
        hosts: The allowed Host names, None for any; see `hosts_of`.
        token: The token needed for writing, empty for none. Without one, the service is read-only if `hosts`
            is None, because other machines can reach it.
    """

    def __init__(
        self,
        store: ProfileStore,
        *,
        name_of: Callable[[bytes], str],
        sink_report: Callable[[], SinkReport | None] = lambda: None,
        hosts: frozenset[str] | None = None,
        token: str = "",
    ) -> None:
        self._store = store
        self._name_of = name_of
        self._sink_report = sink_report
        self._hosts = hosts
        self._token = token

    @property
    def is_read_only(self) -> bool:
        """Whether all writes are refused."""
        return self._hosts is None and not self._token

    def application(self) -> web.Application:
        """Return a new aiohttp application."""
        application = web.Application(client_max_size=_MAX_BYTES, middlewares=[self._guard])
        application.add_routes(
            [
                web.get("/", self._page),
                web.get("/openapi.json", self._openapi),
                web.get("/lookup/status", self._status),
                web.get("/lookup/id/{id}", self._id),
                web.get("/lookup/name/{name}", self._name),
                web.post("/lookup", self._many),
                web.post("/lookup/add", self._add),
            ]
        )
        return application

    @web.middleware
    async def _guard(self, request: web.Request, handler: _Handler) -> web.StreamResponse:
        """Refuse requests of other sites, and return every error as JSON."""
        try:
            check_origin(request, self._hosts)
            response = await handler(request)
        except web.HTTPException as error:
            response = _error(error.status, error.text or error.reason)
            kept = {name: error.headers[name] for name in _KEPT_HEADERS if name in error.headers}
            response.headers.extend(kept)
        except LookupError as error:
            response = _error(404, str(error))
        except ValueError as error:
            response = _error(422, str(error))
        except StorageUnavailable as error:
            response = _error(503, str(error))
        response.headers.update(_HEADERS)
        return response

    async def _id(self, request: web.Request) -> web.Response:
        return _answer(by_id(self._store, request.match_info["id"], _day(request)))

    async def _name(self, request: web.Request) -> web.Response:
        return _answer(by_name(self._store, request.match_info["name"], _day(request)))

    async def _many(self, request: web.Request) -> web.Response:
        body = await _body(request, _LookupBody)
        queries = [("id", str(one)) for one in body.ids] + [("name", one) for one in body.names]
        if len(queries) > MAX_ITEMS:
            raise web.HTTPRequestEntityTooLarge(
                MAX_ITEMS,
                len(queries),
                text=f"{len(queries):,} ids and names; at most {MAX_ITEMS:,} in one request",
            )
        results: list[bytes] = []
        for start in range(0, len(queries), _SLICE):
            results += self._results(queries[start : start + _SLICE])
            await asyncio.sleep(0)
        return _json(b'{"results":[' + b",".join(results) + b"]}")

    def _results(self, queries: Sequence[tuple[str, str]]) -> list[bytes]:
        """Answer some queries; an error in one appears in its own result."""
        answers = []
        for kind, query in queries:
            answer: dict[str, object] = {"query": query}
            try:
                answer["user"] = (by_id if kind == "id" else by_name)(self._store, query, None)
            except LookupError as error:
                answer |= {"user": None, "status": 404, "error": str(error)}
            except ValueError as error:
                answer |= {"user": None, "status": 422, "error": str(error)}
            answers.append(_encode(answer))
        return answers

    async def _add(self, request: web.Request) -> web.Response:
        await self._check_token(request)
        body = await _body(request, _AddBody)
        if len(body.profiles) > MAX_ITEMS:
            raise web.HTTPRequestEntityTooLarge(
                MAX_ITEMS,
                len(body.profiles),
                text=f"{len(body.profiles):,} profiles; at most {MAX_ITEMS:,} in one request",
            )
        now = datetime.now(UTC)
        seen_at = body.seen_at or now
        if not 0 < seen_at.timestamp() <= now.timestamp() + _MAX_CLOCK_AHEAD_S:
            raise ValueError("seen_at: give a time between 1970 and now, such as 2026-01-31T12:00:00Z")
        sightings = []
        for place, profile in enumerate(body.profiles):
            sighting = sighting_of(bytes(profile), int(seen_at.timestamp()), self._name_of)
            if sighting is None:
                raise ValueError(f"profiles[{place}]: give an object with an id of 1 to 19 digits, in quotes")
            sightings.append(sighting)
        new = await asyncio.to_thread(self._store.add, sightings)
        return _answer({"received": len(sightings), "new": new})

    async def _check_token(self, request: web.Request) -> None:
        """Refuse an unauthorized write before its body is read."""
        if self.is_read_only:
            raise web.HTTPForbidden(
                text="other machines can reach this service, and it has no LOOKUP_TOKEN, so it is read-only"
            )
        given = bearer(request)
        if self._token and not is_same(given, self._token):
            if given:
                await asyncio.sleep(_WRONG_TOKEN_S)
            raise web.HTTPUnauthorized(
                text="writing needs the service's token, as Authorization: Bearer TOKEN",
                headers={"WWW-Authenticate": "Bearer"},
            )

    async def _status(self, request: web.Request) -> web.Response:
        return _answer({"profiles": self._store.count(), "sink": self._sink_report(), "version": __version__})

    async def _openapi(self, request: web.Request) -> web.Response:
        return _json(_document())

    async def _page(self, request: web.Request) -> web.Response:
        query, day = request.query.get("q", "").strip(), request.query.get("at", "").strip()
        text, status = page(self._store, query, day, self._sink_report())
        return web.Response(text=text, status=status, content_type="text/html")


class RunningLookup:
    """A service that is listening; close it after use."""

    def __init__(self, runner: web.AppRunner, host: str) -> None:
        self._runner = runner
        self._host = f"[{host}]" if ":" in host else host

    @property
    def url(self) -> str:
        """The base URL, with a trailing slash."""
        return f"http://{self._host}:{self._runner.addresses[0][1]}/"

    async def close(self) -> None:
        """Stop listening and end open requests."""
        await self._runner.cleanup()


async def serve(service: LookupService, *, host: str, port: int) -> RunningLookup:
    """Serve on the running event loop; port 0 selects a free one.

    Raises:
        TwittomaticError: The port cannot be used.
    """
    runner = web.AppRunner(
        service.application(), access_log=None, logger=error_log, shutdown_timeout=_GRACE_S
    )
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
    except (OSError, UnicodeError) as error:  # UnicodeError: an impossible host name
        await runner.cleanup()
        why = getattr(error, "strerror", None) or str(error)
        raise TwittomaticError(
            f"LOOKUP_PORT: port {port} of {host} cannot be used ({why}); name another one with --lookup-port."
        ) from None
    return RunningLookup(runner, host)


def _day(request: web.Request) -> date | None:
    at = request.query.get("at")
    return None if at is None else day_of(at)


async def _body(request: web.Request, kind: type[_T]) -> _T:
    try:
        return msgspec.json.decode(await request.read(), type=kind)
    except NO_JSON as error:
        raise ValueError(f"the body cannot be read: {error}") from None


def _error(status: int, sentence: str) -> web.Response:
    return web.Response(body=_encode({"error": sentence}), status=status, content_type="application/json")


def _answer(content: object) -> web.Response:
    return _json(_encode(content))


def _json(body: bytes) -> web.Response:
    return web.Response(body=body, content_type="application/json")


_encode = msgspec.json.Encoder().encode


@cache
def _document() -> bytes:
    """Return the OpenAPI document of this version."""
    document: dict[str, Any] = json.loads(files(__package__).joinpath("openapi.json").read_bytes())
    document["info"]["version"] = __version__
    return _encode(document)
