"""The three hooks at which faults act: before the answer is computed, on the query, and after.

Nothing is charged before the first hook. A request that passes it is charged even if the last hook then
loses or corrupts the response, as at X. A request that reaches a hook has already been counted by its
rate-limit window and stays counted. `/_emulator/*` and renewals of user tokens have no hooks.
"""

from collections.abc import Mapping
from typing import Protocol

import msgspec
from aiohttp import web


class RequestInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What a fault may base its decision on.

    Attributes:
        number: The number of this request in the emulator, counted from 1.
        endpoint: The name of the endpoint in the report.
        credential: The bearer token.
        user_id: The {id} of the path, if it has one.
        of_user: Whether the credential is a user's access token rather than an app's.
        headers: The rate-limit headers of the window that counted the request.
    """

    number: int
    endpoint: str
    credential: str
    user_id: int | None
    of_user: bool = False
    headers: Mapping[str, str] = msgspec.field(default_factory=dict)

    def __repr__(self) -> str:
        """Return a representation without the token."""
        return f"RequestInfo(number={self.number}, endpoint={self.endpoint!r}, user_id={self.user_id})"


class Faults(Protocol):
    """Decides which requests fail, and how."""

    @property
    def fired(self) -> Mapping[str, int]:
        """The number of times each kind of fault has fired; 0 for a configured kind that has not."""
        ...

    async def before(self, info: RequestInfo, request: web.Request) -> web.StreamResponse | None:
        """Return a response to send before anything is charged, or None to process the request."""
        ...

    def alter(self, info: RequestInfo, query: Mapping[str, str]) -> Mapping[str, str]:
        """Return the query to answer: the one that was sent, or a replacement."""
        ...

    async def after(
        self, info: RequestInfo, request: web.Request, response: web.Response
    ) -> web.StreamResponse:
        """Return the response to send: the one already charged, or a replacement."""
        ...


class NoFaults:
    """The implementation without faults."""

    @property
    def fired(self) -> Mapping[str, int]:
        """Always empty."""
        return {}

    async def before(self, info: RequestInfo, request: web.Request) -> web.StreamResponse | None:
        """Pass every request."""
        return None

    def alter(self, info: RequestInfo, query: Mapping[str, str]) -> Mapping[str, str]:
        """Return the query unchanged."""
        return query

    async def after(
        self, info: RequestInfo, request: web.Request, response: web.Response
    ) -> web.StreamResponse:
        """Return the response unchanged."""
        return response
