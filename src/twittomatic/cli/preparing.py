"""What goes before the work on a crawl: a signal ends it, and it says when it waits."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import click

from twittomatic.app.runner import on_signals
from twittomatic.app.runtime import Runtime
from twittomatic.clock import SystemClock, utc
from twittomatic.errors import Interrupted

_SHORT_S = 5.0  # a wait that nobody notices


@contextmanager
def preparing(parts: Runtime) -> Iterator[None]:
    """Within the block, a signal ends it behind the request in flight, and a wait for a window is told.

    Raises:
        Interrupted: a signal came; what was bought is kept.
    """
    until = utc(0)

    def say(endpoint: str, seconds: float) -> None:
        nonlocal until
        opens_at = utc(SystemClock().now() + seconds)
        if seconds > _SHORT_S and opens_at - until > timedelta(seconds=_SHORT_S):
            until = opens_at
            click.echo(
                f"No more {endpoint} requests are allowed for now; waiting until "
                f"{opens_at:%Y-%m-%d %H:%M:%S} UTC ...",
                err=True,
            )

    parts.fetcher.waiting = say
    try:
        with on_signals(parts.halt.set) as told:
            yield
    finally:
        parts.fetcher.waiting = None
    if told.is_set():
        raise Interrupted("Told to end before the crawl was at work; what was bought is kept.")
