"""Runs an asynchronous command: its loop, its signals, its log."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import click
import msgspec
import uvloop

from twittomatic.app import signals, streams
from twittomatic.errors import StorageUnavailable

_logger = logging.getLogger(__name__)
_T = TypeVar("_T")
_OURS = {"job", "verdict", "reason", "phase", "count"}  # what our records carry besides their text


class _Session:
    """An asynchronous command, as signals see it.

    A first signal does what the innermost `on_signals` block says. Outside of these blocks it cancels the
    command, and while the command releases what it holds it is only noted. A second one always cancels.
    """

    def __init__(self) -> None:
        self.told = False
        self.told_late = False
        self.releasing = 0
        self.leaves: list[Callable[[], None]] = []
        self._loop = asyncio.get_running_loop()
        self._task = asyncio.current_task()

    def notify(self) -> None:
        """Pass a signal on to the loop, from between two bytecodes of anything."""
        self._loop.call_soon_threadsafe(self._obey)

    def _obey(self) -> None:
        again, self.told = self.told, True
        self.told_late = self.told_late or bool(self.releasing)
        if self.leaves:
            self.leaves[-1]()
        if self._task and (again or not (self.leaves or self.releasing)):
            self._task.cancel()


_current: _Session | None = None


@contextmanager
def _session() -> Iterator[_Session]:
    """Let signals reach this command for a block; within another such block, that one counts."""
    global _current
    if _current:
        yield _current
        return
    _current = _Session()
    try:
        with signals.caught(), signals.acting(_current.notify):
            yield _current
    finally:
        _current = None


def run_async(main: Coroutine[Any, Any, _T]) -> _T:
    """Run a coroutine to its end on a fast loop.

    Raises:
        KeyboardInterrupt: a signal ended it.
    """
    told = 0

    def note() -> None:
        """Note a signal before the command's first step, or while threads come to their end."""
        nonlocal told
        told += 1
        if told > 1:
            raise KeyboardInterrupt

    async def session() -> _T:
        nonlocal told
        asyncio.get_running_loop().set_exception_handler(_log_lost)
        with _session() as current:
            if told:
                raise asyncio.CancelledError
            result = await main
            told += current.told_late
            return result

    with signals.acting(note), streams.forgiving():
        try:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                result = runner.run(session())
        except asyncio.CancelledError:
            raise KeyboardInterrupt from None
        finally:
            main.close()
    if told:
        raise KeyboardInterrupt
    return result


def _log_lost(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Log an error that nobody waited for, instead of printing it where it is not kept."""
    _logger.error("In the background: %s", context["message"], exc_info=context.get("exception"))


@contextmanager
def on_signals(leave: Callable[[], None]) -> Iterator[asyncio.Event]:
    """Within the block, the first signal calls `leave`; a second one cancels the command too.

    Where a signal has come before the block and did not end the command, `leave` is called at once.

    Yields:
        An event that is set once a signal came.
    """
    told = asyncio.Event()

    def obey() -> None:
        told.set()
        leave()

    with _session() as session:
        session.leaves.append(obey)
        try:
            if session.told:
                obey()
            yield told
        finally:
            session.leaves.remove(obey)


class Releasing:
    """Protects the release of resources from a first signal, so that it is not cut off half-way.

    Enter it before the resources are acquired, and call `begin` when their release begins. The command ends
    with 130 all the same.
    """

    def __init__(self) -> None:
        self._session: _Session | None = None

    def begin(self) -> None:
        """Let a first signal wait from now on."""
        self._session = _current
        if self._session:
            self._session.releasing += 1

    def __enter__(self) -> Releasing:
        return self

    def __exit__(self, *error: object) -> None:
        if self._session:
            self._session.releasing -= 1


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
