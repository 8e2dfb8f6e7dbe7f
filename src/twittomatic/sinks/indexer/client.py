"""HTTP client of a search server, which maps every failure to an error by what the caller must do.

Elasticsearch and OpenSearch behave alike in the few requests that are used here (decision 0019).
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from io import BytesIO
from types import TracebackType
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

import aiohttp
import msgspec

from twittomatic.errors import ReceiverUnavailable
from twittomatic.model import NO_JSON

_MAX_BYTES = 32 * 1024 * 1024  # of an answer; the longest expected one has 1 MB: a bulk whose items all fail
_TEMPORARY = frozenset({408, 429})
_PERMANENT = frozenset({501, 505, 506, 508, 510, 511})  # of 5xx: not overloaded, but not a search server
_MAX_QUOTED = 200  # characters of a server's message in a sentence of ours
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(dict[str, Any]).decode


class NotASearchServer(ReceiverUnavailable):
    """The server is not a search server, or is a proxy in front of one that has not started yet."""


class RequestRefused(Exception):
    """The server rejected a request, and would refuse it again.

    Attributes:
        status: The HTTP status.
        kind: The server's error type, such as `resource_already_exists_exception`; empty if it has none.
    """

    def __init__(self, message: str, *, status: int, kind: str) -> None:
        super().__init__(message)
        self.status = status
        self.kind = kind


class SearchServer:
    """A client session with the server; an async context manager.

    Args:
        url: `http://` or `https://`, with `user:password@` if the server needs them; these never appear in a
            message, log or error.
        timeout_s: The maximum time for one answer. A bulk of 4 MB takes a second; a slower server gets it
            again, which is harmless.
    """

    def __init__(self, url: str, *, timeout_s: float = 60.0) -> None:
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2]
        self._base = urlunsplit((parts.scheme, host, parts.path.rstrip("/"), "", ""))
        self._headers: dict[str, str] = {}
        if parts.username is not None:
            login = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
            self._headers["Authorization"] = f"Basic {b64encode(login.encode()).decode()}"
        self._session: aiohttp.ClientSession | None = None
        self._timeout_s = timeout_s

    @property
    def name(self) -> str:
        """The URL without user and password."""
        return self._base

    async def __aenter__(self) -> SearchServer:
        self._session = aiohttp.ClientSession(
            headers=self._headers,
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=self._timeout_s),
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session:
            await self._session.close()
            self._session = None

    async def ask(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        lines: bytes | None = None,
        query: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        """Send a request and return the JSON object in the answer.

        Args:
            method: The HTTP method.
            path: The path, beginning with `/`, of names that need no quoting.
            body: The body, sent as JSON; None sends none.
            lines: JSON lines to send instead of `body`.
            query: The query parameters.

        Raises:
            RequestRefused: The server rejected the request, and would refuse it again.
            NotASearchServer: The answer is not one of a search server.
            ReceiverUnavailable: The server is unreachable, too slow or overloaded.
        """
        assert self._session, "only within `async with`"
        sent = lines if lines is not None else b"" if body is None else _encode(body)
        kind = "application/json" if lines is None else "application/x-ndjson"
        try:
            async with self._session.request(
                method,
                self._base + path,
                params=query,
                data=BytesIO(sent) if sent else None,  # a file object is sent in chunks
                headers={"Content-Type": kind} if sent else {},
                allow_redirects=False,
            ) as response:
                status, text = response.status, await _whole(response)
        except TimeoutError:
            raise ReceiverUnavailable(f"{self._base} does not answer within {self._timeout_s:g} s.") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise ReceiverUnavailable(f"{self._base} cannot be reached ({_why(error)}).") from None
        answer = _object(text)
        if status < 300 and answer is not None:
            return answer
        if (status >= 500 and status not in _PERMANENT) or status in _TEMPORARY:
            raise ReceiverUnavailable(
                f"{self._base} is temporarily unavailable ({_described(status, answer)})."
            )
        if answer is None or status < 400 or status in _PERMANENT:
            raise self.not_a_search_server(f"HTTP {status}")
        raise RequestRefused(_described(status, answer), status=status, kind=_cause(answer).get("type", ""))

    def not_a_search_server(self, what: str) -> NotASearchServer:
        """Return the error for an answer that is not one of a search server."""
        return NotASearchServer(f"{self._base} does not answer as a search server does ({what}).")


def shown(text: object) -> str:
    """Return a server's message in a displayable form: on one line and truncated."""
    words = text if isinstance(text, str) else ""
    words = "".join(letter if letter.isprintable() else " " for letter in words[:_MAX_QUOTED])
    return words + ("…" if isinstance(text, str) and len(text) > _MAX_QUOTED else "")


async def _whole(response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for piece in response.content.iter_any():
        body += piece
        if len(body) > _MAX_BYTES:
            raise ValueError("its answer is too long")
    return bytes(body)


def _object(text: bytes) -> dict[str, Any] | None:
    try:
        return _decode(text)
    except NO_JSON:
        return None


def _why(error: BaseException) -> str:
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return "its certificate is not trusted"
    reason = getattr(error, "os_error", error)
    return getattr(reason, "strerror", None) or shown(str(error)) or type(error).__name__


def _cause(answer: Mapping[str, Any]) -> dict[str, Any]:
    error = answer.get("error")
    return error if isinstance(error, dict) else {"reason": error}


def _described(status: int, answer: Mapping[str, Any] | None) -> str:
    reason = shown(_cause(answer).get("reason")) if answer else ""
    return f"HTTP {status}: {reason}" if reason else f"HTTP {status}"
