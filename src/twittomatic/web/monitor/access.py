"""Access rules of the monitor: who may view it and who may use its buttons.

On a loopback address, every user of this machine may view. On any other address, viewing needs the token.
The buttons always need the token; without one, the monitor is read-only. Pages of other sites can neither
view (by DNS rebinding) nor press buttons (by a form).
"""

from __future__ import annotations

import hashlib
import hmac

from aiohttp import web

from twittomatic.errors import SettingsError
from twittomatic.web.http import host_name, is_loopback, is_same_site
from twittomatic.web.token import bearer, is_same

COOKIE = "twittomatic_monitor"


class Access:
    """The rules of one monitor.

    Args:
        host: MONITOR_HOST.
        token: The token, empty for none.

    Raises:
        SettingsError: Other machines can reach the monitor, and there is no token.
    """

    def __init__(self, host: str, token: str) -> None:
        self._is_local = is_loopback(host)
        self._token = token
        self._session = hmac.new(token.encode(), b"twittomatic monitor", hashlib.sha256).hexdigest()
        if not self._is_local and not token:
            raise SettingsError(
                f"MONITOR_HOST {host}: other machines can reach it, so it needs a secret; set MONITOR_TOKEN, "
                "or serve on 127.0.0.1 and connect through a tunnel."
            )

    @property
    def has_buttons(self) -> bool:
        """Whether the buttons can be used at all."""
        return bool(self._token)

    def accepts(self, token: str) -> bool:
        """Return whether a token is the right one."""
        return is_same(token, self._token)

    def is_known(self, request: web.Request) -> bool:
        """Return whether a request carries the token, or the cookie that was set in exchange for it."""
        if self.accepts(bearer(request)):
            return True
        return bool(self._token) and is_same(request.cookies.get(COOKIE, ""), self._session)

    def may_look(self, request: web.Request) -> bool:
        """Return whether a request may see the state of the crawl."""
        return self.is_known(request) or (self._is_local and is_loopback(host_name(request)))

    def may_press(self, request: web.Request) -> bool:
        """Return whether a request may change something."""
        return self.is_known(request) and is_same_site(request)

    def remember(self, response: web.StreamResponse, *, is_secure: bool) -> None:
        """Set the session cookie, which scripts cannot read and other sites cannot send."""
        response.set_cookie(
            COOKIE, self._session, httponly=True, samesite="Strict", secure=is_secure, max_age=30 * 86_400
        )

    def forget(self, response: web.StreamResponse) -> None:
        """Delete the session cookie."""
        response.del_cookie(COOKIE, httponly=True, samesite="Strict")
