"""A strike: one fault on its way to one request; and what every kind of fault can do with it.

It is by_rate before the answer is computed, and passes the three seams with its request. The kind acts at
the seam that is its own, and says `fire` when it really did something.
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
_TOKEN_LENGTH = 26  # as long as X's own here, and as meaningless


class TokenAliases:
    """Remembers what each alias stands for, and in which list it does."""

    def __init__(self) -> None:
        self._aliases: dict[str, tuple[str, int | None, str | None]] = {}

    def make(self, info: RequestInfo, token: str | None, rng: Random) -> str:
        """Return a new token for the place of another one; None is the beginning of the list."""
        alias = "".join(rng.choices(_ALPHABET, k=_TOKEN_LENGTH))
        self._aliases[alias] = info.endpoint, info.user_id, self.resolve(info, token)
        return alias

    def resolve(self, info: RequestInfo, token: str | None) -> str | None:
        """Return X's own token for an alias of this list; any other token is returned as it is."""
        if token is None or token not in self._aliases:
            return token
        endpoint, user_id, meant = self._aliases[token]
        return meant if (endpoint, user_id) == (info.endpoint, info.user_id) else token


class Strike(msgspec.Struct, kw_only=True):
    """One request, as a kind of fault sees it.

    Attributes:
        info: what is known of the request.
        request: the request itself.
        rng: good for this request alone; follows from the seed and the number of the request.
        aliases: pagination tokens that are not X's.
        world: the world, if it can change.
        seconds: how long the fault takes, for kinds that take time.
        fire: to be called once, when the fault has struck.
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
        """Whether a list was asked for: followers, following or a timeline."""
        return self.info.endpoint in _PAGES

    @property
    def is_continuation(self) -> bool:
        """Whether a list that was begun is gone on with."""
        return "pagination_token" in self.request.query

    @property
    def token(self) -> str | None:
        """The pagination token that was sent, as X would know it; None at the beginning of a list."""
        return self.aliases.resolve(self.info, self.request.query.get("pagination_token"))

    @property
    def min_page_size(self) -> int:
        """How short a page of this list may be asked for."""
        page = _PAGES.get(self.info.endpoint)  # type: ignore[call-overload]
        return page.minimum if page else 0

    @property
    def page_size(self) -> int:
        """How long a page was asked for, 0 where the request makes no sense."""
        page = _PAGES.get(self.info.endpoint)  # type: ignore[call-overload]
        text = self.request.query.get("max_results", str(page.default if page else 0))
        return int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0


class FaultKind:
    """One way to go wrong. A subclass acts at one of the seams; here nothing happens.

    One object serves all rules of its kind in one emulator, so it may remember whom it has struck.

    Attributes:
        seconds: how long it takes unless a rule says otherwise; None for kinds that take no time.
        needs_world: it changes the world, and needs one that can change.
        needs_posts: the world's posts must be made up.
    """

    seconds: ClassVar[float | None] = None
    needs_world: ClassVar[bool] = False
    needs_posts: ClassVar[bool] = False

    def can_strike(self, strike: Strike) -> bool:
        """Tell whether the kind makes sense for a request."""
        return True

    def persists(self, strike: Strike) -> bool:
        """Tell whether an earlier strike hits this request as well, whatever the rules say of it."""
        return False

    async def before(self, strike: Strike) -> web.StreamResponse | None:
        """Act before the charge; see `Faults.before`."""
        return None

    def alter(self, strike: Strike, query: Mapping[str, str]) -> Mapping[str, str]:
        """Act on the question; see `Faults.alter`."""
        return query

    async def after(self, strike: Strike, response: web.Response) -> web.StreamResponse:
        """Act after the charge; see `Faults.after`."""
        return response


class ListFault(FaultKind):
    """A kind that strikes lists alone."""

    def can_strike(self, strike: Strike) -> bool:
        """Tell whether a list was asked for."""
        return strike.is_list
