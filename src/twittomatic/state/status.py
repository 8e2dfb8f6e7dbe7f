"""The read model: the status of a crawl, as one value read in two round trips.

Everything that looks at a crawl uses it: master, worker and standby, `status`, the monitor and the recorder.
Its cost grows with the number of workers and sinks, but not with the number of jobs: scripts keep count of
those, dead and delayed ones included.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import TypeVar

import msgspec

from twittomatic.errors import StateLost
from twittomatic.model import NO_JSON, Counter, Ending, Module, Phase, WorkerReport, modules_of, queues
from twittomatic.networks import registry
from twittomatic.parsing import UNLIMITED_DEPTH, micros
from twittomatic.state.connection import Connection
from twittomatic.state.keys import GROUP, CrawlKeys, NetworkKeys
from twittomatic.state.ledger import Totals, read_totals
from twittomatic.state.redis_errors import decoding
from twittomatic.state.stream import Lag, SinkReport, read_lags, read_sink_reports

_T = TypeVar("_T")
_COUNTED = 1_000  # jobs of each queue in which unfinished lists are looked for, which bounds the cost
_SILENT_S = 10.0  # a sink reports every second
_decode_worker = msgspec.json.Decoder(WorkerReport).decode


class JobCounts(msgspec.Struct, frozen=True, kw_only=True):
    """The jobs of one module."""

    ready: int = 0
    leased: int = 0
    delayed: int = 0
    dead: int = 0
    completed: int = 0


class MasterStatus(msgspec.Struct, frozen=True, kw_only=True):
    """The master that leads: the name of its process, and the epoch of its leadership."""

    name: str
    epoch: int


class SinkStatus(msgspec.Struct, frozen=True, kw_only=True):
    """How far a sink lags behind the crawl.

    Attributes:
        name: The sink's name.
        running: Whether a process has served it within the last seconds.
        process: The process that served it last.
        lag: Events that it has not handled yet.
        oldest_s: Seconds since the first of those was written.
        trimmed: Events that left the stream before the sink had them.
        doing: What it is doing, in one sentence.
        error: The last error, in one sentence.
    """

    name: str
    running: bool = False
    process: str = ""
    lag: int = 0
    oldest_s: float = 0.0
    trimmed: int = 0
    doing: str = ""
    error: str = ""


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """The rate-limit window of one credential at one endpoint.

    Attributes:
        credential: Its name.
        endpoint: Name of the network's endpoint.
        limit: Requests of a whole window.
        left: Requests that are left now.
        opens_in_s: Seconds until it is whole again, 0 when it is.
    """

    credential: str
    endpoint: str
    limit: int
    left: int
    opens_in_s: float


def _no_jobs() -> dict[Module, JobCounts]:
    return {module: JobCounts() for module in Module}


class CrawlStatus(msgspec.Struct, frozen=True, kw_only=True):
    """The status of a crawl at one moment.

    Attributes:
        crawl: Its name.
        at: The moment, by the server's clock, in seconds since the epoch.
        phase: Phase of the crawl; `idle` if it was never started.
        reason: Why it is paused.
        until: When it can continue, RFC 3339; None if unknown.
        paused_by: Who paused it: `user` or `network`.
        modules: The modules that it runs for each target.
        traversal: The same as letters, such as `TFA`.
        is_seeding: Whether some of its targets are not in the frontier yet.
        options: The options that its master stored, as JSON; empty if it was never started.
        max_depth: Hops from a seed to the farthest target; None for no limit.
        network: Its name.
        account: Account whose ledger and windows it uses.
        budget: Micro-dollars that the account may spend; None for no cap.
        counters: Numbers that only grow, by `Counter`.
        jobs: Jobs by module.
        frontier: Targets that wait, by depth.
        seen: Users ever discovered.
        early: Lists that ended too early, by their ending.
        unfinished: Lists that were bought in part: counted while the crawl is paused, among the first 1,000
            jobs of each queue.
        workers: Last report of each worker process, by name; reports that make no sense are left out.
        master: The master that leads, None while nobody does.
        standbys: Names of the masters that stand by.
        sinks: Every sink that ever read the events.
        ledger: Money of the account.
        rejected: Credentials that the network no longer accepts, with its reasons.
        windows: Windows of the workers' credentials, as far as they were ever opened.
    """

    crawl: str
    at: float = 0.0
    phase: Phase = Phase.IDLE
    reason: str = ""
    until: str | None = None
    paused_by: str = ""
    modules: Sequence[Module] = ()
    traversal: str = ""
    is_seeding: bool = False
    options: str = ""
    max_depth: int | None = None
    network: str = registry.DEFAULT
    account: str = ""
    budget: int | None = None
    counters: Mapping[str, int] = {}
    jobs: Mapping[Module, JobCounts] = msgspec.field(default_factory=_no_jobs)
    frontier: Mapping[int, int] = {}
    seen: int = 0
    early: Mapping[Ending, int] = {}
    unfinished: int = 0
    workers: Mapping[str, WorkerReport] = {}
    master: MasterStatus | None = None
    standbys: Sequence[str] = ()
    sinks: Sequence[SinkStatus] = ()
    ledger: Totals = Totals()
    rejected: Mapping[str, str] = {}
    windows: Sequence[Window] = ()

    @property
    def is_begun(self) -> bool:
        """Whether the crawl was ever started."""
        return bool(self.options)

    @property
    def dead(self) -> int:
        """Jobs that failed too often."""
        return sum(jobs.dead for jobs in self.jobs.values())

    @property
    def delayed(self) -> int:
        """Jobs that wait for another try."""
        return sum(jobs.delayed for jobs in self.jobs.values())

    @property
    def spent(self) -> int:
        """Micro-dollars that this crawl has spent."""
        return self.ledger.fields.get(f"crawl:{self.crawl}", 0)

    @property
    def expected(self) -> int:
        """Micro-dollars of `spent` that the network will probably charge."""
        return self.ledger.expected_fields.get(f"crawl:{self.crawl}", 0)

    @property
    def live_workers(self) -> dict[str, WorkerReport]:
        """The workers that reported within their leases."""
        return {name: one for name, one in self.workers.items() if one.is_live(self.at)}

    def count(self, counter: Counter, *modules: Module) -> int:
        """Return a counter, summed over some modules where it is kept by module."""
        names = [counter.of(module) for module in modules] or [counter]
        return sum(self.counters.get(name, 0) for name in names)


class _Options(msgspec.Struct, frozen=True):
    """What the read model itself needs of a crawl's hash."""

    phase: Phase
    modules: Sequence[Module]
    network: str = registry.DEFAULT
    account: str = ""
    budget_usd: float | None = None
    max_depth: int = UNLIMITED_DEPTH


