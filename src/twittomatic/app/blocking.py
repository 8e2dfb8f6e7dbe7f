"""A crawl in one call, for scripts and notebooks."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import uvloop

from twittomatic.app.crawl import Crawl, Given
from twittomatic.app.observer import Observer
from twittomatic.app.outcome import Result
from twittomatic.app.stop import Stop
from twittomatic.settings import Settings

_STARTS_S = 1.0  # within which a thread starts


def crawl(
    given: Given = (),
    modules: str = "TFA",
    *,
    observer: Observer | None = None,
    until_spent: bool = False,
    **settings: Any,
) -> Result:
    """Crawl in a script or a notebook, and return how it ended.

    The crawl runs in a thread with its own event loop, so a loop may be running already, as in Jupyter.
    An interrupt (Ctrl-C) finishes the pages in flight; a second one does not wait for them. The same call
    resumes.

        twittomatic.crawl(["@name"], modules="TFA", max_depth=1, budget_usd=25)

    Args:
        given: The targets: user ids, names with an @, profile URLs, or files with one of these a line.
        modules: Letters of what to do to each target: T timeline, F followers, A analyze, U update.
        observer: Receives quotes, warnings and progress, in the other thread.
        until_spent: Whether to begin even if the budget does not cover the quote.
        settings: Values of settings, by lower-case name; the others come from the environment and from
            twittomatic.toml.

    Raises:
        TwittomaticError: the crawl cannot start or continue.
        KeyboardInterrupt: it was interrupted.
    """
    chosen = Settings.load(**settings)
    return _InThread(lambda: Crawl(chosen, modules, observer=observer, until_spent=until_spent), given).wait()


class _InThread:
    """A crawl on an event loop in another thread."""

    def __init__(self, make: Callable[[], Crawl], given: Given) -> None:
        self._make = make
        self._given = given
        self._stop: Stop | None = None
        self._interrupted = False
        self._result: Result | None = None
        self._error: BaseException | None = None
        self._begun = threading.Event()
        self._ended = threading.Event()

    def wait(self) -> Result:
        """Start the thread and wait for the result; an interrupt requests a stop, and is raised at the end.

        An interrupt while the thread starts counts too: left alone, the thread would crawl on while the
        interpreter shuts down around it.
        """
        thread = threading.Thread(target=self._run, name="twittomatic crawl")
        is_started = False
        while not self._ended.is_set():
            try:
                if not is_started:
                    is_started = True
                    thread.start()
                self._ended.wait()
            except KeyboardInterrupt:
                self._interrupted = True
                if self._stop:
                    self._stop.request()
                elif not self._begun.wait(_STARTS_S):
                    raise  # before there was a thread
        if self._interrupted:
            raise KeyboardInterrupt
        if self._error:
            raise self._error
        assert self._result
        return self._result

    def _run(self) -> None:
        self._begun.set()
        try:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                self._result = runner.run(self._crawl())
        except BaseException as error:  # noqa: BLE001 - raised in the thread of the caller
            self._error = error
        finally:
            self._ended.set()

    async def _crawl(self) -> Result:
        self._stop = Stop(asyncio.current_task())
        if self._interrupted:
            raise asyncio.CancelledError
        with self._stop.active():
            async with self._make() as crawl:
                return await crawl.complete(self._given)
