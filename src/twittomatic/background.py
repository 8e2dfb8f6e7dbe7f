"""Cancellation of background tasks without losing their unexpected errors."""

from __future__ import annotations

import asyncio
import logging
import sys
from typing import Any

from twittomatic.errors import TwittomaticError

_logger = logging.getLogger(__name__)


async def ended(*tasks: asyncio.Future[Any]) -> None:
    """Cancel tasks and wait for them; log unexpected errors, except for one that is being raised already.

    Args:
        tasks: Tasks that nothing awaits any more; they may have ended already.
    """
    raised = sys.exc_info()[1]
    for task in tasks:
        task.cancel()
    for result in await asyncio.gather(*tasks, return_exceptions=True):
        if (
            isinstance(result, Exception)
            and result is not raised
            and not isinstance(result, TwittomaticError)
        ):
            _logger.error("A background task failed: %s", type(result).__name__, exc_info=result)
