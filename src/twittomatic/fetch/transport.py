"""HTTP transport: send a request, through a proxy if one is set, and return whatever response comes."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self, cast
from urllib.parse import urlsplit

import aiohttp
from isal import isal_zlib

from twittomatic import __version__
from twittomatic.clock import steady_s
from twittomatic.errors import UpstreamUnavailable
from twittomatic.fetch.proxy import Proxies, Proxy
from twittomatic.networks.base import Form, Request, Response

_MOST_BYTES = 64 * 1024 * 1024  # a page of 1,000 users with every field takes 1 MB
_WANTS_PASSWORD = 407
_REFUSED = 300  # from this status on the server served nothing
_GZIPS = ("gzip", "x-gzip")
_MAGIC = b"\x1f\x8b"
_GZIP = 31  # zlib's window bits for a gzip header and trailer, both checked
_BROKEN = cast("type[Exception]", isal_zlib.error)  # its stub calls it an instance


class Transport:
    """HTTP client of a process: reuses connections, follows no redirects, keeps no cookies.

    Args:
        timeout_s: Maximum duration of a request, from connecting to the last byte.
        proxies: Chooses the proxy for a URL; None for direct connections only.
    """

    def __init__(self, *, timeout_s: float, proxies: Proxies | None = None) -> None:
        self._timeout_s = timeout_s
        self._proxies = proxies or Proxies()
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0),  # the number of slots limits concurrency
            # Connecting has its own, shorter timeout, since a request that was never sent costs nothing.
            timeout=aiohttp.ClientTimeout(total=self._timeout_s, connect=self._timeout_s / 2),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,  # decompressing it as a whole with isal takes a third of the time
            headers={"User-Agent": f"twittomatic/{__version__}", "Accept-Encoding": "gzip"},
        )
        # By default aiohttp resends a request when the server drops the connection: two for one permit.
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
            request: The request.
            headers: Additional headers, including the credential; they are never shown.

        Raises:
            UpstreamUnavailable: no complete response came; the error says whether the request may be billed.
        """
        return await self._exchange(
            "GET",
            url,
            request.path,
            headers,
            most_billed=None if request.most_resources else 0,
            params=request.params,
        )

    async def post(self, url: str, form: Form) -> Response:
        """Send a form and return the response, whatever its status.

        Args:
            url: Base URL of the network.
            form: The form; it is never shown.

        Raises:
            UpstreamUnavailable: no complete response came.
        """
        return await self._exchange(
            "POST", url, form.path, form.headers, most_billed=0, data=dict(form.fields)
        )

    async def _exchange(
        self,
        method: str,
        url: str,
        path: str,
        headers: Mapping[str, str],
        *,
        most_billed: int | None,
        **options: Any,
    ) -> Response:
        assert self._session, "use it as a context manager"
        proxy = self._proxies.for_url(url)
        if proxy:
            options["proxy"] = proxy.url
            if url.startswith("https:"):
                options["proxy_headers"] = proxy.headers
            else:  # without a tunnel the proxy itself reads the headers
                headers = {**headers, **proxy.headers}
        try:
            async with self._session.request(
                method, url + path, headers=headers, allow_redirects=False, **options
            ) as answer:
                if proxy and answer.status == _WANTS_PASSWORD:
                    raise _refused_by(proxy, answer.status, url)
                arrived_at = steady_s()
                names = {name.lower(): value for name, value in answer.headers.items()}
                try:
                    packed = await _read(answer)
                    body, is_whole = _plain(names, packed), _tells_its_end(answer, packed)
                except _CUT:
                    if answer.status < _REFUSED:
                        raise
                    body, is_whole = b"", False  # the status is enough, and nothing is charged
                return Response(
                    status=answer.status,
                    headers=names,
                    body=body,
                    arrived_at=arrived_at,
                    is_whole=is_whole,
                )
        except aiohttp.ClientHttpProxyError as error:
            assert proxy
            raise _refused_by(proxy, error.status, url) from None
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, *_ADDRESS) as error:
            # With a proxy, only the proxy's own name is resolved here.
            if proxy and isinstance(
                error, aiohttp.ClientProxyConnectionError | aiohttp.ClientConnectorDNSError
            ):
                raise UpstreamUnavailable(
                    f"The proxy {proxy.name} cannot be reached ({_why(error)}); check PROXY and HTTPS_PROXY.",
                    answered=False,
                ) from None
            raise UpstreamUnavailable(
                f"{_host(url)} cannot be reached ({_why(error)}); check the URL of the API and the network.",
                answered=False,
            ) from None
        except TimeoutError:
            raise UpstreamUnavailable(
                f"{_host(url)} did not answer within {self._timeout_s:g} s.",
                most_billed=most_billed,
                answered=False,
            ) from None
        except _CUT as error:
            raise UpstreamUnavailable(
                f"{_host(url)} broke off in the middle of an answer ({type(error).__name__}).",
                most_billed=most_billed,
                answered=False,
            ) from None


_ADDRESS = (aiohttp.InvalidURL, UnicodeError)  # a host name that IDNA cannot encode
_CUT = (aiohttp.ClientError, OSError, ValueError, _BROKEN, EOFError)  # a TimeoutError is an OSError


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
    raise ValueError("the response is implausibly long")


def _tells_its_end(answer: aiohttp.ClientResponse, body: bytes) -> bool:
    """Return whether a body read without error is known to be complete: by length, chunks or checksum."""
    return (
        answer.content_length is not None
        or "chunked" in answer.headers.get("Transfer-Encoding", "").lower()
        or body.startswith(_MAGIC)
    )


def _plain(headers: Mapping[str, str], body: bytes) -> bytes:
    """Decompress a body; one that is labelled gzip and is not stays unchanged.

    Raises:
        ValueError: it has an encoding that was not requested.
    """
    encoding = headers.get("content-encoding", "").strip().lower()
    if encoding in ("", "identity") or not body:
        return body
    if encoding not in _GZIPS:
        raise ValueError("the answer is in an encoding that was not asked for")
    if not body.startswith(_MAGIC):
        return body
    texts, size = [], 0
    while body.startswith(_MAGIC):  # a body may have several members
        decoder = isal_zlib.decompressobj(_GZIP)
        texts.append(decoder.decompress(body, max(1, _MOST_BYTES - size)))
        size += len(texts[-1])
        if not decoder.eof:
            raise EOFError("the response is truncated, or implausibly long")
        body = decoder.unused_data
    return b"".join(texts)


def _refused_by(proxy: Proxy, status: int, url: str) -> UpstreamUnavailable:
    if status == _WANTS_PASSWORD:
        return UpstreamUnavailable(
            f"The proxy {proxy.name} requires a user name and password, or different ones (407); "
            "give them in PROXY.",
            answered=False,
        )
    return UpstreamUnavailable(
        f"The proxy {proxy.name} does not connect to {_host(url)} ({status}); check PROXY.",
        answered=False,
    )


def _host(url: str) -> str:
    parts = urlsplit(url)
    return parts.netloc.rpartition("@")[2] or "The API"


def _why(error: Exception) -> str:
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return "its certificate is not trusted; SSL_CERT_FILE can name another list of authorities"
    cause = error.os_error.strerror if isinstance(error, aiohttp.ClientConnectorError) else None
    return cause or type(error).__name__
