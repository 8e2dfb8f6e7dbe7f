"""Asking a command to stop: first to finish what is in flight, then at once.

The command line requests a stop for each signal, a program by `Crawl.stop`. A first request does what the
innermost `on_stop` block says. Outside these blocks it cancels the command, and while the command releases
its resources it is only noted. A second request always cancels.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any


class Stop:
    """Requests to stop one command.

    Args:
        task: The task to cancel when the command does not stop by itself; None never cancels.

    Attributes:
        requested: Whether a request has come.
        came_late: Whether one came while the command released its resources.
    """

    def __init__(self, task: asyncio.Task[Any] | None = None) -> None:
        self.requested = False
        self.came_late = False
        self._releasing = 0
        self._leaves: list[Callable[[], None]] = []
        self._loop = asyncio.get_running_loop()
        self._task = task

    def request(self) -> None:
        """Request a stop; may be called from any thread, and between two bytecodes of any code."""
        self._loop.call_soon_threadsafe(self._act)

    @contextmanager
    def active(self) -> Iterator[None]:
        """Let the blocks and resources within this one react to requests."""
        token = _current.set(self)
        try:
            yield
        finally:
            _current.reset(token)

    def _act(self) -> None:
        again, self.requested = self.requested, True
        self.came_late = self.came_late or bool(self._releasing)
        if self._leaves:
            self._leaves[-1]()
        if self._task and (again or not (self._leaves or self._releasing)):
            self._task.cancel()

    @contextmanager
    def calling(self, leave: Callable[[], None]) -> Iterator[asyncio.Event]:
        """See `on_stop`."""
        requested = asyncio.Event()

        def act() -> None:
            requested.set()
            leave()

        self._leaves.append(act)
        try:
            if self.requested:
                act()
            yield requested
        finally:
            self._leaves.remove(act)

    def begin_release(self) -> None:
        """Note that a resource is being released."""
        self._releasing += 1

    def end_release(self) -> None:
        """Note that it has been released."""
        self._releasing -= 1


_current: ContextVar[Stop | None] = ContextVar("stop", default=None)


def current_stop() -> Stop | None:
    """Return what requests this command to stop, if anything does."""
    return _current.get()


@contextmanager
def on_stop(leave: Callable[[], None]) -> Iterator[asyncio.Event]:
    """Within the block, the first request calls `leave`; a second one cancels the command too.

    If a request came before the block and did not end the command, `leave` is called at once.

    Yields:
        An event that is set once a stop is requested.
    """
    stop = _current.get()
    if stop is None:
        yield asyncio.Event()
        return
    with stop.calling(leave) as requested:
        yield requested


class Releasing:
    """Keeps a first request from cutting off the release of resources half-way.

    Enter it before the resources are acquired, and call `begin` when their release begins. The command stops
    after that all the same.
    """

    def __init__(self) -> None:
        self._stop: Stop | None = None

    def begin(self) -> None:
        """Defer a first request from now on."""
        self._stop = _current.get()
        if self._stop:
            self._stop.begin_release()

    def __enter__(self) -> Releasing:
        return self

    def __exit__(self, *error: object) -> None:
        if self._stop:
            self._stop.end_release()
