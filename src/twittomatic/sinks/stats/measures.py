"""All metrics of a crawl, each declared once for Graphite, Prometheus and charts.

`fetched` is `twittomatic.<crawl>.fetched.<module>.total` and `.per_s` in Graphite, and
`twittomatic_fetched_records_total{crawl="...",module="..."}` in Prometheus.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import msgspec

from twittomatic.model import Counter, Module, Phase, WorkerReport, usd
from twittomatic.state.status import CrawlStatus

Values = Mapping[tuple[str, ...], float]
"""The values of a measure by label values; a measure without labels has the key `()`."""

_PURPOSES = (*(module.value for module in Module), "profiles")  # bought before a crawl begins
_MAX_NODE = 100  # characters; Carbon creates a directory for each node
_UNSAFE = re.compile(r"[^A-Za-z0-9_-]")
_PROCESS = re.compile(r"\.[0-9]+-[0-9a-f]{6}$")  # the suffix that each process adds to a worker's name


class Measure(msgspec.Struct, frozen=True, kw_only=True):
    """A metric: one value, or one for each combination of label values.

    Attributes:
        name: The name in Graphite, Prometheus and charts.
        labels: The names of its labels.
        kind: The type; a `counter` only grows as long as the crawl's state exists.
        unit: A plural noun, empty if the name implies it.
        help: The description in one sentence.
        read: Returns its values for a status; missing if there is nothing to report.
    """

    name: str
    labels: tuple[str, ...] = ()
    kind: Literal["counter", "gauge"] = "gauge"
    unit: str = ""
    help: str
    read: Callable[[CrawlStatus], Values]

    @property
    def prometheus(self) -> str:
        """The name in Prometheus, without the `_total` of a counter."""
        return "_".join(filter(None, ("twittomatic", self.name, self.unit)))

    @property
    def endings(self) -> tuple[str, ...]:
        """The last nodes of its paths: a counter has one path for the total and one for the rate."""
        return ("total", "per_s") if self.kind == "counter" else ()

    def path(self, crawl: str, values: Sequence[str], ending: str = "") -> str:
        """Return a Graphite path.

        Args:
            crawl: The crawl's name.
            values: The label values.
            ending: One of `endings`, if there are any.
        """
        return ".".join(["twittomatic", node(crawl), self.name, *map(node, values), *filter(None, [ending])])


def node(text: str) -> str:
    """Return an arbitrary name as one node of a Graphite path."""
    return _UNSAFE.sub("_", text[:_MAX_NODE]) or "_"


def _by_worker(status: CrawlStatus, value: Callable[[WorkerReport], float]) -> Values:
    """Sum by worker name, which stays the same when a worker's process is replaced."""
    values: dict[tuple[str, ...], float] = {}
    for process, worker in status.live_workers.items():
        name = (_PROCESS.sub("", process),)
        values[name] = values.get(name, 0) + value(worker)
    return values


def _counted(counter: Counter) -> Callable[[CrawlStatus], Values]:
    """Return a reader of a counter for each module."""
    return lambda status: {(module.value,): status.count(counter, module) for module in status.modules}


def _dollars(status: CrawlStatus, fields: Mapping[str, int]) -> Values:
    """Return the dollars for each purpose; one that is not a module of the crawl only if it is not zero."""
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
        help="Users who were found, matched SELECT, and were not known before.",
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
        help="Dollars that this crawl has spent, each resource at its price.",
        read=lambda status: _dollars(status, status.ledger.fields),
    ),
    Measure(
        name="expected",
        labels=("module",),
        kind="counter",
        unit="dollars",
        help="Dollars that the network will probably charge for this crawl, each resource once per UTC day.",
        read=lambda status: _dollars(status, status.ledger.expected_fields),
    ),
    Measure(
        name="account_spent",
        kind="counter",
        unit="dollars",
        help="Dollars that all crawls of the account have spent.",
        read=lambda status: {(): usd(status.ledger.spent)},
    ),
    Measure(
        name="account_reserved",
        unit="dollars",
        help="Dollars reserved for requests that are not settled yet.",
        read=lambda status: {(): usd(status.ledger.reserved)},
    ),
    Measure(
        name="budget",
        unit="dollars",
        help="Dollars that all crawls of the account may spend; missing if there is no limit.",
        read=lambda status: {} if status.budget is None else {(): usd(status.budget)},
    ),
    Measure(
        name="ready",
        labels=("module",),
        unit="jobs",
        help="Jobs waiting for a worker.",
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
        help="Completed jobs.",
        read=_counted(Counter.COMPLETED),
    ),
    Measure(
        name="delayed",
        unit="jobs",
        help="Jobs that failed and are waiting for a retry.",
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
        help="Targets waiting in the frontier.",
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
        help="Requests that a credential may still make to an endpoint in the current window.",
        read=lambda status: {(window.credential, window.endpoint): window.left for window in status.windows},
    ),
    Measure(
        name="window_limit",
        labels=("credential", "endpoint"),
        unit="requests",
        help="Requests that a credential may make to an endpoint in one window.",
        read=lambda status: {(window.credential, window.endpoint): window.limit for window in status.windows},
    ),
    Measure(
        name="phase",
        labels=("phase",),
        help="1 for the present phase of the crawl, 0 for the others.",
        read=lambda status: {(phase.value,): int(phase is status.phase) for phase in Phase},
    ),
    Measure(
        name="masters",
        help="1 while a master leads the crawl, otherwise 0.",
        read=lambda status: {(): int(status.master is not None)},
    ),
    Measure(
        name="workers",
        help="Live worker processes.",
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
        help="Records that a worker has downloaded and committed since its process began.",
        read=lambda status: _by_worker(status, lambda worker: worker.fetched),
    ),
    Measure(
        name="worker_requests",
        labels=("worker",),
        kind="counter",
        help="Pages that a worker has downloaded and committed since its process began.",
        read=lambda status: _by_worker(status, lambda worker: worker.requests),
    ),
)
"""All measures in display order."""
