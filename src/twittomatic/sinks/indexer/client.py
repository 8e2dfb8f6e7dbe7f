"""One search server over HTTP: what it answers, and what its silence means.

Elasticsearch and OpenSearch speak the few words that are used here alike (decision 0019).
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

_MOST_BYTES = (
    32 * 1024 * 1024
)  # of an answer; the longest of ours, on a bulk all of whose items failed, has 1 MB
_LATER = frozenset({408, 429})
_NEVER = frozenset({501, 505, 506, 508, 510, 511})  # of 5xx: not overloaded, but no such server
_WORDS = 200  # characters of what a server says that a sentence holds
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(dict[str, Any]).decode


class StrangeAnswer(ReceiverUnavailable):
    """Something answers that is no search server, or a proxy in front of one that is not there yet."""


class Refused(Exception):
    """The server is there, and says no.

    Attributes:
        status: Of HTTP.
        kind: The server's word for it, such as `resource_already_exists_exception`; empty where it has none.
    """

    def __init__(self, message: str, *, status: int, kind: str) -> None:
        super().__init__(message)
        self.status = status
        self.kind = kind


class SearchServer:
    """A connection to the server.

    Args:
        url: `http://` or `https://`, with `user:password@` where the server asks for them: no message, log or
            error shows those.
        timeout_s: How long one answer may take. A bulk of 4 MB takes a second; a server that is slower has
            not lost it, and gets it again.
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
        """Its URL without user and password."""
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
        """Return the JSON object that the server answers with.

        Args:
            method: Of HTTP.
            path: Begins with `/`; made of names that need no quoting.
            body: Sent as JSON; None sends none.
            lines: Sent instead, JSON lines.
            query: Of the URL.

        Raises:
            Refused: the server says no, and would say so again.
            StrangeAnswer: it answers what no search server does.
            ReceiverUnavailable: it is away, too slow or overloaded.
        """
        assert self._session, "only within `async with`"
        sent = lines if lines is not None else b"" if body is None else _encode(body)
        kind = "application/json" if lines is None else "application/x-ndjson"
        try:
            async with self._session.request(
                method,
                self._base + path,
                params=query,
                data=BytesIO(sent) if sent else None,  # which goes out in pieces
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
        if (status >= 500 and status not in _NEVER) or status in _LATER:
            raise ReceiverUnavailable(f"{self._base} takes nothing for now ({_said(status, answer)}).")
        if answer is None or status < 400 or status in _NEVER:
            raise self.strange(f"HTTP {status}")
        raise Refused(_said(status, answer), status=status, kind=_cause(answer).get("type", ""))

    def strange(self, what: str) -> StrangeAnswer:
        """Return the error for an answer that no search server gives."""
        return StrangeAnswer(f"{self._base} does not answer as a search server does ({what}).")


def shown(text: object) -> str:
    """Return some words of a server as they may be shown: on one line, cut where they go on for long."""
    words = text if isinstance(text, str) else ""
    words = "".join(letter if letter.isprintable() else " " for letter in words[:_WORDS])
    return words + ("…" if isinstance(text, str) and len(text) > _WORDS else "")


async def _whole(response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for piece in response.content.iter_any():
        body += piece
        if len(body) > _MOST_BYTES:
            raise ValueError("its answer does not end")
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


def _said(status: int, answer: Mapping[str, Any] | None) -> str:
    reason = shown(_cause(answer).get("reason")) if answer else ""
    return f"HTTP {status}: {reason}" if reason else f"HTTP {status}"
