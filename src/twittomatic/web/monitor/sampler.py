"""Looks at a crawl once a second, for all pages that are open, and remembers what it saw.

However many pages there are, the state server is asked by one of these. It waits where there is no crawl or
no server, and whatever happens to it, a crawl does not notice.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, contextmanager
from pathlib import Path
from typing import Any

import msgspec

from twittomatic.app.forecast import counted, forecast
from twittomatic.errors import StateUnavailable, TwittomaticError
from twittomatic.model import Module
from twittomatic.networks import registry
from twittomatic.sinks.stats.snapshot import Snapshot
from twittomatic.state.connection import Connection
from twittomatic.state.jobs import read_tries
from twittomatic.state.keys import CrawlKeys, NetworkKeys
from twittomatic.state.windows import Window, look_at_windows
from twittomatic.web.monitor.history import PLACES, SERIES, History
from twittomatic.web.monitor.logs import Tail
from twittomatic.web.monitor.workers import Roster

Report = dict[str, Any]

_LOOK_S = 1.0
_PATIENCE_S = 2.0  # for a server that is away, before the page says so
_SAVE_S = 10.0  # between writes of the history: what a kill of the monitor loses
_UNOPENED_S = 15.0  # between looks for windows that nobody had opened: most never are
_DEAD = 100  # jobs that are shown
_FIRST_DELAY_S, _LONGEST_DELAY_S = 0.25, 2.0
_log = logging.getLogger(__name__)


class Sampler:
    """Looks at one crawl.

    Args:
        crawl: Its name.
        connect: Enters its state server.
        report: Says how it stands, as `status --json` does.
        nothing: What that says where no crawl ever was.
        log_directory: LOG_DIRECTORY, where the history is kept too.

    Attributes:
        report: How the crawl stood a moment ago.
        has_looked: Whether it ever saw the crawl.
        away: Why it is not seen at the moment, one sentence; empty while it is.
        tail: Its logs.
        history: Its past.
    """

    def __init__(
        self,
        *,
        crawl: str,
        connect: Callable[[], AbstractAsyncContextManager[Connection]],
        report: Callable[[Connection], Awaitable[Report]],
        nothing: Report,
        log_directory: Path,
    ) -> None:
        self.keys = CrawlKeys(crawl)
        self.report = nothing
        self.has_looked = False
        self.away = "The monitor has only just begun to look."
        self.tail = Tail(log_directory, crawl)
        self.history = History(log_directory / f"{crawl}.monitor.history")
        self._roster = Roster(self.history.gone, self.history.leaders)
        self._connect = connect
        self._look = report
        self._connection: Connection | None = None
        self._pages = 0
        self._number = 0
        self._shown = b"{}"
        self._changed = asyncio.Condition()
        self._opened: set[tuple[str, str]] = set()
        self._sought_at = self._saved_at = float("-inf")
        self._snapshot: tuple[float, Snapshot | None] = (float("-inf"), None)
        self._snapping = asyncio.Lock()

    @property
    def connection(self) -> Connection:
        """The way to the state server.

        Raises:
            StateUnavailable: there is none at the moment.
        """
        if self._connection is None:
            raise StateUnavailable(self.away)
        return self._connection

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Count a page as open within the block: what only pages show is looked at while there is one."""
        self._pages += 1
        try:
            yield
        finally:
            self._pages -= 1

    async def next(self, after: int) -> tuple[int, bytes]:
        """Wait for a newer look than number `after`; return its number, and the JSON that all pages get."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._number > after)
            return self._number, self._shown

    async def snapshot(self) -> Snapshot | None:
        """Return what is measured of the crawl, a second old at most; None where nobody has begun it.

        Raises:
            StateUnavailable: the server is away.
        """
        async with self._snapping:
            if time.monotonic() - self._snapshot[0] > _LOOK_S:
                taken = await Snapshot.take(self.connection, self.keys.crawl)
                self._snapshot = (time.monotonic(), taken)
            return self._snapshot[1]

    async def run(self) -> None:
        """Look until cancelled; then the history is saved."""
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
                except Exception as error:  # noqa: BLE001 - whatever it met, it looks again
                    self._connection = None
                    await self._miss(error)
                    await asyncio.sleep(delay_s)
                    delay_s = min(2 * delay_s, _LONGEST_DELAY_S)
        finally:
            self._connection = None
            self.history.save()

    async def _look_once(self, connection: Connection) -> None:
        report, (seconds, micros) = await asyncio.gather(self._look(connection), connection.call("TIME"))
        self.report, self.has_looked, self.away = report, True, ""
        now = time.time()
        await asyncio.to_thread(self.tail.read)
        workers = await self._roster.update(report, now, connection, self.keys)
        self.history.add(now, _values(report, self.tail.troubles))
        view: dict[str, Any] = {
            "away": "",
            "at": now,
            "report": {name: value for name, value in report.items() if name != "workers"},
            "forecast": forecast(report, self.history),
            "errors_per_minute": self.tail.per_minute(now),
            "workers": workers,
            "gone": self._roster.gone,
            "leaders": self._roster.leaders,
            "row": self.history.newest,
        }
        if self._pages:
            server_now = int(seconds) + int(micros) / 1e6
            windows, dead = await asyncio.gather(
                self._windows(connection, server_now), self._dead(connection)
            )
            view |= {"windows": windows, "dead": dead}
        await self._show(view)
        if time.monotonic() - self._saved_at > _SAVE_S:
            await asyncio.to_thread(self.history.save)
            self._saved_at = time.monotonic()

    async def _miss(self, error: Exception) -> None:
        """Tell all pages why the crawl is not seen; the log is told once."""
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

    async def _windows(self, connection: Connection, now: float) -> Sequence[Window]:
        """Look at the windows of the workers' credentials: each second at those that were ever opened."""
        names = sorted({name for worker in self.report["workers"] for name in worker["credentials"]})
        endpoints = registry.network_class(self.report["network"]).endpoints
        places = [(name, endpoint) for name in names for endpoint in endpoints]
        if time.monotonic() - self._sought_at > _UNOPENED_S or not self._opened:
            self._sought_at = time.monotonic()
        else:
            places = [place for place in places if place in self._opened]
        windows = await look_at_windows(connection, NetworkKeys(self.report["account"]), places, now)
        self._opened |= {(window.credential, window.endpoint) for window in windows}
        return windows

    async def _dead(self, connection: Connection) -> list[dict[str, Any]]:
        """Return some of the dead jobs, those that died last first."""
        if not any(jobs["dead"] for jobs in self.report["jobs"].values()):
            return []
        _, found = await connection.call("HSCAN", self.keys.dead, 0, "COUNT", _DEAD)
        jobs = []
        for name, text in found.items():
            tries = read_tries(text)
            last = tries[-1]
            jobs.append(
                {
                    "name": name,
                    "at": last.at,
                    "worker": last.worker,
                    "reason": last.reason,
                    "tries": len(tries),
                }
            )
        return sorted(jobs, key=lambda job: str(job["at"]), reverse=True)[:_DEAD]


def _values(report: Report, troubles: int) -> dict[str, float]:
    """Take the values of the charts from a report."""
    values = counted(report) | {
        "spent": report["crawl_spent_usd"],
        "frontier": report["frontier"],
        "seen": report["seen"],
        "errors": troubles,
    }
    for module in Module:
        for place in PLACES:
            values[f"{place}:{module}"] = report["jobs"][module.value][place]
    assert values.keys() == set(SERIES)
    return values
