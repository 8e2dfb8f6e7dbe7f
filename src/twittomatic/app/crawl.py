"""A whole crawl in one process: master and worker together."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager, closing
from pathlib import Path
from types import TracebackType
from typing import Self, SupportsIndex

from twittomatic.app.lead import leading, seeds, status_of, watched
from twittomatic.app.observer import Observer
from twittomatic.app.outcome import Outcome, Result
from twittomatic.app.plan import buy_quote, known_quote
from twittomatic.app.runtime import Runtime
from twittomatic.app.start import before_work, begin, targets_or_timelines
from twittomatic.app.stop import Stop, current_stop
from twittomatic.background import ended
from twittomatic.crawler.master import Master
from twittomatic.crawler.worker import Worker
from twittomatic.errors import Interrupted, SettingsError
from twittomatic.model import MODULES, modules_of
from twittomatic.planning import targets
from twittomatic.planning.quote import Quote
from twittomatic.planning.targets import Targets
from twittomatic.settings import Settings
from twittomatic.state.status import CrawlStatus
from twittomatic.storage.journal import Journal

Given = Targets | Iterable[str | SupportsIndex | Path] | str | SupportsIndex | Path
"""Targets: user ids, names with an @, profile URLs, or files with one of these a line."""


class Crawl:
    """A crawl that this process runs on its own.

    Enter it to open the state of the crawl, which resumes where it stopped:

        async with Crawl(settings, "F") as crawl:
            async for status in crawl.run(["@name"]):
                print(status.phase)

    Leaving it finishes the pages in flight; `run` again, or the same crawl in another process, resumes.

    Args:
        settings: The settings; by default those of the environment and of twittomatic.toml.
        modules: Letters of what to do to each target: T timeline, F followers, A analyze, U update.
        observer: Receives quotes, warnings and progress.
        until_spent: Whether to begin even if the budget does not cover the quote.
        logs: Whether to write a log in LOG_DIRECTORY.

    Attributes:
        result: How the last run ended; None before.

    Raises:
        SettingsError: a setting or a letter of `modules` is not allowed.
        TypeError: the settings or the observer are of another type.
    """

    def __init__(
        self,
        settings: Settings | None = None,
        modules: str = "TFA",
        *,
        observer: Observer | None = None,
        until_spent: bool = False,
        logs: bool = False,
    ) -> None:
        if not isinstance(settings, Settings | None):
            raise TypeError(
                f"settings: {settings!r} is not allowed; give Settings(...) or Settings.load(...)."
            )
        if not isinstance(observer, Observer | None):
            raise TypeError(
                f"observer: {observer!r} is not allowed; give an instance of a subclass of Observer, "
                "whose methods receive what the crawl reports."
            )
        self.result: Result | None = None
        self._settings = settings or Settings.load()
        self._modules = _ordered(modules)
        self._observer = observer or Observer()
        self._until_spent = until_spent
        self._logs = logs
        self._exits = AsyncExitStack()
        self._stops: list[Stop] = []  # of the runs that have not ended
        self._turn = asyncio.Lock()
        self._runtime: Runtime | None = None

    async def __aenter__(self) -> Self:
        self._runtime = await self._exits.enter_async_context(
            Runtime.open(
                self._settings,
                self._modules,
                "local",
                log_warning=self._observer.warning if self._logs else None,
            )
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        async with self._turn:  # the run in progress has finished its pages
            self._runtime = None
        await self._exits.__aexit__(kind, error, trace)

    @property
    def runtime(self) -> Runtime:
        """The crawl's parts.

        Raises:
            RuntimeError: the crawl has not been entered, or it has been left.
        """
        if not self._runtime:
            raise RuntimeError("Enter the crawl first: `async with Crawl(...) as crawl`.")
        return self._runtime

    def stop(self) -> None:
        """Finish the pages in flight and end; may be called from any thread."""
        for stop in [*self._stops]:
            stop.request()

    async def status(self) -> CrawlStatus:
        """Return the status of the crawl."""
        return await status_of(self.runtime)

    async def quote(self, given: Given, *, buy_profiles: bool = False) -> Quote:
        """Quote a crawl of targets, without beginning it.

        Args:
            given: The targets.
            buy_profiles: Whether to buy the profiles that the quote needs and that are not known yet; without
                them `Quote.plan.unknown` says how many targets the quote knows nothing about. Such a quote
                waits for the end of a run in progress, which may buy the same profiles.

        Raises:
            BudgetExhausted: the budget does not cover the profiles.
            RuntimeError: the crawl was stopped or left before the quote was complete.
            SettingsError: there is no target.
        """
        if not buy_profiles:
            wanted = await self._targets(given)
            builder, _ = await known_quote(self.runtime, wanted, None, self._observer)
            return await builder.quote()
        try:
            async with self._turn_of(current_stop() or Stop()):
                wanted = await self._targets(given)
                await self.runtime.account.accept()
                builder = await buy_quote(self.runtime, wanted, None, self._observer)
                return await builder.quote()
        except Interrupted:
            raise RuntimeError(
                "The crawl was stopped before its quote was complete; profiles already bought are kept."
            ) from None

    async def run(self, given: Given = (), *, interval_s: float = 1.0) -> AsyncIterator[CrawlStatus]:
        """Crawl, and yield the status of the crawl until it has ended; `result` says how.

        To leave the loop early finishes the pages in flight. A run waits for the end of an earlier one.

        Args:
            given: The targets; none with modules `U` updates every timeline of the dataset.
            interval_s: Seconds between two statuses.

        Raises:
            CrawlMustPause: the budget does not cover the quote, or the network stops us.
            TwittomaticError: the crawl cannot continue.
        """
        stop = current_stop() or Stop()
        working = asyncio.create_task(self._in_turn(stop, given))
        try:
            while not (await asyncio.wait([working], timeout=interval_s))[0]:
                yield await self.status()
            if (status := working.result().status) is not None:
                yield status
        except asyncio.CancelledError:
            await ended(working)
            raise
        finally:
            if not working.done():
                stop.request()
                await asyncio.gather(working, return_exceptions=True)

    async def complete(self, given: Given = ()) -> Result:
        """Crawl until it has ended, and return how; otherwise as `run`."""
        return await self._in_turn(current_stop() or Stop(), given)

    @asynccontextmanager
    async def _turn_of(self, stop: Stop) -> AsyncIterator[None]:
        """Wait until what buys has ended: two runs at once would hold the same jobs, and buy a page twice."""
        self._stops.append(stop)
        try:
            async with self._turn:
                self.runtime.halt.clear()  # an earlier run has set it
                with stop.active():
                    yield
        finally:
            self._stops.remove(stop)

    async def _in_turn(self, stop: Stop, given: Given) -> Result:
        async with self._turn_of(stop):
            runtime, observer = self.runtime, self._observer
            wanted = await self._targets(given)
            await runtime.account.accept()
            try:
                with before_work(runtime, observer):
                    ids = await seeds(runtime, wanted, observer, check=True)
                async with leading(runtime) as leadership:
                    master = runtime.master(leadership)
                    async with leadership.kept():
                        with before_work(runtime, observer):
                            await begin(
                                runtime, master, leadership, ids, observer, until_spent=self._until_spent
                            )
                    async with own_worker(runtime, "local") as worker:
                        self.result = await watched(
                            runtime, observer, run_together(master, worker), worker.leave
                        )
            except Interrupted:
                self.result = Result(outcome=Outcome.INTERRUPTED)
            return self.result

    async def _targets(self, given: Given) -> Targets:
        wanted = (
            given
            if isinstance(given, Targets)
            else await asyncio.to_thread(_read, given, self._settings.network)
        )
        wanted = await targets_or_timelines(self.runtime.layout, self._modules, wanted)
        if not wanted:
            raise SettingsError("There is no target: name a user id, an @name, or a file with one a line.")
        return wanted


@asynccontextmanager
async def own_worker(runtime: Runtime, name: str) -> AsyncIterator[Worker]:
    """Yield a worker that runs in its master's process, with a journal called `CRAWL.NAME`."""
    path = runtime.layout.journal(f"{runtime.settings.crawl}.{name}")
    with closing(await asyncio.to_thread(Journal, path)) as journal:
        yield runtime.worker(journal, has_own_master=True)


