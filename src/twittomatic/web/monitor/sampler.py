"""Reads a crawl's status once a second for all open pages, and keeps its history.

However many pages are open, one sampler asks the state server. It waits where there is no crawl or no
server, and whatever happens to it, a crawl does not notice.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, contextmanager
from pathlib import Path
from typing import Any

import msgspec

from twittomatic.app.forecast import Growth, forecast
from twittomatic.app.status import document
from twittomatic.errors import StateUnavailable, TwittomaticError
from twittomatic.model import MICROS_PER_USD, Module
from twittomatic.state.admin import JobAdmin
from twittomatic.state.connection import Connection
from twittomatic.state.keys import CrawlKeys
from twittomatic.state.status import CrawlStatus, read_status
from twittomatic.state.stream import EventStream
from twittomatic.web.monitor.history import PLACES, SERIES, History
from twittomatic.web.monitor.logs import Tail
from twittomatic.web.monitor.workers import WorkerList

_LOOK_S = 1.0
_PATIENCE_S = 2.0  # for a server that is away, before the page says so
_SAVE_S = 10.0  # between writes of the history: what a kill of the monitor loses
_DEAD = 100  # jobs that are shown
_FIRST_DELAY_S, _LONGEST_DELAY_S = 0.25, 2.0
_log = logging.getLogger(__name__)


class Sampler:
    """Reads the status of one crawl.

    Args:
        crawl: Its name.
        connect: Opens a connection to its state server, for a block.
        account: Account whose ledger is shown if the crawl was never started.
        budget: Micro-dollars that are shown as the budget until the server was read.
        log_directory: LOG_DIRECTORY, where the history is kept too.

    Attributes:
        status: The status of the crawl, as last read.
        has_read: Whether its status was ever read.
        away: Why the status cannot be read at the moment, in one sentence; empty if it can.
        tail: The logs of the crawl.
        history: The history of the crawl.
    """

    def __init__(
        self,
        *,
        crawl: str,
        connect: Callable[[], AbstractAsyncContextManager[Connection]],
        account: str,
        budget: int | None,
        log_directory: Path,
    ) -> None:
        self.keys = CrawlKeys(crawl)
        self.status = CrawlStatus(crawl=crawl, budget=budget)
        self.has_read = False
        self.away = "The monitor has only just begun to look."
        self.tail = Tail(log_directory, crawl)
        self.history = History(log_directory / f"{crawl}.monitor.history")
        self._workers = WorkerList(self.history.gone, self.history.leaders)
        self._connect = connect
        self._account = account
        self._connection: Connection | None = None
        self._pages = 0
        self._number = 0
        self._shown = b"{}"
        self._changed = asyncio.Condition()
        self._saved_at = float("-inf")

    @property
    def connection(self) -> Connection:
        """The connection to the state server.

        Raises:
            StateUnavailable: the server is away.
        """
        if self._connection is None:
            raise StateUnavailable(self.away)
        return self._connection

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Count a page as open within the block: what only pages show is read while one is open."""
        self._pages += 1
        try:
            yield
        finally:
            self._pages -= 1

    async def next(self, after: int) -> tuple[int, bytes]:
        """Wait for a view newer than number `after`; return its number, and the JSON that all pages get."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._number > after)
            return self._number, self._shown

    async def run(self) -> None:
        """Read until cancelled; then save the history."""
        delay_s = _FIRST_DELAY_S
        try:
            while True:
                try:
                    async with self._connect() as connection:
                        connection.patience_s = _PATIENCE_S
                        self._connection = connection
                        while True:
                            await self._look_once(connection)
                            delay_s = _FIRST_DELAY_S
                            await asyncio.sleep(_LOOK_S)
                except Exception as error:  # noqa: BLE001 - whatever it met, it tries again
                    self._connection = None
                    await self._miss(error)
                    await asyncio.sleep(delay_s)
                    delay_s = min(2 * delay_s, _LONGEST_DELAY_S)
        finally:
            self._connection = None
            self.history.save()

    async def _look_once(self, connection: Connection) -> None:
        status = await read_status(connection, self.keys.crawl, account=self._account, windows=True)
        self.status, self.has_read, self.away = status, True, ""
        now = time.time()
        await asyncio.to_thread(self.tail.read)
        workers = await self._workers.update(status, now, EventStream(connection, self.keys))
        self.history.add(now, _values(status, self.tail.troubles))
        view: dict[str, Any] = {
            "away": "",
            "at": now,
            "report": {name: value for name, value in document(status).items() if name != "workers"},
            "forecast": forecast(status, self.history),
            "errors_per_minute": self.tail.per_minute(now),
            "workers": workers,
            "gone": self._workers.gone,
            "leaders": self._workers.leaders,
            "row": self.history.newest,
        }
        if self._pages:
            view |= {"windows": status.windows, "dead": await self._dead(connection)}
        await self._show(view)
        if time.monotonic() - self._saved_at > _SAVE_S:
            await asyncio.to_thread(self.history.save)
            self._saved_at = time.monotonic()

    async def _miss(self, error: Exception) -> None:
        """Show all pages why the crawl cannot be read, and log it once."""
        is_ours = isinstance(error, TwittomaticError)
        sentence = (
            str(error) if is_ours else f"The monitor met an unexpected {type(error).__name__}: {error}."
        )
        if self.away != sentence:
            level = logging.INFO if is_ours else logging.ERROR
            _log.log(level, "does not see the crawl", extra={"reason": sentence}, exc_info=not is_ours)
        self.away = sentence
        await self._show({"away": sentence, "at": time.time()})

    async def _show(self, view: Mapping[str, Any]) -> None:
        async with self._changed:
            self._number += 1
            self._shown = msgspec.json.encode(view)
            self._changed.notify_all()

    async def _dead(self, connection: Connection) -> list[dict[str, Any]]:
        """Return some of the dead jobs, the last to die first."""
        if not self.status.dead:
            return []
        found = await JobAdmin(connection, self.keys).some_dead(list(Module), _DEAD)
        jobs = [
            {
                "name": name,
                "at": tries[-1].at,
                "worker": tries[-1].worker,
                "reason": tries[-1].reason,
                "tries": len(tries),
            }
            for name, tries in found.items()
        ]
        return sorted(jobs, key=lambda job: str(job["at"]), reverse=True)


def _values(status: CrawlStatus, troubles: int) -> dict[str, float]:
    """Take the values of the charts from a status."""
    values: dict[str, float] = msgspec.structs.asdict(Growth.of(status)) | {
        "spent": status.spent / MICROS_PER_USD,
        "frontier": sum(status.frontier.values()),
        "seen": status.seen,
        "errors": troubles,
    }
    for module in Module:
        for place in PLACES:
            values[f"{place}:{module}"] = getattr(status.jobs[module], place)
    assert values.keys() == set(SERIES)
    return values