async def read_status(
    connection: Connection, crawl: str, *, account: str = "", windows: bool = False
) -> CrawlStatus:
    """Read the status of a crawl, in two round trips.

    Args:
        connection: Connection to the state server.
        crawl: Its name.
        account: Account whose ledger is read if the crawl was never started; empty for none.
        windows: Whether the windows of the workers' credentials are read.

    Raises:
        StateUnavailable: no server answered.
        StateError: the server holds something that no version of this program wrote.
        SettingsError: with `windows`, this program does not know the crawl's network.
    """
    with decoding(f"crawl “{crawl}”"):
        return await _read_status(connection, crawl, account, windows=windows)


async def _read_status(connection: Connection, crawl: str, account: str, *, windows: bool) -> CrawlStatus:
    call, keys = connection.call, CrawlKeys(crawl)
    streams = [keys.jobs(queue) for module in Module for queue in queues(module)]
    # What is asked for in one moment travels together, so everything is asked for before anything is awaited.
    first = await asyncio.gather(
        call("TIME"),
        call("HGETALL", keys.crawl_hash),
        call("HGETALL", keys.counters),
        call("HGETALL", keys.workers),
        call("HGETALL", keys.leader),
        call("ZRANGE", keys.standbys, 0, -1),
        connection.run("frontier/sizes", [keys.crawl_hash, keys.every_frontier, keys.every_seen]),
        asyncio.gather(call("HLEN", keys.short), call("HLEN", keys.stalled)),
        asyncio.gather(call("HGETALL", keys.sinks), connection.run("sinks/lags", [keys.events])),
        asyncio.gather(call("ZCARD", keys.delayed), call("HGETALL", f"{keys.delayed}:count")),
        asyncio.gather(call("HLEN", keys.dead), call("HGETALL", f"{keys.dead}:count")),
        asyncio.gather(*[call("XLEN", stream) for stream in streams]),
        asyncio.gather(*[count_leased(connection, stream) for stream in streams]),
    )
    (seconds, microseconds), fields, numbers, reports, leader, standbys, sizes, early, sinks, *jobs = first
    at = int(seconds) + int(microseconds) / 1e6
    counters = {name: int(value) for name, value in numbers.items()}
    workers = _workers(reports)
    options = _options(fields)
    account = options.account or account
    shared = NetworkKeys(account)
    places = []
    if windows and account:
        names = {name for worker in workers.values() if worker.is_live(at) for name in worker.credentials}
        endpoints = registry.network_class(options.network).endpoints
        places = [(name, endpoint) for name in sorted(names) for endpoint in endpoints]
    delayed, dead, entries, leased = jobs
    ledger, rejected, opened, delayed, dead, unfinished = await asyncio.gather(
        read_totals(connection, shared) if account else _known(Totals()),
        call("HGETALL", shared.rejected) if account else _known({}),
        connection.run("window/read", [f"{shared.windows}{name}:{endpoint}" for name, endpoint in places])
        if places
        else _known([]),
        _job_counts(connection, keys.delayed, *delayed),
        _job_counts(connection, keys.dead, *dead),
        connection.run("jobs/unfinished", [keys.jobs_prefix, keys.job, keys.delayed], [_COUNTED, *Module])
        if options.phase is Phase.PAUSED
        else _known(0),
    )
    return CrawlStatus(
        crawl=crawl,
        at=at,
        phase=options.phase,
        reason=fields.get("reason", ""),
        until=fields.get("until") or None,
        paused_by=fields.get("paused_by", ""),
        modules=options.modules,
        traversal=fields.get("modules", ""),
        is_seeding=fields.get("seeding") == "1",
        options=fields.get("options", ""),
        max_depth=None if options.max_depth == UNLIMITED_DEPTH else options.max_depth,
        network=options.network,
        account=account,
        budget=None if options.budget_usd is None else micros(options.budget_usd),
        counters=counters,
        jobs={
            module: JobCounts(
                ready=max(sum(entries[2 * index : 2 * index + 2]) - held, 0),
                leased=held,
                delayed=delayed.get(module, 0),
                dead=dead.get(module, 0),
                completed=counters.get(Counter.COMPLETED.of(module), 0),
            )
            for index, module in enumerate(Module)
            for held in [sum(leased[2 * index : 2 * index + 2])]
        },
        frontier=dict(sorted(zip(sizes[1::2], sizes[2::2], strict=True))),
        seen=sizes[0],
        early=dict(zip((Ending.SHORT, Ending.STALLED), early, strict=True)),
        unfinished=unfinished,
        workers=workers,
        master=MasterStatus(name=leader["name"], epoch=int(leader["epoch"])) if leader else None,
        standbys=sorted(standbys),
        sinks=_sinks(read_sink_reports(sinks[0]), read_lags(sinks[1]), at),
        ledger=ledger,
        rejected=rejected,
        windows=[
            _window(*place, answer, at)
            for place, answer in zip(places, opened, strict=True)
            if answer[0] is not None
        ],
    )


