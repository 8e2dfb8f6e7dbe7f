"""Faults in paginated lists: short pages, empty pages and repeated pages."""

from collections.abc import Mapping

import msgspec
from aiohttp import web

from ..x.responses import body_of, json_response
from .strike import ListFault, Strike


class ShortPage(ListFault):
    """A page shorter than requested although more records follow."""

    def can_strike(self, strike: Strike) -> bool:
        """Return whether the requested page can be made shorter."""
        return strike.is_list and strike.page_size > strike.min_page_size

    def alter(self, strike: Strike, query: Mapping[str, str]) -> Mapping[str, str]:
        """Reduce the page size; no record is skipped, and only returned records are charged."""
        # Every order of magnitude is equally likely, because most lists are much shorter than a page.
        size = strike.min_page_size * (strike.page_size / strike.min_page_size) ** strike.rng.random()
        return {**query, "max_results": str(min(int(size), strike.page_size - 1))}

    async def after(self, strike: Strike, response: web.Response) -> web.StreamResponse:
        """Count the fault only if the page was really cut short."""
        if "next_token" in msgspec.json.decode(body_of(response)).get("meta", {}):
            strike.fire()
        return response


class EmptyPage(ListFault):
    """An empty page whose next_token leads to the page that should have been served."""

    async def before(self, strike: Strike) -> web.StreamResponse | None:
        """Answer with an empty page."""
        strike.fire()
        token = strike.aliases.make(strike.info, strike.token, strike.rng)
        meta = {"result_count": 0, "next_token": token}
        return json_response(200, msgspec.json.encode({"meta": meta}), strike.info.headers)


class SelfLink(ListFault):
    """A page whose next_token is a new token for the same page."""

    async def after(self, strike: Strike, response: web.Response) -> web.StreamResponse:
        """Replace the next_token."""
        document = msgspec.json.decode(body_of(response))
        if "meta" not in document:
            return response
        strike.fire()
        document["meta"]["next_token"] = self.token(strike)
        return json_response(200, msgspec.json.encode(document), strike.info.headers)

    def token(self, strike: Strike) -> str:
        """Return a token for this page."""
        return strike.aliases.make(strike.info, strike.token, strike.rng)


class RepeatedToken(SelfLink):
    """A page after the first one whose next_token is the token that was sent."""

    def can_strike(self, strike: Strike) -> bool:
        """Return whether the request continues a list."""
        return strike.is_list and strike.is_continuation

    def token(self, strike: Strike) -> str:
        """Return the token that was sent."""
        return strike.request.query["pagination_token"]


class EndlessLoop(SelfLink):
    """A list that never ends: from now on this page always leads to itself, each time by a new token."""

    def __init__(self) -> None:
        self._looping: set[tuple[str, int | None, str | None]] = set()

    def can_strike(self, strike: Strike) -> bool:
        """Return whether this is a page of a list that does not lead to itself yet."""
        return strike.is_list and not self.persists(strike)

    def persists(self, strike: Strike) -> bool:
        """Return whether the page already leads to itself."""
        return self._page(strike) in self._looping

    async def after(self, strike: Strike, response: web.Response) -> web.StreamResponse:
        """Mark the page as looping and replace its next_token."""
        self._looping.add(self._page(strike))
        return await super().after(strike, response)

    def _page(self, strike: Strike) -> tuple[str, int | None, str | None]:
        return strike.info.endpoint, strike.info.user_id, strike.token
