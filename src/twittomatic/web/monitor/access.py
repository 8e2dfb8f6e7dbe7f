"""Who may look and who may press a button.

Bound to this machine alone, everybody on it may look. Bound elsewhere, nobody may without the token. The
buttons work for who has the token, and for nobody where there is none: then the monitor is read-only. Other
sites can neither look, by a name of theirs that leads here, nor press, by a form of theirs.
"""

from __future__ import annotations

import hashlib
import hmac
from urllib.parse import urlsplit

from aiohttp import web

from twittomatic.errors import SettingsError
from twittomatic.web.http import is_loopback, is_own_origin
from twittomatic.web.token import bearer, is_same

COOKIE = "twittomatic_monitor"


class Access:
    """The rules of one monitor.

    Args:
        host: MONITOR_HOST.
        token: The token, empty for none.

    Raises:
        SettingsError: others would reach it, and there is no token.
    """

    def __init__(self, host: str, token: str) -> None:
        self._is_local = is_loopback(host)
        self._token = token
        self._session = hmac.new(token.encode(), b"twittomatic monitor", hashlib.sha256).hexdigest()
        if not self._is_local and not token:
            raise SettingsError(
                f"MONITOR_HOST {host}: other machines can reach it, so it needs a secret; set MONITOR_TOKEN, "
                "or serve on 127.0.0.1 and come through a tunnel."
            )

    @property
    def has_buttons(self) -> bool:
        """Whether anybody may press a button."""
        return bool(self._token)

    def accepts(self, token: str) -> bool:
        """Tell whether a token is the right one."""
        return is_same(token, self._token)

    def is_known(self, request: web.Request) -> bool:
        """Tell whether a request brings the token, or the cookie that a page got for it."""
        if self.accepts(bearer(request)):
            return True
        return bool(self._token) and is_same(request.cookies.get(COOKIE, ""), self._session)

    def may_look(self, request: web.Request) -> bool:
        """Tell whether a request may be answered with what the crawl does."""
        return self.is_known(request) or (self._is_local and is_loopback(_hostname(request.host)))

    def may_press(self, request: web.Request) -> bool:
        """Tell whether a request may change something."""
        return self.is_known(request) and is_same_site(request)

    def remember(self, response: web.StreamResponse, *, is_secure: bool) -> None:
        """Give a page its cookie, which no script reads and no other site sends."""
        response.set_cookie(
            COOKIE, self._session, httponly=True, samesite="Strict", secure=is_secure, max_age=30 * 86_400
        )

    def forget(self, response: web.StreamResponse) -> None:
        """Take the cookie back."""
        response.del_cookie(COOKIE, httponly=True, samesite="Strict")


def is_same_site(request: web.Request) -> bool:
    """Tell whether a request comes from a page of ours, or from no page at all, as a script's does."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site in ("same-origin", "none")
    return is_own_origin(request)


def _hostname(host: str) -> str:
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""
