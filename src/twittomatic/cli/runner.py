"""Run an asynchronous command: its event loop, and the signals that stop it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any, TypeVar

import uvloop

from twittomatic.app.stop import Stop
from twittomatic.cli import signals, streams

_logger = logging.getLogger(__name__)
_T = TypeVar("_T")


def run_async(main: Coroutine[Any, Any, _T]) -> _T:
    """Run a coroutine to its end on a fast loop; each signal requests it to stop.

    Raises:
        KeyboardInterrupt: a signal ended it.
    """
    noted = 0

    def note() -> None:
        """Note a signal that comes before the command's first step, or while threads end."""
        nonlocal noted
        noted += 1
        if noted > 1:
            raise KeyboardInterrupt

    async def command() -> _T:
        nonlocal noted
        asyncio.get_running_loop().set_exception_handler(_log_unhandled)
        stop = Stop(asyncio.current_task())
        with signals.caught(), signals.acting(stop.request), stop.active():
            if noted:
                raise asyncio.CancelledError
            result = await main
            noted += stop.came_late
            return result

    with signals.acting(note), streams.forgiving():
        try:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                result = runner.run(command())
        except asyncio.CancelledError:
            raise KeyboardInterrupt from None
        finally:
            main.close()
    if noted:
        raise KeyboardInterrupt
    return result


def _log_unhandled(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Log an error that nothing awaited, instead of printing it where it is not kept."""
    _logger.error("In the background: %s", context["message"], exc_info=context.get("exception"))
