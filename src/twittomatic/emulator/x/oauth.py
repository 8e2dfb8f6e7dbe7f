"""Renewal of OAuth 2.0 user tokens: access tokens expire, refresh tokens work once."""

import secrets
from collections.abc import Callable, Mapping
from typing import Any

LIFE_S = 7200.0
_PREFIX = "access-"


class Authority:
    """Renews user tokens.

    Any refresh token that has not been used yet is considered authorized.

    Args:
        clock: Returns unix seconds.
        time_scale: The factor by which access tokens live shorter than two hours.
    """

    def __init__(self, clock: Callable[[], float], *, time_scale: float = 1) -> None:
        self._clock = clock
        self._life_s = LIFE_S / time_scale
        self._used: set[str] = set()
        self._expiry: dict[str, float] = {}
        self._user: dict[str, str] = {}
        self.renewals = 0

    def is_user(self, token: str) -> bool:
        """Return whether a bearer token is a user's."""
        return token.startswith(_PREFIX)

    def is_live(self, token: str) -> bool:
        """Return whether a user's access token is accepted now."""
        return self._clock() < self._expiry.get(token, 0.0)

    def user_of(self, token: str) -> str:
        """Return a value that is the same for all tokens of one authorization."""
        return self._user.get(token, token)

    def renew(self, form: Mapping[str, str]) -> tuple[int, dict[str, Any]]:
        """Answer a token request: status and JSON."""
        token = form.get("refresh_token", "")
        if form.get("grant_type") != "refresh_token" or not token:
            return 400, {"error": "invalid_request", "error_description": "Missing required parameter."}
        if token in self._used:
            return 400, {
                "error": "invalid_grant",
                "error_description": "Value passed for the token was invalid.",
            }
        self._used.add(token)
        self.renewals += 1
        access, refresh = (prefix + secrets.token_urlsafe(24) for prefix in (_PREFIX, "refresh-"))
        self._expiry[access] = self._clock() + self._life_s
        self._user[access] = self._user[refresh] = self.user_of(token)
        return 200, {
            "token_type": "bearer",
            "expires_in": max(1, round(self._life_s)),
            "access_token": access,
            "refresh_token": refresh,
            "scope": "tweet.read users.read follows.read offline.access",
        }
