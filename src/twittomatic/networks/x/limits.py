"""How often X may be asked.

Source: docs.x.com, x-api/fundamentals/rate-limits, as of 2026-08-22. Windows are per endpoint and credential,
whoever the target is. Headers may say other numbers, and they are right.
"""

from __future__ import annotations

from collections.abc import Mapping

from twittomatic.networks.base import Limit

AS_OF = "2026-08-22"
SOURCE = "https://docs.x.com/x-api/fundamentals/rate-limits"

_WINDOW_S = 15 * 60.0


def _each(**requests: int) -> Mapping[str, Limit]:
    return {endpoint: Limit(requests=number, window_s=_WINDOW_S) for endpoint, number in requests.items()}


APP = _each(users=300, users_by=300, followers=300, following=300, timeline=10_000, usage=50)
"""Requests of one app, with its bearer token."""

USER = _each(users=900, users_by=900, followers=300, following=300, timeline=900)
"""Requests of one user, with an OAuth 1.0a or OAuth 2.0 user token; X's usage is for apps only."""
