"""A strike, one fault applied to one request, and the base class of the kinds of fault.

A strike is chosen before the answer is computed and accompanies its request through the three hooks. The
kind acts at its own hook, and calls `fire` when it has really done something.
"""

from collections.abc import Callable, Mapping
from random import Random
from typing import ClassVar

import msgspec
from aiohttp import web

from ..world.changing import ChangingWorld
from ..x.endpoints import ENDPOINTS
from .base import RequestInfo

_PAGES = {endpoint.name: endpoint.page for endpoint in ENDPOINTS if endpoint.page is not None}
_ALPHABET = "0123456789abcdefghijklmnopqrstuv"
_TOKEN_LENGTH = 26  # as long and as opaque as this emulator's ordinary tokens


class TokenAliases:
    """Pagination tokens that stand for others, so that a page can be repeated under a new token."""

    def __init__(self) -> None:
        self._aliases: dict[str, tuple[str, int | None, str | None]] = {}

    def make(self, info: RequestInfo, token: str | None, rng: Random) -> str:
        """Return a new token for the same position as `token`; None is the beginning of the list."""
        alias = "".join(rng.choices(_ALPHABET, k=_TOKEN_LENGTH))
        self._aliases[alias] = info.endpoint, info.user_id, self.resolve(info, token)
        return alias

    def resolve(self, info: RequestInfo, token: str | None) -> str | None:
        """Return the original token of an alias of this list; return any other token unchanged."""
        if token is None or token not in self._aliases:
            return token
        endpoint, user_id, meant = self._aliases[token]
        return meant if (endpoint, user_id) == (info.endpoint, info.user_id) else token


class Strike(msgspec.Struct, kw_only=True):
    """One request, as a kind of fault sees it.

    Attributes:
        info: Facts about the request.
        request: The request itself.
        rng: A generator for this request alone, seeded with the seed and the request's number.
        aliases: The pagination tokens made up by faults.
        world: The world, if it can change.
        seconds: How long the fault takes, for kinds that take time.
        fire: A callback to call once when the fault has acted.
    """

    info: RequestInfo
    request: web.Request
    rng: Random
    aliases: TokenAliases
    world: ChangingWorld | None
    seconds: float = 0.0
    fire: Callable[[], None] = lambda: None

    @property
    def is_list(self) -> bool:
        """Whether the request asks for a list: followers, following or a timeline."""
        return self.info.endpoint in _PAGES

    @property
    def is_continuation(self) -> bool:
        """Whether the request continues a list rather than beginning one."""
        return "pagination_token" in self.request.query

    @property
    def token(self) -> str | None:
        """The pagination token that was sent, with aliases resolved; None at the beginning of a list."""
        return self.aliases.resolve(self.info, self.request.query.get("pagination_token"))

    @property
    def min_page_size(self) -> int:
        """The smallest page size that this list accepts."""
        page = _PAGES.get(self.info.endpoint)  # type: ignore[call-overload]
        return page.minimum if page else 0

    @property
    def page_size(self) -> int:
        """The requested page size; 0 if the request is invalid."""
        page = _PAGES.get(self.info.endpoint)  # type: ignore[call-overload]
        text = self.request.query.get("max_results", str(page.default if page else 0))
        return int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0


class FaultKind:
    """A kind of fault. A subclass acts at one of the hooks; this base class does nothing.

    One object serves all rules of its kind in one emulator, so it may remember what it has struck.

    Attributes:
        seconds: The default duration; None for kinds that take no time.
        needs_world: Whether it changes the world, and so needs one that can change.
        needs_posts: Whether it needs a world of synthetic posts.
    """

    seconds: ClassVar[float | None] = None
    needs_world: ClassVar[bool] = False
    needs_posts: ClassVar[bool] = False

    def can_strike(self, strike: Strike) -> bool:
        """Return whether the kind applies to a request."""
        return True

    def persists(self, strike: Strike) -> bool:
        """Return whether an earlier strike also affects this request, regardless of the rules."""
        return False

    async def before(self, strike: Strike) -> web.StreamResponse | None:
        """Act before the charge; see `Faults.before`."""
        return None

    def alter(self, strike: Strike, query: Mapping[str, str]) -> Mapping[str, str]:
        """Act on the query; see `Faults.alter`."""
        return query

    async def after(self, strike: Strike, response: web.Response) -> web.StreamResponse:
        """Act after the charge; see `Faults.after`."""
        return response


class ListFault(FaultKind):
    """A kind that strikes only requests for lists."""

    def can_strike(self, strike: Strike) -> bool:
        """Return whether the request asks for a list."""
        return strike.is_list
