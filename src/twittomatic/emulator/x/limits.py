"""Rate limits: fixed windows that open with the first request of a bucket.

A bucket is one credential on one endpoint, regardless of the target (X docs, fundamentals/rate-limits).
"""

import math
from collections.abc import Callable, Mapping

import msgspec

from .endpoints import ENDPOINTS

WINDOW_S = 900.0


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """The result of counting one request.

    Attributes:
        allowed: Whether the request may be answered; if not, it is a violation.
        limit: Requests per window.
        remaining: Requests left after this one.
        reset: The unix second, rounded up, by which the window is over.
    """

    allowed: bool
    limit: int
    remaining: int
    reset: int

    @property
    def headers(self) -> dict[str, str]:
        """The three rate-limit headers of every response."""
        return {
            "x-rate-limit-limit": str(self.limit),
            "x-rate-limit-remaining": str(self.remaining),
            "x-rate-limit-reset": str(self.reset),
        }


class Limits:
    """Counts requests in windows.

    Args:
        clock: Returns unix seconds.
        time_scale: The factor by which windows are shorter than 15 minutes.
        limits: Requests per window for some endpoints, instead of X's own limits.

    Raises:
        ValueError: The scale is not a positive number, or an endpoint is unknown.
    """

    def __init__(
        self, clock: Callable[[], float], *, time_scale: float = 1, limits: Mapping[str, int] | None = None
    ) -> None:
        if not (time_scale > 0 and math.isfinite(time_scale)):
            raise ValueError(f"the time scale must be a positive number, not {time_scale}")
        self._clock = clock
        self._window_s = WINDOW_S / time_scale
        self._limits: dict[str, int] = {endpoint.name: endpoint.limit for endpoint in ENDPOINTS}
        self._user_limits: dict[str, int] = {endpoint.name: endpoint.user_limit for endpoint in ENDPOINTS}
        for name, limit in (limits or {}).items():
            if name not in self._limits:
                raise ValueError(f"there is no endpoint '{name}'; there are {', '.join(self._limits)}")
            self._limits[name] = limit
        self._windows: dict[tuple[str, str], tuple[float, int]] = {}

    def take(self, credential: str, endpoint: str, *, of_user: bool = False) -> Verdict:
        """Count one request and return whether it may be answered.

        Args:
            credential: The credential of the request.
            endpoint: The endpoint of the request.
            of_user: Whether the credential is a user's rather than an app's.
        """
        now = self._clock()
        limit = (self._user_limits if of_user else self._limits)[endpoint]
        opened_at, used = self._windows.get((credential, endpoint), (now, 0))
        if now >= opened_at + self._window_s:
            opened_at, used = now, 0
        allowed = used < limit
        used += allowed
        self._windows[credential, endpoint] = opened_at, used
        return Verdict(
            allowed=allowed,
            limit=limit,
            remaining=limit - used,
            reset=math.ceil(opened_at + self._window_s),
        )
