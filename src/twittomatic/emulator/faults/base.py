"""Where trouble can be put in: a seam before an answer is computed, one in the question, one after.

Nothing is charged before the first seam; what passes it is charged even if the last seam then loses or
spoils the response, as it would be at X. A request that reaches a seam was counted by its window already
and stays counted, whatever becomes of it. `/_emulator/*` and renewals of user tokens have no seams.
"""

from collections.abc import Mapping
from typing import Protocol

import msgspec
from aiohttp import web


class RequestInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What a fault may base its decision on.

    Attributes:
        number: 1 for the first request that this emulator was asked, and so on.
        endpoint: its name in the report.
        credential: the bearer token.
        user_id: the {id} of the path, if it has one.
        of_user: the credential is a user's access token, not an app's.
        headers: the rate-limit headers of the window that counted the request.
    """

    number: int
    endpoint: str
    credential: str
    user_id: int | None
    of_user: bool = False
    headers: Mapping[str, str] = msgspec.field(default_factory=dict)

    def __repr__(self) -> str:
        """Show everything but the token."""
        return f"RequestInfo(number={self.number}, endpoint={self.endpoint!r}, user_id={self.user_id})"


class Faults(Protocol):
    """Decides which requests go wrong, and how."""

    @property
    def fired(self) -> Mapping[str, int]:
        """How often each kind of fault has struck; a kind that may strike and has not yet is 0."""
        ...

    async def before(self, info: RequestInfo, request: web.Request) -> web.StreamResponse | None:
        """Answer in X's stead before anything is charged, or return None to go on."""
        ...

    def alter(self, info: RequestInfo, query: Mapping[str, str]) -> Mapping[str, str]:
        """Return the query that X answers: the one that was asked, or another one in its place."""
        ...

    async def after(
        self, info: RequestInfo, request: web.Request, response: web.Response
    ) -> web.StreamResponse:
        """Return the response that was already charged, or another one in its place."""
        ...


class NoFaults:
    """Nothing ever goes wrong."""

    @property
    def fired(self) -> Mapping[str, int]:
        """Nothing."""
        return {}

    async def before(self, info: RequestInfo, request: web.Request) -> web.StreamResponse | None:
        """Let every request pass."""
        return None

    def alter(self, info: RequestInfo, query: Mapping[str, str]) -> Mapping[str, str]:
        """Leave every query as it is."""
        return query

    async def after(
        self, info: RequestInfo, request: web.Request, response: web.Response
    ) -> web.StreamResponse:
        """Leave every response as it is."""
        return response
