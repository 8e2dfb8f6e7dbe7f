"""A connection to Carbon that proves delivery although the protocol has no acknowledgements.

Carbon's plaintext protocol has no answers. But when we shut down the sending side, Carbon closes the
connection only after it has read everything: so end of file proves that every line has arrived.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from contextlib import suppress
from typing import Self, TypeVar

from twittomatic.errors import ReceiverUnavailable

_T = TypeVar("_T")
_CONNECT_S = 5.0


class Carbon:
    """One connection to a Graphite server's plaintext port, made by `connect`.

    Args:
        address: `HOST:PORT`, for messages.
        reader: The receiving side.
        writer: The sending side.
        timeout_s: How long the server may make no progress.
    """

    def __init__(
        self,
        address: str,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        timeout_s: float,
    ) -> None:
        self._address = address
        self._reader = reader
        self._writer = writer
        self._timeout_s = timeout_s

    @classmethod
    async def connect(cls, host: str, port: int, *, timeout_s: float) -> Self:
        """Open a connection.

        Raises:
            ReceiverUnavailable: The server cannot be reached.
        """
        address = f"{host}:{port}"
        opening = asyncio.open_connection(host, port)
        reader, writer = await _wait(address, opening, _CONNECT_S, "does not answer", "cannot be reached")
        return cls(address, reader, writer, timeout_s)

    async def send(self, data: bytes) -> None:
        """Send lines; when this returns they are in transit, without any proof of delivery.

        Raises:
            ReceiverUnavailable: The server has closed the connection, or made no progress for too long.
        """
        if self._reader.at_eof():
            raise ReceiverUnavailable(f"{self._address} closed the connection.")
        self._writer.write(data)
        await self._wait(self._writer.drain(), "no longer accepts data")

    async def finish(self) -> None:
        """Shut down the sending side, and return when the server has read everything.

        Raises:
            ReceiverUnavailable: The server broke the connection, or does not close it.
        """
        with suppress(OSError):  # the read below meets the same error
            self._writer.write_eof()
        while await self._wait(self._reader.read(4096), "does not confirm that it has everything"):
            pass

    async def ended(self) -> None:
        """Wait until the server closes the connection."""
        with suppress(OSError):
            while await self._reader.read(4096):
                pass

    async def close(self) -> None:
        """Abort the connection, discarding data in transit."""
        self._writer.transport.abort()
        with suppress(OSError):
            await self._writer.wait_closed()

    async def _wait(self, operation: Awaitable[_T], silent: str) -> _T:
        return await _wait(self._address, operation, self._timeout_s, silent, "broke the connection")


async def _wait(address: str, operation: Awaitable[_T], timeout_s: float, silent: str, broken: str) -> _T:
    """Await an operation, and turn a timeout or failure into a sentence about the server."""
    try:
        return await asyncio.wait_for(operation, timeout_s)
    except TimeoutError:
        raise ReceiverUnavailable(f"{address} {silent} ({timeout_s:g} s).") from None
    except OSError as error:
        raise ReceiverUnavailable(f"{address} {broken} ({error.strerror or error}).") from None
