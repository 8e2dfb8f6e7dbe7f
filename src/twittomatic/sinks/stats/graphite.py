"""A crawl's metrics in Graphite's plaintext protocol: `path value timestamp`.

Source: https://graphite.readthedocs.io/en/stable/feeding-carbon.html
"""

from __future__ import annotations

import re

from twittomatic.sinks.stats.measures import MEASURES
from twittomatic.state.status import CrawlStatus

_LINE = re.compile(
    rb"(?P<path>[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*) "
    rb"(?P<value>-?[0-9]+(?:\.[0-9]+)?(?:e[+-]?[0-9]+)?) "
    rb"(?P<at>[0-9]{1,10})"
)


class Lines:
    """Formats successive statuses of a crawl; the growth of a counter between two gives its rate."""

    def __init__(self) -> None:
        self._before: CrawlStatus | None = None

    def of(self, status: CrawlStatus, at: int) -> list[bytes]:
        """Return a status as Graphite lines.

        Args:
            status: A status later than the previous one.
            at: The timestamp, in whole seconds since the epoch.

        Returns:
            One line per path, without line ends. The first status has no rates, nor has a counter that has
            decreased.
        """
        before, self._before = self._before, status
        elapsed_s = status.at - before.at if before else 0.0
        lines = []
        for measure in MEASURES:
            earlier = measure.read(before) if before and measure.kind == "counter" else {}
            for labels, value in measure.read(status).items():
                written = {"": value}
                if measure.kind == "counter":
                    written = {"total": value}
                    grown = value - earlier.get(labels, value + 1)
                    if grown >= 0 and elapsed_s > 0:
                        written["per_s"] = grown / elapsed_s
                lines += [
                    f"{measure.path(status.crawl, labels, ending)} {_number(number)} {at}".encode()
                    for ending, number in written.items()
                ]
        return lines


def timestamp(line: bytes) -> int | None:
    """Return the time of a line in seconds since the epoch, or None if it is not one of our lines."""
    found = _LINE.fullmatch(line)
    return int(found["at"]) if found else None


def moved(line: bytes, seconds: int) -> bytes:
    """Return one of our lines with its timestamp moved by some seconds."""
    rest, _, at = line.rpartition(b" ")
    return b"%b %d" % (rest, int(at) + seconds)


def _number(value: float) -> str:
    return str(value) if isinstance(value, int) else f"{value:.6f}".rstrip("0").rstrip(".")
