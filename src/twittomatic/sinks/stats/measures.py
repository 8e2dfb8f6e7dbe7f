"""Every number that is measured of a crawl, declared once: for Graphite, for Prometheus, for charts.

`fetched` is `twittomatic.<crawl>.fetched.<module>.total` and `.per_s` at Graphite, and
`twittomatic_fetched_records_total{crawl="...",module="..."}` at Prometheus.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Literal

import msgspec

from twittomatic.model import Phase, usd
from twittomatic.sinks.stats.snapshot import Snapshot

Values = Mapping[tuple[str, ...], float]
"""The values of a measure by those of its labels; one without labels has `()`."""

_LONGEST = 100  # characters of a node; Carbon makes a directory of each
_UNSAFE = re.compile(r"[^A-Za-z0-9_-]")
_PROCESS = re.compile(r"\.[0-9]+-[0-9a-f]{6}$")  # what a worker's name gets in each process


class Measure(msgspec.Struct, frozen=True, kw_only=True):
    """One number, or one for each value of some labels.

    Attributes:
        name: What it is called everywhere.
        labels: Names of what it is told apart by.
        kind: A `counter` only grows, while the crawl's state stands.
        unit: Plural noun, empty where the name says it.
        help: What it is, in one sentence.
        read: Takes its values from a snapshot; no value where there is nothing to say.
    """

    name: str
    labels: tuple[str, ...] = ()
    kind: Literal["counter", "gauge"] = "gauge"
    unit: str = ""
    help: str
    read: Callable[[Snapshot], Values]

    @property
    def prometheus(self) -> str:
        """Its name at Prometheus, without the `_total` of a counter."""
        return "_".join(filter(None, ("twittomatic", self.name, self.unit)))

    @property
    def endings(self) -> tuple[str, ...]:
        """The last nodes of its paths: a counter has a total and a rate, each a path of its own."""
        return ("total", "per_s") if self.kind == "counter" else ()

    def path(self, crawl: str, values: Sequence[str], ending: str = "") -> str:
        """Return a path at Graphite.

        Args:
            crawl: Name of the crawl.
            values: Of the labels.
            ending: One of `endings`, if there are any.
        """
        return ".".join(["twittomatic", node(crawl), self.name, *map(node, values), *filter(None, [ending])])


def node(text: str) -> str:
    """Make one node of a Graphite path of a name, whatever stands in it."""
    return _UNSAFE.sub("_", text[:_LONGEST]) or "_"


def _by_worker(snapshot: Snapshot, value: Callable[[str], float]) -> Values:
    """Add up by the name that a worker keeps when its process is replaced."""
    values: dict[tuple[str, ...], float] = {}
    for process in snapshot.workers:
        name = (_PROCESS.sub("", process),)
        values[name] = values.get(name, 0) + value(process)
    return values


def _counted(what: str) -> Callable[[Snapshot], Values]:
    """Read a counter of each module."""
    return lambda snapshot: {
        (module.value,): snapshot.counters.get(f"{what}:{module}", 0) for module in snapshot.modules
    }


def _dollars(micros: Mapping[str, int], purposes: Iterable[str]) -> Values:
    """Turn what was spent into dollars; who never spends anything is left out."""
    return {(name,): usd(amount) for name, amount in micros.items() if amount or name in purposes}


MEASURES = (
    Measure(
        name="fetched",
        labels=("module",),
        kind="counter",
        unit="records",
        help="Followers, posts and profiles that were downloaded and committed.",
        read=_counted("records"),
    ),
    Measure(
        name="included",
        kind="counter",
        unit="users",
        help="Users who were found, selected, and not known before.",
        read=lambda snapshot: {(): snapshot.counters.get("seen", 0)},
    ),
    Measure(
        name="requests",
        labels=("module",),
        kind="counter",
        help="Pages that were downloaded and committed.",
        read=_counted("pages"),
    ),
    Measure(
        name="spent",
        labels=("module",),
        kind="counter",
        unit="dollars",
        help="What this crawl spent, every resource at its price.",
        read=lambda snapshot: _dollars(snapshot.spent, snapshot.modules),
    ),
    Measure(
        name="expected",
        labels=("module",),
        kind="counter",
        unit="dollars",
        help="What the network will probably charge this crawl, each resource once a UTC day.",
        read=lambda snapshot: _dollars(snapshot.expected, snapshot.modules),
    ),
    Measure(
        name="account_spent",
        kind="counter",
        unit="dollars",
        help="What all crawls of the account spent.",
        read=lambda snapshot: {(): usd(snapshot.account_spent)},
    ),
    Measure(
        name="account_reserved",
        unit="dollars",
        help="What is put aside for requests that are not settled.",
        read=lambda snapshot: {(): usd(snapshot.account_reserved)},
    ),
    Measure(
        name="budget",
        unit="dollars",
        help="What all crawls of the account may spend; missing where there is no cap.",
        read=lambda snapshot: {} if snapshot.budget is None else {(): usd(snapshot.budget)},
    ),
    Measure(
        name="ready",
        labels=("module",),
        unit="jobs",
        help="Jobs that wait for a worker.",
        read=lambda snapshot: {(module.value,): snapshot.ready[module] for module in snapshot.modules},
    ),
    Measure(
        name="ongoing",
        labels=("module",),
        unit="jobs",
        help="Jobs that a worker holds.",
        read=lambda snapshot: {(module.value,): snapshot.leased[module] for module in snapshot.modules},
    ),
    Measure(
        name="completed",
        labels=("module",),
        kind="counter",
        unit="jobs",
        help="Jobs that are done.",
        read=_counted("completed"),
    ),
    Measure(
        name="delayed",
        unit="jobs",
        help="Jobs that failed and wait for another try.",
        read=lambda snapshot: {(): snapshot.delayed},
    ),
    Measure(
        name="dead",
        unit="jobs",
        help="Jobs that failed too often.",
        read=lambda snapshot: {(): snapshot.dead},
    ),
    Measure(
        name="unavailable",
        kind="counter",
        unit="targets",
        help="Targets that are protected, suspended or deleted.",
        read=lambda snapshot: {(): snapshot.counters.get("unavailable", 0)},
    ),
    Measure(
        name="frontier",
        unit="targets",
        help="Targets that wait for their turn.",
        read=lambda snapshot: {(): sum(snapshot.frontier.values())},
    ),
    Measure(
        name="seen",
        unit="users",
        help="Users ever discovered.",
        read=lambda snapshot: {(): snapshot.seen},
    ),
    Measure(
        name="window_left",
        labels=("credential", "endpoint"),
        unit="requests",
        help="Requests that a credential may still make of an endpoint in this window.",
        read=lambda snapshot: {
            (window.credential, window.endpoint): window.left for window in snapshot.windows
        },
    ),
    Measure(
        name="window_limit",
        labels=("credential", "endpoint"),
        unit="requests",
        help="Requests that a credential may make of an endpoint in one window.",
        read=lambda snapshot: {
            (window.credential, window.endpoint): window.limit for window in snapshot.windows
        },
    ),
    Measure(
        name="phase",
        labels=("phase",),
        help="1 for the phase of the crawl, 0 for the others.",
        read=lambda snapshot: {(phase.value,): int(phase is snapshot.phase) for phase in Phase},
    ),
    Measure(
        name="masters",
        help="1 while somebody leads the crawl.",
        read=lambda snapshot: {(): int(snapshot.is_led)},
    ),
    Measure(
        name="workers",
        help="Worker processes that live.",
        read=lambda snapshot: {(): len(snapshot.workers)},
    ),
    Measure(
        name="worker_ongoing",
        labels=("worker",),
        unit="jobs",
        help="Jobs that a worker holds.",
        read=lambda snapshot: _by_worker(snapshot, lambda process: len(snapshot.workers[process].jobs)),
    ),
    Measure(
        name="worker_fetched",
        labels=("worker",),
        kind="counter",
        unit="records",
        help="What a worker downloaded and committed since its process began.",
        read=lambda snapshot: _by_worker(snapshot, lambda process: snapshot.workers[process].fetched),
    ),
    Measure(
        name="worker_requests",
        labels=("worker",),
        kind="counter",
        help="Pages that a worker downloaded and committed since its process began.",
        read=lambda snapshot: _by_worker(snapshot, lambda process: snapshot.workers[process].requests),
    ),
)
"""All of them, in the order in which they are shown."""
