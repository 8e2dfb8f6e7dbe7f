"""The HTTP server of the monitor: its page, and the API that the page uses."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import msgspec
from aiohttp import WSCloseCode, WSMsgType, web

from twittomatic.app.status import document
from twittomatic.background import ended
from twittomatic.errors import BadRequest, SettingsError, StateUnavailable, TwittomaticError
from twittomatic.model import NO_JSON
from twittomatic.sinks.stats.prometheus import CONTENT_TYPE, exposition
from twittomatic.state.admin import JobAdmin
from twittomatic.state.crawl import CrawlState
from twittomatic.state.status import CrawlStatus
from twittomatic.storage.paths import Layout
from twittomatic.web.http import error_log, is_same_site
from twittomatic.web.monitor.access import COOKIE, Access
from twittomatic.web.monitor.crawled import CrawledUsers
from twittomatic.web.monitor.graph import GraphView
from twittomatic.web.monitor.history import SERIES
from twittomatic.web.monitor.sampler import Sampler
from twittomatic.web.monitor.user import UserReader, look_up

_STATIC: Final = Path(__file__).parent / "static"
_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
_OPEN_TO_ALL: Final = ("/", "/healthz", "/api/session")  # nothing of the crawl is in them, nor in /static/
_GUESS_S = 1.0  # delay after a wrong token
_REST = 10  # times as long as a drawing took, before the next one
_MOST_BYTES = 64 * 1024  # of a request
_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Server:
    """Answers browsers and scripts.

    Args:
        sampler: Reads the status of the crawl.
        access: The access rules.
        layout: The dataset's layout.
    """

    def __init__(self, sampler: Sampler, access: Access, layout: Layout) -> None:
        self._sampler = sampler
        self._access = access
        self._users = UserReader(layout)
        self._graph_view = GraphView(layout, CrawledUsers(layout))
        self._drawn = b""
        self._draw_at = float("-inf")
        self._drawing = asyncio.Lock()
        self._sockets: set[web.WebSocketResponse] = set()

    def application(self) -> web.Application:
        """Return a new aiohttp application."""
        app = web.Application(middlewares=[self._guard], client_max_size=_MOST_BYTES)
        app.on_response_prepare.append(_add_headers)
        app.add_routes(
            [
                web.get("/", _index),
                web.static("/static", _STATIC),
                web.get("/healthz", _health),
                web.get("/metrics", self._metrics),
                web.get("/api/status", self._status),
                web.get("/api/live", self._live),
                web.get("/api/history", self._history),
                web.get("/api/log", self._log),
                web.get("/api/user", self._user),
                web.get("/api/graph", self._graph),
                web.get("/api/session", self._session),
                web.post("/api/session", self._log_in),
                web.delete("/api/session", self._log_out),
                web.post("/api/pause", self._pause),
                web.post("/api/resume", self._resume),
                web.post("/api/retry", self._retry),
            ]
        )
        return app

    @asynccontextmanager
    async def served(self, host: str, port: int) -> AsyncIterator[int]:
        """Serve for a block.

        Args:
            host: MONITOR_HOST.
            port: TCP port, 0 for any.

        Yields:
            The port.

        Raises:
            SettingsError: it cannot be had.
        """
        runner = web.AppRunner(self.application(), access_log=None, logger=error_log, shutdown_timeout=1.0)
        await runner.setup()
        try:
            site = web.TCPSite(runner, host, port)
            try:
                await site.start()
            except OSError as error:
                raise SettingsError(
                    f"MONITOR_PORT {port} on {host} cannot be had ({error.strerror or error}); "
                    "name another with --monitor-port, or stop the program that has it."
                ) from None
            yield int(runner.addresses[0][1])
        finally:
            for socket in list(self._sockets):
                await socket.close(code=WSCloseCode.GOING_AWAY)
            self._users.close()
            await runner.cleanup()

    @web.middleware
    async def _guard(self, request: web.Request, handler: _Handler) -> web.StreamResponse:
        """Check each request's permission, and answer errors with one sentence."""
        path, access = request.path, self._access
        is_change = request.method not in ("GET", "HEAD")
        try:
            if path not in _OPEN_TO_ALL and not path.startswith("/static/"):
                if not access.may_look(request):
                    await self._hold(request)
                    return _refusal(401, "This monitor shows the crawl only with its token.")
                if (is_change or path == "/api/live") and not is_same_site(request):
                    return _refusal(403, "Another site asked for this; only a page of the monitor may.")
                if is_change and not access.has_buttons:
                    return _refusal(403, "This monitor is read-only; set MONITOR_TOKEN for its buttons.")
                if is_change and not access.may_press(request):
                    await self._hold(request)
                    return _refusal(401, "This needs the monitor's token.")
            return await handler(request)
        except web.HTTPException as error:
            return _refusal(error.status, error.reason) if error.status >= 400 else error
        except StateUnavailable as error:
            return _refusal(503, str(error))
        except TwittomaticError as error:
            return _refusal(400, str(error))

    async def _hold(self, request: web.Request) -> None:
        """Delay the answer to a wrong token."""
        if "Authorization" in request.headers or COOKIE in request.cookies:
            await asyncio.sleep(_GUESS_S)

    async def _metrics(self, request: web.Request) -> web.Response:
        if not self._sampler.has_read:  # nothing is known, which is not the same as nothing to say
            raise StateUnavailable(self._sampler.away)
        return web.Response(body=exposition(self._current()), headers={"Content-Type": CONTENT_TYPE})

    async def _status(self, request: web.Request) -> web.Response:
        """Answer what `status --json` prints."""
        return _json(document(self._current()))

    def _current(self) -> CrawlStatus:
        """Return the crawl's status, a second old at most.

        Raises:
            StateUnavailable: the server is away.
        """
        if self._sampler.has_read and self._sampler.away:
            raise StateUnavailable(self._sampler.away)
        return self._sampler.status

    async def _live(self, request: web.Request) -> web.WebSocketResponse:
        """Send each view of the crawl to a page, once; all pages get the same.

        A slow page misses some. A WebSocket is used since browsers open only six other connections per site.
        """
        socket = web.WebSocketResponse(heartbeat=20.0, max_msg_size=1024, compress=False)
        await socket.prepare(request)
        self._sockets.add(socket)
        sending = asyncio.create_task(self._send(socket))
        try:
            async for _ in socket:  # the page sends nothing, but the loop ends when it is gone
                pass
        finally:
            await ended(sending)
            self._sockets.discard(socket)
        return socket

    async def _send(self, socket: web.WebSocketResponse) -> None:
        with self._sampler.watching():
            number = 0
            while True:
                number, shown = await self._sampler.next(number)
                await socket.send_frame(shown, WSMsgType.TEXT)

    async def _history(self, request: web.Request) -> web.Response:
        tier = self._sampler.history.span(request.query.get("span", "minutes"))
        if tier is None:
            raise BadRequest("span: give minutes, day or all.")
        return _json({"series": SERIES, "step_s": tier.step_s, "rows": tier.rows})

    async def _log(self, request: web.Request) -> web.Response:
        query = request.query
        lines = self._sampler.tail.lines(
            query.get("level", "info"), query.get("worker", ""), query.get("search", "")
        )
        return _json(lines)

    async def _user(self, request: web.Request) -> web.Response:
        sampler = self._sampler
        wanted = request.query.get("user", "").strip()
        return _json(await look_up(wanted, sampler.connection, sampler.keys, self._users, sampler.status))

    async def _graph(self, request: web.Request) -> web.Response:
        async with self._drawing:
            began_at = time.monotonic()
            if began_at >= self._draw_at:
                self._drawn = msgspec.json.encode(await asyncio.to_thread(self._graph_view.draw))
                took_s = time.monotonic() - began_at
                self._draw_at = time.monotonic() + max(2.0, _REST * took_s)
        return web.Response(body=self._drawn, content_type="application/json")

    async def _session(self, request: web.Request) -> web.Response:
        access = self._access
        return _json(
            {
                "crawl": self._sampler.keys.crawl if access.may_look(request) else "",
                "may_look": access.may_look(request),
                "has_buttons": access.has_buttons,
                "may_press": access.is_known(request),
            }
        )

    async def _log_in(self, request: web.Request) -> web.Response:
        if not is_same_site(request):
            return _refusal(403, "Another site asked for this; only a page of the monitor may.")
        given = await _body(request)
        if not self._access.accepts(str(given.get("token", ""))):
            await asyncio.sleep(_GUESS_S)
            return _refusal(401, "That is not the monitor's token.")
        response = _json({"may_press": True})
        self._access.remember(response, is_secure=request.secure)
        return response

    async def _log_out(self, request: web.Request) -> web.Response:
        response = _json({"may_press": False})
        self._access.forget(response)
        return response

    async def _pause(self, request: web.Request) -> web.Response:
        phase = await self._crawl.pause("paused from the monitor", by="user")
        return _json({"phase": phase})

    async def _resume(self, request: web.Request) -> web.Response:
        return _json({"phase": await self._crawl.resume()})

    async def _retry(self, request: web.Request) -> web.Response:
        """Retry one dead job, or all of them."""
        name = str((await _body(request)).get("job", ""))
        admin = JobAdmin(self._sampler.connection, self._sampler.keys)
        names = [name] if name else list(await admin.dead())
        revived = [one for one in names if await admin.retry(one)]
        return _json({"revived": len(revived)})

    @property
    def _crawl(self) -> CrawlState:
        return CrawlState(self._sampler.connection, self._sampler.keys)


async def _index(request: web.Request) -> web.FileResponse:
    return web.FileResponse(_STATIC / "index.html")


async def _health(request: web.Request) -> web.Response:
    """Answer that the monitor is alive, whatever the state of the crawl."""
    return _json({"status": "ok"})


async def _add_headers(request: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(_HEADERS)
    response.headers.setdefault("Cache-Control", "no-cache")


async def _body(request: web.Request) -> dict[str, Any]:
    """Return the JSON object of a request.

    Raises:
        BadRequest: it brings none.
    """
    try:
        return msgspec.json.decode(await request.read() or b"{}", type=dict[str, Any])
    except NO_JSON:
        raise BadRequest("Send a JSON object.") from None


def _json(value: object) -> web.Response:
    return web.Response(
        body=msgspec.json.encode(value),
        content_type="application/json",
        headers={"Cache-Control": "no-store"},
    )


def _refusal(status: int, sentence: str) -> web.Response:
    response = _json({"error": sentence})
    response.set_status(status)
    return response
