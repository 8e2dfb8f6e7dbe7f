"""The workers of a crawl as the page shows them: working, silent or gone, and which took over their jobs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from twittomatic.model import WorkerReport
from twittomatic.state.events import WorkerDied
from twittomatic.state.status import CrawlStatus, MasterStatus
from twittomatic.state.stream import EventStream

_SILENT_S = 3.0  # a worker reports every second
_SHOWN = 4  # jobs of a worker that are sent to the page
_EVENTS = 2_000  # the newest, which include the death of a worker that was missed a second ago
_INHERITED_S = 60.0  # within which an heir is looked for


class GoneWorker(msgspec.Struct, kw_only=True):
    """A worker that left or died.

    Attributes:
        name: Name of its process.
        died: Whether it died without releasing its jobs.
        seen_at: RFC 3339 time of its last report.
        gone_at: When the monitor missed it, seconds since the epoch.
        held: Jobs that it held when it died, `module:user_id`.
        heirs: Workers that hold or held one of them since.
    """

    name: str
    died: bool
    seen_at: str
    gone_at: float
    held: list[str] = []
    heirs: list[str] = []


class PastLeader(msgspec.Struct, kw_only=True):
    """A master that led: its name, the epoch of its leadership, and when the monitor first saw it lead."""

    name: str
    epoch: int
    at: float


class WorkerList:
    """Follows the workers of a crawl from one status to the next.

    Args:
        gone: Workers that left or died, newest first; the list adds to them.
        leaders: Masters that led, newest first; the list adds to them.
    """

    def __init__(self, gone: list[GoneWorker], leaders: list[PastLeader]) -> None:
        self.gone = gone
        self.leaders = leaders
        self._last: Mapping[str, WorkerReport] = {}
        self._heard: dict[str, tuple[str, float]] = {}

    async def update(self, status: CrawlStatus, now: float, events: EventStream) -> list[dict[str, Any]]:
        """Process a status, and return the workers as the page shows them.

        Args:
            status: The status of the crawl.
            now: Seconds since the epoch.
            events: Events of the crawl, which say whether a missing worker died.
        """
        current = status.workers
        missing = {name: worker for name, worker in self._last.items() if name not in current}
        deaths = await _deaths(events) if missing else {}
        for name, worker in missing.items():
            self.gone.insert(0, _farewell(name, worker, now, deaths.get(name)))
        self._listen(current, now)
        self._last = current
        self._find_heirs(now)
        self._note_leader(status.master, now)
        return [_shown(name, worker, self._silence(name, now)) for name, worker in current.items()]

    def _listen(self, current: Mapping[str, WorkerReport], now: float) -> None:
        """Note when each worker reported: at first by its own clock, later by ours, which may differ."""
        for name, worker in current.items():
            seen_at, _ = self._heard.get(name, ("", 0.0))
            if not seen_at:
                self._heard[name] = (worker.seen_at, min(now, worker.seen))
            elif seen_at != worker.seen_at:
                self._heard[name] = (worker.seen_at, now)
        self._heard = {name: heard for name, heard in self._heard.items() if name in current}

    def _silence(self, name: str, now: float) -> float:
        return max(0.0, now - self._heard[name][1])

    def _find_heirs(self, now: float) -> None:
        """Find the workers that now hold a job of a dead one."""
        recent = [gone for gone in self.gone if gone.died and now - gone.gone_at < _INHERITED_S]
        if not recent:
            return
        holders = {job.name: name for name, worker in self._last.items() for job in worker.jobs}
        for gone in recent:
            for job in gone.held:
                heir = holders.get(job)
                if heir and heir not in gone.heirs:
                    gone.heirs.append(heir)

    def _note_leader(self, master: MasterStatus | None, now: float) -> None:
        if master and (not self.leaders or self.leaders[0].epoch != master.epoch):
            self.leaders.insert(0, PastLeader(name=master.name, epoch=master.epoch, at=now))


def _shown(name: str, worker: WorkerReport, silent_s: float) -> dict[str, Any]:
    lease_s = worker.lease_s
    if silent_s > lease_s:
        state = "dead"
    elif silent_s > _SILENT_S:
        state = "silent"
    else:
        state = "working" if worker.jobs else "idle"
    return {
        "name": name,
        "state": state,
        "silent_s": round(silent_s, 1),
        "lease_s": lease_s,
        "lease_left_s": round(max(0.0, lease_s - silent_s), 1),
        "slots": worker.slots,
        "count": len(worker.jobs),
        "jobs": worker.longest_held[:_SHOWN],
    }


def _farewell(name: str, worker: WorkerReport, now: float, death: WorkerDied | None) -> GoneWorker:
    """Record a worker that is gone; the event of its death names the jobs that it left."""
    return GoneWorker(
        name=name,
        died=death is not None,
        seen_at=worker.seen_at,
        gone_at=now,
        held=list(death.jobs) if death else [],
    )


async def _deaths(events: EventStream) -> dict[str, WorkerDied]:
    """Return the last deaths by the name of the worker."""
    return {event.worker: event for event in await events.newest(_EVENTS) if isinstance(event, WorkerDied)}
