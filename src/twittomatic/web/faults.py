"""What goes wrong while a request is answered, as the log is told of it."""

from __future__ import annotations

import logging
from typing import Final

from aiohttp.http import HttpProcessingError

log: Final = logging.getLogger(__name__)
"""For aiohttp: told of faults of ours, never of requests that are no HTTP.

It would quote those, and with them the token that one may bring; and whoever sends them would write our log.
"""


class _Ours(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        return not isinstance(error, HttpProcessingError)


log.addFilter(_Ours())
