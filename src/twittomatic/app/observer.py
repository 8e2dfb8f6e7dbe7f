"""What the application layer reports while it works."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

from twittomatic.planning.quote import Quote
from twittomatic.state.status import CrawlStatus

_log = logging.getLogger(__name__)


class Observer:
    """Receives what a command reports; override what you need.

    A warning goes to Python's logging unless overridden, which prints it to standard error by default; the
    other methods here do nothing.

    Methods are called on the event loop of the command, and must not block it.
    """

    def info(self, sentence: str) -> None:
        """Receive a sentence on what the command does."""

    def warning(self, sentence: str) -> None:
        """Receive a sentence on something that the user should know: a wait, or a choice made for them."""
        _log.warning("%s", sentence)

    def quoted(self, quote: Quote) -> None:
        """Receive the quote of a crawl that is about to begin."""

    async def watch(self, status: Callable[[], Awaitable[CrawlStatus]]) -> None:
        """Follow a crawl while it runs; cancelled when it ends.

        Args:
            status: Reads the status of the crawl.
        """
