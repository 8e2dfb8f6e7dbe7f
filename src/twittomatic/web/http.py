"""Who may ask a server on this machine: programs and its own pages, never a page of another site."""

from __future__ import annotations

import ipaddress
import re

from aiohttp import hdrs, web


def check_origin(request: web.Request, hosts: frozenset[str] | None) -> None:
    """Refuse what a page of another site sends, under its own name or, by a DNS of its own, under ours.

    What writes must be JSON, which no form of another site can send.

    Args:
        request: As it came.
        hosts: The names under which the server is asked; see `hosts_of`.

    Raises:
        HTTPForbidden: it comes from another site.
        HTTPUnsupportedMediaType: it would write, and is no JSON.
    """
    if hosts is not None and _name(request.host) not in hosts:
        raise web.HTTPForbidden(text="this server is not called by that name")
    if request.method in (hdrs.METH_GET, hdrs.METH_HEAD):
        return
    if not is_own_origin(request):
        raise web.HTTPForbidden(text="another site may not write here")
    if request.content_type != "application/json":
        raise web.HTTPUnsupportedMediaType(text="the body must be application/json")


def is_own_origin(request: web.Request) -> bool:
    """Tell whether a request comes from a page of ours, or from no page at all."""
    origin = request.headers.get(hdrs.ORIGIN)
    return origin is None or origin.partition("://")[2] == request.host


def hosts_of(host: str) -> frozenset[str] | None:
    """Return the names under which a server that listens on `host` is asked: of a loopback address, its own.

    Else a page that lets its own name lead to 127.0.0.1 could read what is here. None for any name, where
    others may ask anyway.
    """
    if not is_loopback(host):
        return None
    return frozenset({"localhost", "127.0.0.1", "::1", host.lower()})


def is_loopback(host: str) -> bool:
    """Tell whether an address, or `localhost`, is reached from this machine alone."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _name(value: str) -> str:
    """Return the name in a Host header, without port and brackets."""
    match = re.fullmatch(r"\[([^]]*)\](?::\d*)?|([^:]*)(?::\d*)?", value)
    return (match[1] or match[2] or "").lower() if match else ""
