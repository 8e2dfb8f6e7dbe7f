"""Faults that spoil a body which was charged already: HTML and nonsense, with a 200."""

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

    async def after(self, strike: Strike, response: web.Response) -> web.StreamResponse:
        """Answer 200 with what a proxy or a captive portal says."""
        strike.fire()
        return html(200, "Please stand by")


class Junk(Kind):
    """JSON that is torn, or that is whole and means nothing: another type, no ids, ids that are none."""

    async def after(self, strike: Strike, response: web.Response) -> web.StreamResponse:
        """Answer 200, with the headers of the window."""
        strike.fire()
        body = body_of(response)
        if strike.dice.random() < 0.5:
            return json_response(200, body[: strike.dice.randrange(len(body))], strike.info.headers)
        return json_response(200, msgspec.json.encode(strike.dice.choice(_NONSENSE)()), strike.info.headers)
