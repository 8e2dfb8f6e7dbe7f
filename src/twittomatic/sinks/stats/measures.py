"""Every number that is measured of a crawl, declared once: for Graphite, for Prometheus, for charts.

`fetched` is `twittomatic.<crawl>.fetched.<module>.total` and `.per_s` at Graphite, and
`twittomatic_fetched_records_total{crawl="...",module="..."}` at Prometheus.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import msgspec

from twittomatic.model import Counter, Module, Phase, WorkerReport, usd
from twittomatic.state.status import CrawlStatus

Values = Mapping[tuple[str, ...], float]
"""The values of a measure by those of its labels; one without labels has `()`."""

_PURPOSES = (*(module.value for module in Module), "profiles")  # bought before a crawl begins
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
        read: Takes its values from a crawl's status; no value where there is nothing to say.
    """

    name: str
    labels: tuple[str, ...] = ()
    kind: Literal["counter", "gauge"] = "gauge"
    unit: str = ""
    help: str
    read: Callable[[CrawlStatus], Values]

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


def _by_worker(status: CrawlStatus, value: Callable[[WorkerReport], float]) -> Values:
    """Add up by the name that a worker keeps when its process is replaced."""
    values: dict[tuple[str, ...], float] = {}
    for process, worker in status.live_workers.items():
        name = (_PROCESS.sub("", process),)
        values[name] = values.get(name, 0) + value(worker)
    return values


def _counted(counter: Counter) -> Callable[[CrawlStatus], Values]:
    """Read a counter of each module."""
    return lambda status: {(module.value,): status.count(counter, module) for module in status.modules}


def _dollars(status: CrawlStatus, fields: Mapping[str, int]) -> Values:
    """Return the dollars of each purpose; of one that is no module of the crawl only where there are any."""
    amounts = {name: fields.get(f"module:{status.crawl}:{name}", 0) for name in _PURPOSES}
    return {(name,): usd(amount) for name, amount in amounts.items() if amount or name in status.modules}


MEASURES = (
    Measure(
        name="fetched",
        labels=("module",),
        kind="counter",
        unit="records",
        help="Followers, posts and profiles that were downloaded and committed.",
        read=_counted(Counter.RECORDS),
    ),
    Measure(
        name="included",
        kind="counter",
        unit="users",
        help="Users who were found, selected, and not known before.",
        read=lambda status: {(): status.count(Counter.SEEN)},
    ),
    Measure(
        name="requests",
        labels=("module",),
        kind="counter",
        help="Pages that were downloaded and committed.",
        read=_counted(Counter.PAGES),
    ),
    Measure(
        name="spent",
        labels=("module",),
        kind="counter",
        unit="dollars",
        help="What this crawl spent, every resource at its price.",
        read=lambda status: _dollars(status, status.ledger.fields),
    ),
    Measure(
        name="expected",
        labels=("module",),
        kind="counter",
        unit="dollars",
        help="What the network will probably charge this crawl, each resource once a UTC day.",
        read=lambda status: _dollars(status, status.ledger.expected_fields),
    ),
    Measure(
        name="account_spent",
        kind="counter",
        unit="dollars",
        help="What all crawls of the account spent.",
        read=lambda status: {(): usd(status.ledger.spent)},
    ),
    Measure(
        name="account_reserved",
        unit="dollars",
        help="What is put aside for requests that are not settled.",
        read=lambda status: {(): usd(status.ledger.reserved)},
    ),
    Measure(
        name="budget",
        unit="dollars",
        help="What all crawls of the account may spend; missing where there is no cap.",
        read=lambda status: {} if status.budget is None else {(): usd(status.budget)},
    ),
    Measure(
        name="ready",
        labels=("module",),
        unit="jobs",
        help="Jobs that wait for a worker.",
        read=lambda status: {(module.value,): status.jobs[module].ready for module in status.modules},
    ),
    Measure(
        name="ongoing",
        labels=("module",),
        unit="jobs",
        help="Jobs that a worker holds.",
        read=lambda status: {(module.value,): status.jobs[module].leased for module in status.modules},
    ),
    Measure(
        name="completed",
        labels=("module",),
        kind="counter",
        unit="jobs",
        help="Jobs that are done.",
        read=_counted(Counter.COMPLETED),
    ),
    Measure(
        name="delayed",
        unit="jobs",
        help="Jobs that failed and wait for another try.",
        read=lambda status: {(): status.delayed},
    ),
    Measure(
        name="dead",
        unit="jobs",
        help="Jobs that failed too often.",
        read=lambda status: {(): status.dead},
    ),
    Measure(
        name="unavailable",
        kind="counter",
        unit="targets",
        help="Targets that are protected, suspended or deleted.",
        read=lambda status: {(): status.count(Counter.UNAVAILABLE)},
    ),
    Measure(
        name="frontier",
        unit="targets",
        help="Targets that wait for their turn.",
        read=lambda status: {(): sum(status.frontier.values())},
    ),
    Measure(
        name="seen",
        unit="users",
        help="Users ever discovered.",
        read=lambda status: {(): status.seen},
    ),
    Measure(
        name="window_left",
        labels=("credential", "endpoint"),
        unit="requests",
        help="Requests that a credential may still make of an endpoint in this window.",
        read=lambda status: {(window.credential, window.endpoint): window.left for window in status.windows},
    ),
    Measure(
        name="window_limit",
        labels=("credential", "endpoint"),
        unit="requests",
        help="Requests that a credential may make of an endpoint in one window.",
        read=lambda status: {(window.credential, window.endpoint): window.limit for window in status.windows},
    ),
    Measure(
        name="phase",
        labels=("phase",),
        help="1 for the phase of the crawl, 0 for the others.",
        read=lambda status: {(phase.value,): int(phase is status.phase) for phase in Phase},
    ),
    Measure(
        name="masters",
        help="1 while somebody leads the crawl.",
        read=lambda status: {(): int(status.master is not None)},
    ),
    Measure(
        name="workers",
        help="Worker processes that live.",
        read=lambda status: {(): len(status.live_workers)},
    ),
    Measure(
        name="worker_ongoing",
        labels=("worker",),
        unit="jobs",
        help="Jobs that a worker holds.",
        read=lambda status: _by_worker(status, lambda worker: len(worker.jobs)),
    ),
    Measure(
        name="worker_fetched",
        labels=("worker",),
        kind="counter",
        unit="records",
        help="What a worker downloaded and committed since its process began.",
        read=lambda status: _by_worker(status, lambda worker: worker.fetched),
    ),
    Measure(
        name="worker_requests",
        labels=("worker",),
        kind="counter",
        help="Pages that a worker downloaded and committed since its process began.",
        read=lambda status: _by_worker(status, lambda worker: worker.requests),
    ),
)
"""All of them, in the order in which they are shown."""
