"""The log of a process: one JSON object a line, in its own file in LOG_DIRECTORY."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from twittomatic.errors import StorageUnavailable

_FIELDS = {"job", "verdict", "reason", "phase", "count"}  # what our records carry besides their text


class _Lines(logging.Formatter):
    """One JSON object a line, whatever the texts hold."""

    def __init__(self, process: str) -> None:
        super().__init__()
        self._process = process

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "process": self._process,
            "event": record.getMessage(),
        }
        line |= {key: value for key, value in vars(record).items() if key in _FIELDS}
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return msgspec.json.encode(line).decode()


class _Log(logging.FileHandler):
    """A log file that warns once when it cannot be written, and does not stop the crawl."""

    def __init__(self, path: Path, warn: Callable[[str], None]) -> None:
        super().__init__(path, encoding="utf-8", errors="replace")
        self._warn = warn
        self._warned = False

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 (its name in `logging`)
        if not self._warned:
            self._warned = True
            why = getattr(sys.exc_info()[1], "strerror", None) or "it fails"
            self._warn(f"{self.baseFilename}: the log cannot be written ({why}); the crawl continues.")


def log_to(directory: Path, process: str, warn: Callable[[str], None]) -> None:
    """Write the log of this process to its own file.

    Args:
        directory: LOG_DIRECTORY; created if it is missing.
        process: Names the file, and is in each of its lines.
        warn: Called once, with a sentence, when the log can no longer be written.

    Raises:
        StorageUnavailable: it cannot be written there.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        handler = _Log(directory / f"{process}.jsonl", warn)
    except OSError as error:
        raise StorageUnavailable(
            f"LOG_DIRECTORY {directory} cannot be written ({error.strerror}); name another one."
        ) from None
    handler.setFormatter(_Lines(process))
    logger = logging.getLogger("twittomatic")
    for old in list(logger.handlers):
        logger.removeHandler(old)
        old.close()
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False
