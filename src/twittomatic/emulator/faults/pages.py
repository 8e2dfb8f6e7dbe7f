"""Faults of lists: pages that are short or empty, and pages that come again."""

from collections.abc import Mapping

import msgspec
from aiohttp import web

from ..x.responses import body_of, json_response
from .strike import ListFault, Strike


class ShortPage(ListFault):
    """A page that holds less than was asked for, though the list goes on."""

    def can_strike(self, strike: Strike) -> bool:
        """Tell whether a page of a list can be shorter."""
        return strike.is_list and strike.page_size > strike.min_page_size

    def alter(self, strike: Strike, query: Mapping[str, str]) -> Mapping[str, str]:
        """Ask for less; nothing is skipped, and only what is returned is charged."""
        # All orders of magnitude are as likely, for most lists are much shorter than a page.
        size = strike.min_page_size * (strike.page_size / strike.min_page_size) ** strike.rng.random()
        return {**query, "max_results": str(min(int(size), strike.page_size - 1))}

    async def after(self, strike: Strike, response: web.Response) -> web.StreamResponse:
        """Count what really was cut short."""
        if "next_token" in msgspec.json.decode(body_of(response)).get("meta", {}):
            strike.fire()
        return response


class EmptyPage(ListFault):
    """A page that holds nothing, with a next_token under which the page that was meant follows."""

    async def before(self, strike: Strike) -> web.StreamResponse | None:
        """Answer with an empty page."""
        strike.fire()
        token = strike.aliases.make(strike.info, strike.token, strike.rng)
        meta = {"result_count": 0, "next_token": token}
        return json_response(200, msgspec.json.encode({"meta": meta}), strike.info.headers)


class SelfLink(ListFault):
    """A page that leads to itself, by a new token."""

    async def after(self, strike: Strike, response: web.Response) -> web.StreamResponse:
        """Exchange the next_token."""
        document = msgspec.json.decode(body_of(response))
        if "meta" not in document:
            return response
        strike.fire()
        document["meta"]["next_token"] = self.token(strike)
        return json_response(200, msgspec.json.encode(document), strike.info.headers)

    def token(self, strike: Strike) -> str:
        """Return the token that leads to the page."""
        return strike.aliases.make(strike.info, strike.token, strike.rng)


class RepeatedToken(SelfLink):
    """A page after the first one that leads to itself, by the very token that was sent."""

    def can_strike(self, strike: Strike) -> bool:
        """Tell whether a list is gone on with."""
        return strike.is_list and strike.is_continuation

    def token(self, strike: Strike) -> str:
        """Return what was sent."""
        return strike.request.query["pagination_token"]


class EndlessLoop(SelfLink):
    """A list that never ends: the page that is struck leads to itself for good, by new tokens."""

    def __init__(self) -> None:
        self._looping: set[tuple[str, int | None, str | None]] = set()

    def can_strike(self, strike: Strike) -> bool:
        """Tell whether this is a page of a list that does not lead to itself yet."""
        return strike.is_list and not self.persists(strike)

    def persists(self, strike: Strike) -> bool:
        """Tell whether the page is one that leads to itself."""
        return self._page(strike) in self._looping

    async def after(self, strike: Strike, response: web.Response) -> web.StreamResponse:
        """Catch the page, and exchange its next_token."""
        self._looping.add(self._page(strike))
        return await super().after(strike, response)

    def _page(self, strike: Strike) -> tuple[str, int | None, str | None]:
        return strike.info.endpoint, strike.info.user_id, strike.token
