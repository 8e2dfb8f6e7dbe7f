"""Signal handling of a process, from its first import to its exit.

SIGTERM, SIGINT and SIGHUP (a closed terminal, a dropped connection) all ask a command to end. The handlers
are installed once and stay. What a signal does depends on what the process is doing:

    importing, exiting        exit at once with 130: nothing has begun, or everything is written
    code without a loop       KeyboardInterrupt
    an asynchronous command   see `cli.runner`
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from twittomatic.cli.exitcodes import INTERRUPTED

_NUMBERS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def catch() -> None:
    """Install the handlers for the rest of the process; a SIGHUP ignored by `nohup` stays ignored."""
    for number in _NUMBERS:
        if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _handle)


@contextmanager
def caught() -> Iterator[None]:
    """Install the handlers for a block, unless the process has them already."""
    before = {number: signal.getsignal(number) for number in _NUMBERS}
    catch()
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def acting(action: Callable[[], None]) -> Iterator[None]:
    """Call `action` for each signal within the block.

    Args:
        action: Called between two bytecodes of the main thread, so it may raise but must not touch a loop.
    """
    _actions.append(action)
    try:
        yield
    finally:
        _actions.remove(action)


def interrupt() -> None:
    """Raise KeyboardInterrupt: the action for code that has nothing to finish."""
    raise KeyboardInterrupt


def _exit_at_once() -> None:
    os._exit(INTERRUPTED)


_actions: list[Callable[[], None]] = [_exit_at_once]


def _handle(number: int, frame: object) -> None:
    _actions[-1]()
