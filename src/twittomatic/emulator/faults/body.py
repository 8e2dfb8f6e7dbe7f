"""Responses with status 200 whose body is not a page, or a page in an undocumented form."""

from collections.abc import Callable
from typing import Any

import msgspec
from aiohttp import web

from ..x.responses import body_of, json_response
from .http import html
from .strike import FaultKind, Strike

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


def _with_ids_as_numbers(page: dict[str, Any]) -> None:
    page["data"] = [{**record, "id": int(record["id"])} for record in page["data"]]


def _with_fields_reversed(page: dict[str, Any]) -> None:
    page["data"] = [dict(reversed(record.items())) for record in page["data"]]


def _with_count_as_text(page: dict[str, Any]) -> None:
    if "meta" in page:
        page["meta"]["result_count"] = f"{page['meta'].get('result_count', 0)}"


def _with_nulls(page: dict[str, Any]) -> None:
    for name in ("data", "errors", "includes", "meta"):
        page.setdefault(name, None)


_REWRITES: tuple[Callable[[dict[str, Any]], None], ...] = (
    _with_ids_as_numbers,
    _with_fields_reversed,
    _with_count_as_text,
    _with_nulls,
)
_WRAPPERS: tuple[Callable[[bytes], bytes], ...] = (
    lambda body: b"\xef\xbb\xbf" + body,
    lambda body: body.decode().encode("utf-16"),
    lambda body: b"\r\n" + body + b"\n\0",
    lambda body: b")]}',\n" + body,
)


class OddPage(FaultKind):
    """A page in an undocumented form whose meaning is still clear."""

    def can_strike(self, strike: Strike) -> bool:
        """Return whether the request asks for a list."""
        return strike.is_list

    async def after(self, strike: Strike, response: web.Response) -> web.StreamResponse:
        """Answer 200 with the same page, re-encoded or wrapped."""
        strike.fire()
        body = body_of(response)
        page = msgspec.json.decode(body)
        if not isinstance(page.get("data"), list):
            rewrites: tuple[Callable[[dict[str, Any]], None], ...] = (_with_count_as_text, _with_nulls)
        else:
            rewrites = _REWRITES
        if strike.rng.random() < 0.5:
            strike.rng.choice(rewrites)(page)
            return json_response(200, msgspec.json.encode(page), strike.info.headers)
        return json_response(200, strike.rng.choice(_WRAPPERS)(body), strike.info.headers)


class HtmlPage(FaultKind):
    """An HTML page instead of JSON."""

    async def before(self, strike: Strike) -> web.StreamResponse:
        """Answer 200 with the kind of page that a proxy or captive portal sends."""
        strike.fire()
        return html(200, "Please stand by")


class JunkJson(FaultKind):
    """JSON that is truncated, or well-formed but meaningless: wrong types, missing or invalid ids."""

    async def before(self, strike: Strike) -> web.StreamResponse | None:
        """Answer half of the requests with JSON that holds no resource, and so costs nothing."""
        if strike.rng.random() < 0.5:
            return None
        strike.fire()
        return json_response(200, msgspec.json.encode(strike.rng.choice(_NONSENSE)()), strike.info.headers)

    async def after(self, strike: Strike, response: web.Response) -> web.StreamResponse:
        """Truncate the response to the other half, which has been charged."""
        strike.fire()
        body = body_of(response)
        return json_response(200, body[: strike.rng.randrange(1, len(body))], strike.info.headers)
