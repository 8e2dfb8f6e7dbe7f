"""Answers with a 200 that are no pages: HTML and nonsense, before the charge, and torn JSON, behind it."""

from collections.abc import Callable

import msgspec
from aiohttp import web

from .refusals import html
from .responses import body_of, json_response
from .strikes import Kind, Strike

_NONSENSE: tuple[Callable[[], object], ...] = (
    list,
    dict,
    lambda: None,
    lambda: "OK",
    lambda: 200,
    lambda: {"data": "OK", "meta": {"result_count": 1}},
    lambda: {"data": [1, 2, 3], "meta": {"result_count": 3}},
    lambda: {"data": [{"name": "Nobody", "text": "no id"}], "meta": {"result_count": 1}},
    lambda: {"data": [{"id": "../../etc/passwd", "name": "X", "username": "x"}], "meta": {"result_count": 1}},
    lambda: {"data": {"id": ["7"], "name": {}, "username": 1}, "meta": []},
    lambda: {"meta": {"result_count": 3}},
)


class Html(Kind):
    """A page of HTML in place of JSON."""

    async def before(self, strike: Strike) -> web.StreamResponse:
        """Answer 200 with what a proxy or a captive portal says."""
        strike.fire()
        return html(200, "Please stand by")


class Junk(Kind):
    """JSON that is torn, or that is whole and means nothing: another type, no ids, ids that are none."""

    async def before(self, strike: Strike) -> web.StreamResponse | None:
        """Answer half of the requests with JSON that holds no resource, which X does not charge for."""
        if strike.dice.random() < 0.5:
            return None
        strike.fire()
        return json_response(200, msgspec.json.encode(strike.dice.choice(_NONSENSE)()), strike.info.headers)

    async def after(self, strike: Strike, response: web.Response) -> web.StreamResponse:
        """Answer the others with the first bytes of what was charged."""
        strike.fire()
        body = body_of(response)
        return json_response(200, body[: strike.dice.randrange(1, len(body))], strike.info.headers)
