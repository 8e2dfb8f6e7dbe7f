"""Who works: what each worker said last, who fell silent, who is gone, and who has his jobs now."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from twittomatic.state.connection import Connection
from twittomatic.state.events import WorkerDied, decode
from twittomatic.state.keys import CrawlKeys

_SILENT_S = 3.0  # without a word from who speaks every second
_SHOWN = 4  # jobs of a worker that are sent to the page
_EVENTS = 2_000  # the newest, among which the death is told of who is missed since a second
_INHERITED_S = 60.0  # within which an heir is looked for

Worker = dict[str, Any]


class Roster:
    """Follows the workers of a crawl from look to look.

    Args:
        gone: Those who are there no longer, newest first; it adds to them.
        leaders: Masters that led, newest first; it adds to them.
    """

    def __init__(self, gone: list[Worker], leaders: list[Worker]) -> None:
        self.gone = gone
        self.leaders = leaders
        self._last: dict[str, Worker] = {}
        self._heard: dict[str, tuple[str, float]] = {}

    async def update(
        self, report: Mapping[str, Any], now: float, connection: Connection, keys: CrawlKeys
    ) -> list[Worker]:
        """Take in a look; return the workers as they are shown.

        Args:
            report: What `status --json` says.
            now: Seconds since the epoch.
            connection: To ask how somebody went who is gone.
            keys: Of the crawl.
        """
        current = {worker["name"]: worker for worker in report["workers"]}
        missing = [worker for name, worker in self._last.items() if name not in current]
        deaths = await _deaths(connection, keys) if missing else {}
        for worker in missing:
            self.gone.insert(0, _farewell(worker, now, deaths.get(worker["name"])))
        self._listen(current, now)
        self._last = current
        self._find_heirs(now)
        self._note_leader(report["master"], now)
        return [_shown(worker, self._silence(worker, now)) for worker in report["workers"]]

    def _listen(self, current: Mapping[str, Worker], now: float) -> None:
        """Note who said something: at first by his own clock, from then on by ours, which may differ."""
        for name, worker in current.items():
            said, _ = self._heard.get(name, ("", 0.0))
            if not said:
                self._heard[name] = (worker["seen_at"], min(now, _moment(worker["seen_at"])))
            elif said != worker["seen_at"]:
                self._heard[name] = (worker["seen_at"], now)
        self._heard = {name: heard for name, heard in self._heard.items() if name in current}

    def _silence(self, worker: Worker, now: float) -> float:
        return max(0.0, now - self._heard[worker["name"]][1])

    def _find_heirs(self, now: float) -> None:
        """See who holds a job now that one of the dead held."""
        recent = [gone for gone in self.gone if gone["died"] and now - gone["gone_at"] < _INHERITED_S]
        if not recent:
            return
        holders = {_name(job): name for name, worker in self._last.items() for job in worker["jobs"]}
        for gone in recent:
            for job in gone["held"]:
                heir = holders.get(job)
                if heir and heir not in gone["heirs"]:
                    gone["heirs"].append(heir)

    def _note_leader(self, master: Mapping[str, Any], now: float) -> None:
        if master["name"] and (not self.leaders or self.leaders[0]["epoch"] != master["epoch"]):
            self.leaders.insert(0, {"name": master["name"], "epoch": master["epoch"], "at": now})


def _shown(worker: Worker, silent_s: float) -> Worker:
    lease_s = worker["lease_s"] or 30.0
    if silent_s > lease_s:
        state = "dead"
    elif silent_s > _SILENT_S:
        state = "silent"
    else:
        state = "working" if worker["jobs"] else "idle"
    return {
        "name": worker["name"],
        "state": state,
        "silent_s": round(silent_s, 1),
        "lease_s": lease_s,
        "lease_left_s": round(max(0.0, lease_s - silent_s), 1),
        "slots": worker["slots"],
        "count": len(worker["jobs"]),
        "jobs": worker["jobs"][:_SHOWN],
    }


def _farewell(worker: Worker, now: float, death: WorkerDied | None) -> Worker:
    """Remember a worker that is there no longer; one that died left jobs, of which the death tells."""
    return {
        "name": worker["name"],
        "died": death is not None,
        "seen_at": worker["seen_at"],
        "gone_at": now,
        "held": list(death.jobs) if death else [],
        "heirs": [],
    }


async def _deaths(connection: Connection, keys: CrawlKeys) -> dict[str, WorkerDied]:
    """Return the last deaths by the name of who died."""
    entries = await connection.call("XREVRANGE", keys.events, "+", "-", "COUNT", _EVENTS)
    events = (decode(fields.get("event", "")) for _, fields in entries)
    return {event.worker: event for event in events if isinstance(event, WorkerDied)}


def _moment(text: str) -> float:
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        return 0.0


def _name(job: Mapping[str, Any]) -> str:
    return f"{job['module']}:{job['user_id']}"
