"""A connection to Carbon, which says nothing ever: how it is known that it has what was sent.

Carbon's plaintext protocol has no answers. But it closes a connection that we have ended when it has read all
of it, and only then: so whoever ends his side and sees the other side end knows that every line arrived.
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
    """One connection to a Graphite server's plaintext port; use `connect`.

    Args:
        place: `HOST:PORT`, for sentences.
        reader: Of the connection.
        writer: Of the connection.
        patience_s: How long the server may take nothing.
    """

    def __init__(
        self,
        place: str,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        patience_s: float,
    ) -> None:
        self._place = place
        self._reader = reader
        self._writer = writer
        self._patience_s = patience_s

    @classmethod
    async def connect(cls, host: str, port: int, *, patience_s: float) -> Self:
        """Open a connection.

        Raises:
            ReceiverUnavailable: nobody answers there.
        """
        place = f"{host}:{port}"
        opening = asyncio.open_connection(host, port)
        reader, writer = await _told(place, opening, _CONNECT_S, "does not answer", "cannot be reached")
        return cls(place, reader, writer, patience_s)

    async def send(self, data: bytes) -> None:
        """Hand lines over; when this returns they are on their way, and no more than that.

        Raises:
            ReceiverUnavailable: the server is gone, or has taken nothing for too long.
        """
        if self._reader.at_eof():
            raise ReceiverUnavailable(f"{self._place} closed the connection.")
        self._writer.write(data)
        await self._told(self._writer.drain(), "takes nothing any more")

    async def finish(self) -> None:
        """Return when the server has read everything that was sent.

        Raises:
            ReceiverUnavailable: it is gone, or does not say so.
        """
        with suppress(OSError):  # reading tells
            self._writer.write_eof()
        while await self._told(self._reader.read(4096), "does not confirm that it has everything"):
            pass

    async def ended(self) -> None:
        """Return when the server ends the connection."""
        with suppress(OSError):
            while await self._reader.read(4096):
                pass

    async def close(self) -> None:
        """Let go of the connection, whatever is on its way."""
        self._writer.transport.abort()
        with suppress(OSError):
            await self._writer.wait_closed()

    async def _told(self, doing: Awaitable[_T], silent: str) -> _T:
        return await _told(self._place, doing, self._patience_s, silent, "broke the connection")


async def _told(place: str, doing: Awaitable[_T], within_s: float, silent: str, broken: str) -> _T:
    """Wait for a server, and turn what goes wrong into a sentence about it."""
    try:
        return await asyncio.wait_for(doing, within_s)
    except TimeoutError:
        raise ReceiverUnavailable(f"{place} {silent} ({within_s:g} s).") from None
    except OSError as error:
        raise ReceiverUnavailable(f"{place} {broken} ({error.strerror or error}).") from None
