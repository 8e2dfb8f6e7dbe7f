"""HTTP responses: JSON, and problem objects with their own media type."""

from collections.abc import Mapping

import msgspec
from aiohttp import web

from .problems import Problem


def json_response(status: int, body: bytes, headers: Mapping[str, str] | None = None) -> web.Response:
    """Return a response of encoded JSON."""
    return web.Response(
        status=status, body=body, headers=headers, content_type="application/json", charset="utf-8"
    )


def problem_response(status: int, problem: Problem, headers: Mapping[str, str] | None = None) -> web.Response:
    """Return a response that holds a problem object."""
    return web.Response(
        status=status,
        body=msgspec.json.encode(problem),
        headers=headers,
        content_type="application/problem+json",
    )


def body_of(response: web.Response) -> bytes:
    """Return the uncompressed body of a response made by this server."""
    assert isinstance(response.body, bytes), "the server answers with bytes"
    return response.body
