"""What credentials may still ask of a network: their windows as they stand, changed by nobody who looks."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

import msgspec

from twittomatic.state.connection import Connection
from twittomatic.state.keys import NetworkKeys


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """What one credential may still ask of one endpoint.

    Attributes:
        credential: Its name.
        endpoint: Of the network.
        limit: Requests of a whole window.
        left: Requests that are left now.
        opens_in_s: Seconds until it is whole again, 0 when it is.
    """

    credential: str
    endpoint: str
    limit: int
    left: int
    opens_in_s: float


async def look_at_windows(
    connection: Connection, keys: NetworkKeys, places: Iterable[tuple[str, str]], now: float
) -> list[Window]:
    """Look at windows, one command each, all in one round trip; those that were never opened are left out.

    Args:
        connection: To the server.
        keys: Of the account.
        places: Name of a credential and endpoint, of each.
        now: Seconds since the epoch by the server's clock.
    """
    places = list(places)
    found = await asyncio.gather(
        *[
            connection.call("HMGET", f"{keys.windows}{name}:{endpoint}", "limit", "used", "reset", "shut")
            for name, endpoint in places
        ]
    )
    windows = []
    for (name, endpoint), (limit, used, reset, shut) in zip(places, found, strict=True):
        if limit is None:
            continue
        resets_in_s, shut_for_s = (max(0.0, int(at or 0) / 1000 - now) for at in (reset, shut))
        left = int(limit) - int(used or 0) if resets_in_s else int(limit)
        windows.append(
            Window(
                credential=name,
                endpoint=endpoint,
                limit=int(limit),
                left=0 if shut_for_s else max(0, left),
                opens_in_s=max(resets_in_s, shut_for_s),
            )
        )
    return windows
