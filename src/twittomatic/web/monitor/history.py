"""What the charts draw: a bounded past of a crawl, the coarser the older, kept in a file.

Counters are kept as totals, not as rates: a rate over any span is then exact, whatever was left out.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec

from twittomatic.model import Module
from twittomatic.web.monitor.workers import GoneWorker, PastLeader

_log = logging.getLogger(__name__)

PLACES: Final = ("ready", "leased", "delayed", "dead")
"""Where a job can be, besides done."""

SERIES: Final = (
    *("pages", "followers", "posts", "spent", "account_spent", "frontier", "seen", "completed", "errors"),
    *(f"{place}:{module}" for module in Module for place in PLACES),
)
"""The values in a row after its time: first the counters, then the gauges."""

_DRAWN = 720  # rows of a chart: more than a wide screen shows
_MINUTES_STEP_S, _DAY_STEP_S = 2.0, 120.0
_DAYS = 24 * 3600.0
_MOST_GONE, _MOST_LEADERS = 50, 20

Row = list[float]


class Tier(msgspec.Struct):
    """Rows of one resolution: the last look of each step.

    Attributes:
        step_s: Seconds between rows.
        rows: A time, seconds since the epoch, then the values of `SERIES`; oldest first.
    """

    step_s: float
    rows: list[Row] = []

    def add(self, row: Row) -> None:
        """Add a row; it replaces another one of the same step."""
        if self.rows and row[0] // self.step_s == self.rows[-1][0] // self.step_s:
            self.rows.pop()
        self.rows.append(row)

    def halve(self) -> None:
        """Make the step twice as long."""
        self.step_s *= 2
        rows, self.rows = self.rows, []
        for row in rows:
            self.add(row)


class _Kept(msgspec.Struct):
    series: list[str]
    minutes: Tier
    day: Tier
    all: Tier
    gone: list[GoneWorker] = []
    leaders: list[PastLeader] = []


class History:
    """The history of one crawl, as far as a monitor was running.

    Args:
        path: Path of its file, which is replaced atomically, so that a kill leaves the old one.

    Attributes:
        gone: Workers that left or died, newest first; see `WorkerList`.
        leaders: Masters that led, newest first.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        kept = self._read()
        self._tiers = {"minutes": kept.minutes, "day": kept.day, "all": kept.all}
        self.gone = kept.gone
        self.leaders = kept.leaders

    def add(self, at: float, values: Mapping[str, float]) -> None:
        """Add a row.

        Args:
            at: Seconds since the epoch; one that is not later than the last is left out.
            values: Values by their names in `SERIES`; missing ones count as 0.
        """
        minutes, everything = self._tiers["minutes"], self._tiers["all"]
        if minutes.rows and at <= minutes.rows[-1][0]:
            return
        row = [round(at, 1), *(values.get(name, 0) for name in SERIES)]
        for tier in self._tiers.values():
            tier.add(row)
        for tier, age_s in ((minutes, 900.0), (self._tiers["day"], _DAYS)):
            while tier.rows[0][0] < at - age_s - tier.step_s:
                del tier.rows[0]
        if len(everything.rows) > _DRAWN:
            everything.halve()

    @property
    def newest(self) -> Row:
        """The last row; empty before the first look."""
        rows = self._tiers["minutes"].rows
        return rows[-1] if rows else []

    def span(self, name: str) -> Tier | None:
        """Return the rows of `minutes` (the last 15), `day` or `all`; None for another name."""
        return self._tiers.get(name)

    def rate(self, name: str, within_s: float) -> float:
        """Return how much a counter grew per second, on average over the last `within_s` seconds."""
        rows, column = self._tiers["minutes"].rows, SERIES.index(name) + 1
        recent = [row for row in rows if row[0] >= rows[-1][0] - within_s]
        if len(recent) < 2:
            return 0.0
        return max(0.0, (recent[-1][column] - recent[0][column]) / (recent[-1][0] - recent[0][0]))

    def save(self) -> None:
        """Write the history to its file; a failure is logged, and the monitor continues."""
        del self.gone[_MOST_GONE:], self.leaders[_MOST_LEADERS:]
        kept = _Kept(series=list(SERIES), **self._tiers, gone=self.gone, leaders=self.leaders)
        draft = self._path.with_name(f"{self._path.name}.{os.getpid()}")
        try:
            draft.write_bytes(msgspec.json.encode(kept))
            draft.replace(self._path)
        except OSError as error:
            with suppress(OSError):
                draft.unlink(missing_ok=True)
            _log.warning("the history is not kept", extra={"reason": error.strerror})

    def _read(self) -> _Kept:
        anew = _Kept(series=[], minutes=Tier(_MINUTES_STEP_S), day=Tier(_DAY_STEP_S), all=Tier(_DAY_STEP_S))
        try:
            kept = msgspec.json.decode(self._path.read_bytes(), type=_Kept)
        except FileNotFoundError:
            return anew
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
            reason = type(error).__name__
        else:
            tiers = (kept.minutes, kept.day, kept.all)
            if kept.series == list(SERIES) and all(_is_sound(tier.rows) for tier in tiers):
                return kept
            reason = "other series"
        _log.warning("the history cannot be read, and starts again", extra={"reason": reason})
        return anew


def _is_sound(rows: Sequence[Row]) -> bool:
    return all(len(row) == len(SERIES) + 1 for row in rows)
