"""Runs an asynchronous command: its loop, its signals, its log."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import click
import msgspec
import uvloop

from twittomatic.errors import StorageUnavailable

_T = TypeVar("_T")
_OURS = {"job", "verdict", "reason", "phase", "count"}  # what our records carry besides their text


def run_async(main: Coroutine[Any, Any, _T]) -> _T:
    """Run a coroutine to its end on a fast loop.

    Raises:
        KeyboardInterrupt: it was told to end a second time, and did at once.
    """
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        try:
            return runner.run(main)
        except asyncio.CancelledError:
            raise KeyboardInterrupt from None


@contextmanager
def on_signals(leave: Callable[[], None]) -> Iterator[asyncio.Event]:
    """Within the block, SIGTERM and SIGINT call `leave`; a second one ends the task at once.

    Yields:
        An event that is set once a signal came.
    """
    loop = asyncio.get_running_loop()
    task = asyncio.current_task()
    told = asyncio.Event()

    def handle() -> None:
        if told.is_set() and task:
            task.cancel()
        told.set()
        leave()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, handle)
    try:
        yield told
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)


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
        line |= {key: value for key, value in vars(record).items() if key in _OURS}
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return msgspec.json.encode(line).decode()


class _Log(logging.FileHandler):
    """A log that says once that it cannot be written, and stops nobody: what was bought is in the dataset."""

    told = False

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 (its name in `logging`)
        if not self.told:
            self.told = True
            why = getattr(sys.exc_info()[1], "strerror", None) or "it fails"
            click.echo(f"{self.baseFilename}: the log is not written ({why}); the crawl goes on.", err=True)


def log_to(directory: Path, process: str) -> None:
    """Send the log of this process to a file of its own in LOG_DIRECTORY.

    Raises:
        StorageUnavailable: it cannot be written there.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        handler = _Log(directory / f"{process}.jsonl", encoding="utf-8", errors="replace")
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