async def _known(value: _T) -> _T:
    """Return what need not be asked for."""
    return value


async def _job_counts(
    connection: Connection, key: str, size: int, counts: Mapping[str, str]
) -> dict[str, int]:
    """Return how many jobs of each module are delayed or dead, as the scripts keep count of them."""
    counted = {module: int(count) for module, count in counts.items()}
    if sum(counted.values()) == size:
        return counted
    flat = await connection.run("jobs/recount", [key])  # something else than a script changed them
    return dict(zip(flat[::2], flat[1::2], strict=True))


async def count_leased(connection: Connection, stream: str) -> int:
    """Return how many jobs of a stream are leased; 0 where no worker ever read it."""
    try:
        return int((await connection.call("XPENDING", stream, GROUP))["pending"])
    except StateLost:  # or where it vanished, which the master reports
        return 0


def _window(credential: str, endpoint: str, answer: Sequence[str | None], now: float) -> Window:
    limit, used, reset, shut = (int(value or 0) for value in answer)
    resets_in_s, shut_for_s = (max(0.0, at / 1000 - now) for at in (reset, shut))
    left = limit - used if resets_in_s else limit
    return Window(
        credential=credential,
        endpoint=endpoint,
        limit=limit,
        left=0 if shut_for_s else max(0, left),
        opens_in_s=max(resets_in_s, shut_for_s),
    )


def _options(fields: Mapping[str, str]) -> _Options:
    options = msgspec.json.decode(fields.get("options") or "{}", type=dict)
    options["phase"] = fields.get("phase", "idle")
    options["modules"] = modules_of(fields.get("modules", ""))
    return msgspec.convert(options, _Options)


def _workers(reports: Mapping[str, str]) -> dict[str, WorkerReport]:
    """Read the workers' reports; those that make no sense are left out."""
    workers = {}
    for name, text in sorted(reports.items()):
        try:
            workers[name] = _decode_worker(text)
        except NO_JSON:
            continue
    return workers


def _sinks(reports: Mapping[str, SinkReport], lags: Mapping[str, Lag], now: float) -> list[SinkStatus]:
    """Join what each sink reported with what the server knows of it, whether the sink runs or not."""
    sinks = []
    for name in sorted(reports.keys() | lags.keys()):
        report, lag = reports.get(name, SinkReport(at=0.0, process="")), lags.get(name)
        sinks.append(
            SinkStatus(
                name=name,
                running=now - report.at <= _SILENT_S,
                process=report.process,
                lag=lag.events if lag else report.lag,
                oldest_s=lag.oldest_s if lag else report.oldest_s,
                trimmed=report.trimmed + (lag.trimmed if lag else 0),
                doing=report.doing,
                error=report.error,
            )
        )
    return sinks