async def run_together(master: Master, worker: Worker) -> CrawlStatus:
    """Run both until the crawl ends, is stopped, or the worker leaves; the worker finishes its pages.

    Returns:
        The status of the crawl at that time.

    Raises:
        TwittomaticError: one of them cannot continue.
    """
    leading = asyncio.create_task(master.run())
    working = asyncio.create_task(worker.run())
    try:
        await asyncio.wait([leading, working], return_when=asyncio.FIRST_COMPLETED)
        worker.leave()
        await working  # while the master still leads, so that nobody takes its jobs
        master.leave()
        return await leading
    finally:
        await ended(leading, working)


def _ordered(modules: str) -> str:
    """Return the letters of modules in their order.

    Raises:
        SettingsError: there is none, or one that is no module's.
    """
    if not isinstance(modules, str):
        raise SettingsError(f"modules: {modules!r} is not allowed; give letters, such as 'TF'.")
    try:
        letters = "".join(MODULES[module].letter for module in modules_of(modules.upper()))
    except ValueError as error:
        raise SettingsError(f"modules: {modules!r} is not allowed; {error}.") from None
    if not letters:
        raise SettingsError("modules: give at least one letter, such as F.")
    return letters


def _read(given: Given, network: str) -> Targets:
    """Read the targets given.

    Raises:
        SettingsError: one of them is not a target.
        TypeError: one of them can be none, whatever its value: None, bytes, True.
    """
    listed = [given] if isinstance(given, str | bytes | Path) or not isinstance(given, Iterable) else given
    texts = []
    for target in listed:
        if target is None or isinstance(target, bool | bytes | bytearray):
            raise TypeError(f"{target!r} is not a target: give a user id, an '@name', or the path of a file.")
        texts.append(str(target))
    return targets.read(texts, network=network)
