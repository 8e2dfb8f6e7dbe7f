"""Connection faults: silence, resets, truncated bodies and slow answers."""

import asyncio
import gzip
import socket
import struct
from typing import ClassVar

from aiohttp import web

from ..x.responses import body_of
from .strike import FaultKind, Strike

_RESET = struct.pack("ii", 1, 0)  # SO_LINGER with a timeout of zero: close() sends a reset


class SlowAnswer(FaultKind):
    """An answer that is delayed."""

    seconds: ClassVar[float | None] = 1.0

    async def before(self, strike: Strike) -> web.StreamResponse | None:
        """Delay the request."""
        strike.fire()
        await asyncio.sleep(strike.seconds)
        return None


class NoAnswer(FaultKind):
    """No answer; after a while the connection is closed.

    Args:
        billed: Whether the request is processed and charged before its answer is withheld.
    """

    seconds: ClassVar[float | None] = 30.0

    def __init__(self, *, billed: bool) -> None:
        self._billed = billed

    async def before(self, strike: Strike) -> web.StreamResponse | None:
        """Wait and close the connection, unless the request is to be charged."""
        return None if self._billed else await self._stall(strike)

    async def after(self, strike: Strike, response: web.Response) -> web.StreamResponse:
        """Wait and close the connection."""
        return await self._stall(strike)

    async def _stall(self, strike: Strike) -> web.StreamResponse:
        strike.fire()
        await asyncio.sleep(strike.seconds)
        return hang_up(strike.request)


class ConnectionReset(FaultKind):
    """A connection reset instead of an answer.

    Args:
        billed: Whether the request is processed and charged before its answer is lost.
    """

    def __init__(self, *, billed: bool) -> None:
        self._billed = billed

    async def before(self, strike: Strike) -> web.StreamResponse | None:
        """Reset the connection, unless the request is to be charged."""
        return None if self._billed else self._reset(strike)

    async def after(self, strike: Strike, response: web.Response) -> web.StreamResponse:
        """Reset the connection."""
        return self._reset(strike)

    def _reset(self, strike: Strike) -> web.StreamResponse:
        strike.fire()
        transport = strike.request.transport
        wire = transport.get_extra_info("socket") if transport else None
        if wire is not None:
            wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        return hang_up(strike.request)


class CutBody(FaultKind):
    """A body that ends before its Content-Length, after which the connection is closed."""

    async def after(self, strike: Strike, response: web.Response) -> web.StreamResponse:
        """Send a part of the body."""
        strike.fire()
        body = body_of(response)
        part = web.StreamResponse(status=response.status, headers=strike.info.headers)
        part.content_type, part.charset = response.content_type, response.charset
        part.content_length = len(body)
        try:
            await part.prepare(strike.request)
            await part.write(body[: strike.rng.randrange(len(body))])
        except ConnectionError:
            return part  # the client was faster
        if strike.request.transport is not None:
            strike.request.transport.close()
        return part


class CutGzipStream(FaultKind):
    """A gzip body whose stream ends too early although its Content-Length is correct."""

    def can_strike(self, strike: Strike) -> bool:
        """Return whether the client accepts gzip."""
        return "gzip" in strike.request.headers.get("Accept-Encoding", "")

    async def after(self, strike: Strike, response: web.Response) -> web.StreamResponse:
        """Send a part of the compressed body as if it were complete."""
        strike.fire()
        body = gzip.compress(body_of(response), mtime=0)
        return web.Response(
            status=response.status,
            body=body[: strike.rng.randrange(1, len(body))],
            headers={**strike.info.headers, "Content-Encoding": "gzip"},
            content_type=response.content_type,
            charset=response.charset,
        )


def hang_up(request: web.Request) -> web.StreamResponse:
    """Close the connection at once; the returned response can no longer be sent."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=500)
