"""Where trouble can be put in: a seam before an answer is computed and one after.

Nothing is charged before the first seam; what passes it is charged even if the second seam then
loses or spoils the response, as it would be at X.
"""

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
    """

    number: int
    endpoint: str
    credential: str
    user_id: int | None


class Faults(Protocol):
    """Decides which requests go wrong, and how."""

    async def before(self, info: RequestInfo, request: web.Request) -> web.StreamResponse | None:
        """Answer in X's stead before anything is charged, or return None to go on."""
        ...

    async def after(
        self, info: RequestInfo, request: web.Request, response: web.Response
    ) -> web.StreamResponse:
        """Return the response that was already charged, or another one in its place."""
        ...


class NoFaults:
    """Nothing ever goes wrong."""

    async def before(self, info: RequestInfo, request: web.Request) -> web.StreamResponse | None:
        """Let every request pass."""
        return None

    async def after(
        self, info: RequestInfo, request: web.Request, response: web.Response
    ) -> web.StreamResponse:
        """Leave every response as it is."""
        return response


def parse_faults(spec: str) -> Faults:
    """Return the faults that a specification describes.

    Args:
        spec: empty or "none"; there are no others so far.

    Raises:
        ValueError: anything else.
    """
    if spec.strip().lower() in ("", "none"):
        return NoFaults()
    raise ValueError(
        f"unknown faults '{spec}': this emulator has none to offer; leave --faults out or say 'none'"
    )
