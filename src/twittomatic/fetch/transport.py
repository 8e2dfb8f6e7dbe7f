"""The wire: sends one request, and hands back whatever came."""

from __future__ import annotations

import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self, cast
from urllib.parse import urlsplit

import aiohttp
from isal import isal_zlib

from twittomatic import __version__
from twittomatic.errors import UpstreamUnavailable
from twittomatic.networks.base import Form, Request, Response

_MOST_BYTES = 64 * 1024 * 1024  # a page of 1,000 users with every field takes 1 MB
_GZIP = 31  # zlib's window bits for a gzip header and trailer, both checked
_BROKEN = cast("type[Exception]", isal_zlib.error)  # its stub calls it an instance


class Transport:
    """HTTP for a whole process: keeps connections, follows no redirect, keeps no cookie.

    Args:
        timeout_s: The longest that one request may take, from connecting to the last byte.
    """

    def __init__(self, *, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0),  # slots limit what is in flight
            # A connection that does not come about has its own, shorter time: what never left costs nothing.
            timeout=aiohttp.ClientTimeout(total=self._timeout_s, connect=self._timeout_s / 2),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,  # in one piece and by isal it takes a third of the time
            headers={"User-Agent": f"twittomatic/{__version__}", "Accept-Encoding": "gzip"},
        )
        # Left alone, it sends a request again by itself when the server breaks off: two for one permit.
        self._session._retry_connection = False
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._session:
            await self._session.close()

    async def send(self, url: str, request: Request, headers: Mapping[str, str]) -> Response:
        """Send a request and return the response, whatever its status.

        Args:
            url: Base URL of the network.
            request: What to ask.
            headers: Sent with it, the credential among them; they are never shown.

        Raises:
            UpstreamUnavailable: no whole response came; it tells whether the request may be billed.
        """
        return await self._exchange(
            "GET",
            url,
            request.path,
            headers,
            may_be_billed=request.most_resources > 0,
            params=request.params,
        )

    async def post(self, url: str, form: Form) -> Response:
        """Send a form and return the response, whatever its status.

        Args:
            url: Base URL of the network.
            form: What to send; it is never shown.

        Raises:
            UpstreamUnavailable: no whole response came.
        """
        return await self._exchange(
            "POST", url, form.path, form.headers, may_be_billed=False, data=dict(form.fields)
        )

    async def _exchange(
        self,
        method: str,
        url: str,
        path: str,
        headers: Mapping[str, str],
        *,
        may_be_billed: bool,
        **options: Any,
    ) -> Response:
        assert self._session, "use it as a context manager"
        try:
            async with self._session.request(
                method, url + path, headers=headers, allow_redirects=False, **options
            ) as answer:
                arrived_at = time.monotonic()
                names = {name.lower(): value for name, value in answer.headers.items()}
                body = await _read(answer)
                return Response(
                    status=answer.status, headers=names, body=_plain(names, body), arrived_at=arrived_at
                )
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, *_ADDRESS) as error:
            raise UpstreamUnavailable(
                f"{_host(url)} cannot be reached ({_why(error)}); check X_API_URL and the network.",
                answered=False,
            ) from None
        except TimeoutError:
            raise UpstreamUnavailable(
                f"{_host(url)} did not answer within {self._timeout_s:g} s.",
                may_be_billed=may_be_billed,
                answered=False,
            ) from None
        except (aiohttp.ClientError, OSError, ValueError, *_UNZIPPING) as error:
            raise UpstreamUnavailable(
                f"{_host(url)} broke off in the middle of an answer ({type(error).__name__}).",
                may_be_billed=may_be_billed,
                answered=False,
            ) from None


_ADDRESS = (aiohttp.InvalidURL, UnicodeError)  # a host's name that IDNA cannot write
_UNZIPPING = (_BROKEN, EOFError)


async def _read(answer: aiohttp.ClientResponse) -> bytes:
    if (answer.content_length or 0) <= _MOST_BYTES:
        chunks, size = [], 0
        async for chunk in answer.content.iter_any():
            size += len(chunk)
            if size > _MOST_BYTES:
                break
            chunks.append(chunk)
        else:
            return b"".join(chunks)
    answer.close()
    raise ValueError("the answer is longer than any that makes sense")


def _plain(headers: Mapping[str, str], body: bytes) -> bytes:
    if headers.get("content-encoding", "").lower() not in ("gzip", "x-gzip") or not body:
        return body
    decoder = isal_zlib.decompressobj(_GZIP)
    text = decoder.decompress(body, _MOST_BYTES)
    if not decoder.eof:
        raise EOFError("the answer is cut off, or longer than any that makes sense")
    return text


def _host(url: str) -> str:
    parts = urlsplit(url)
    return parts.netloc.rpartition("@")[2] or "The API"


def _why(error: Exception) -> str:
    cause = error.os_error.strerror if isinstance(error, aiohttp.ClientConnectorError) else None
    return cause or type(error).__name__
