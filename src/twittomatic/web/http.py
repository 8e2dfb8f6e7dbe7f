"""HTTP parts shared by the local servers: Host and Origin checks, and a log without requests in it."""

from __future__ import annotations

import ipaddress
import logging
import re
from typing import Final

from aiohttp import hdrs, web
from aiohttp.http import HttpProcessingError

error_log: Final = logging.getLogger(__name__)
"""The logger for aiohttp: records our own errors, never malformed requests.

aiohttp quotes those, which could put a token into our log, and lets strangers write to it.
"""


class _OwnErrors(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        return not isinstance(error, HttpProcessingError)


error_log.addFilter(_OwnErrors())


def check_origin(request: web.Request, hosts: frozenset[str] | None) -> None:
    """Refuse requests made by pages of other sites, including those that use DNS rebinding.

    A write must be JSON, which no form of another site can send.

    Args:
        request: The request.
        hosts: The allowed Host names; see `hosts_of`.

    Raises:
        HTTPForbidden: The request comes from another site.
        HTTPUnsupportedMediaType: The request is a write and not JSON.
    """
    if hosts is not None and host_name(request) not in hosts:
        raise web.HTTPForbidden(text="this server is not called by that name")
    if request.method in (hdrs.METH_GET, hdrs.METH_HEAD):
        return
    if not is_same_site(request):
        raise web.HTTPForbidden(text="another site may not write here")
    if request.content_type != "application/json":
        raise web.HTTPUnsupportedMediaType(text="the body must be application/json")


def is_same_site(request: web.Request) -> bool:
    """Return whether a request comes from one of our own pages, or from a program rather than a page."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = request.headers.get(hdrs.ORIGIN)
    return origin is None or origin.partition("://")[2] == request.host


def hosts_of(host: str) -> frozenset[str] | None:
    """Return the allowed Host names of a server that listens on `host`, or None for any name.

    Only a loopback address restricts them: this defeats DNS rebinding, by which a page could read a server
    on 127.0.0.1 under its own name. Elsewhere other machines may connect anyway.
    """
    if not is_loopback(host):
        return None
    return frozenset({"localhost", "127.0.0.1", "::1", host.lower()})


def is_loopback(host: str) -> bool:
    """Return whether an address, or `localhost`, can be reached from this machine only."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def host_name(request: web.Request) -> str:
    """Return the name in a request's Host header in lower case, without port and brackets."""
    match = re.fullmatch(r"\[([^]]*)\](?::\d*)?|([^:]*)(?::\d*)?", request.host)
    return (match[1] or match[2] or "").lower() if match else ""
