"""Background tasks: ended together, and none of their unexpected errors lost."""

from __future__ import annotations

import asyncio
import logging
import sys
from typing import Any

from twittomatic.errors import TwittomaticError

_logger = logging.getLogger(__name__)


async def ended(*tasks: asyncio.Future[Any]) -> None:
    """Cancel tasks and wait for them; log an unexpected error of one, unless it is being raised already.

    Args:
        tasks: Those that nobody waits for any more; they may have ended before.
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
