"""What `status --json` prints: a crawl as one JSON object, money in dollars."""

from __future__ import annotations

from typing import Any

import msgspec

from twittomatic.app.lag import sinks
from twittomatic.crawler.options import CrawlOptions
from twittomatic.model import MICROS_PER_USD, Module, Phase, dollars
from twittomatic.networks import registry
from twittomatic.parsing import UNLIMITED_DEPTH
from twittomatic.state.account import Money, Totals
from twittomatic.state.connection import Connection
from twittomatic.state.crawl import CrawlState, Progress
from twittomatic.state.early import EarlyEnds
from twittomatic.state.frontier import Frontier, waiting_by_depth
from twittomatic.state.keys import CrawlKeys, NetworkKeys
from twittomatic.state.stream import EventStream
from twittomatic.state.unfinished import Unfinished

Report = dict[str, Any]


async def report(connection: Connection, keys: CrawlKeys, account: str) -> dict[str, Any]:
    """Look at a crawl.

    Args:
        connection: To the state server.
        keys: Of the crawl, with its modules.
        account: Whose ledger is shown where nobody has begun the crawl.
    """
    crawl, frontier = CrawlState(connection, keys), Frontier(connection, keys)
    written = await crawl.field("options")
    options = CrawlOptions.read(written) if written else None
    shared = NetworkKeys(options.account if options else account)
    money, progress = Money(connection, shared, budget=None, horizon_s=0), await crawl.progress()
    return _report_of(
        keys.crawl,
        progress,
        await money.totals(),
        await waiting_by_depth(connection, keys.crawl),
        await frontier.seen(),
        options,
        shared.account,
        await money.rejected(),
        await Unfinished(connection, keys).lists() if progress.phase is Phase.PAUSED else 0,
        await EarlyEnds(connection, keys).counts(),
    )


async def whole_report(connection: Connection, crawl: str, account: str) -> Report:
    """Look at a crawl and its sinks: all that `status --json` prints; otherwise as `report`."""
    modules = await CrawlState(connection, CrawlKeys(crawl)).field("modules")
    keys = CrawlKeys(crawl, modules)
    return {
        **await report(connection, keys, account),
        "sinks": await sinks(EventStream(connection, keys)),
    }


def nothing(crawl: str, budget: int | None) -> Report:
    """Return what `whole_report` says where no crawl ever was."""
    empty = Totals(spent=0, expected=0, reserved=0, fields={}, expected_fields={})
    return {
        **_report_of(crawl, None, empty, {}, 0, None, "", {}, 0, {"short": 0, "stalled": 0}),
        "budget_usd": _dollars(budget),
        "sinks": [],
    }


def _report_of(
    crawl: str,
    progress: Progress | None,
    totals: Totals,
    waiting: dict[int, int],
    seen: int,
    options: CrawlOptions | None,
    account: str,
    rejected: dict[str, str],
    unfinished: int,
    early: dict[str, int],
) -> dict[str, Any]:
    """Put it together."""
    phase, reason = (progress.phase, progress.reason) if progress else (Phase.IDLE, "")
    if phase is Phase.RUNNING and progress and not progress.master:
        reason = "no master leads it now; the command that began it, given again, continues it"
    elif phase is Phase.RUNNING and totals.is_awaited:
        reason = f"it waits for {dollars(totals.reserved)}, put aside for requests whose end is not known yet"
    network = registry.network_class(options.network if options else registry.DEFAULT)
    empty = {"ready": 0, "leased": 0, "delayed": 0, "dead": 0, "completed": 0}
    return {
        "crawl": crawl,
        "phase": phase,
        "reason": reason,
        "until": progress.until if progress else "",
        "network": network.name,
        "account": account,
        "modules": [module.value for module in options.all_modules] if options else [],
        "max_depth": None if not options or options.max_depth == UNLIMITED_DEPTH else options.max_depth,
        "frontier": sum(waiting.values()),
        "frontier_by_depth": {str(depth): count for depth, count in sorted(waiting.items())},
        "seen": seen,
        "jobs": {
            module.value: msgspec.to_builtins(progress.jobs[module]) if progress else empty
            for module in Module
        },
        "unfinished_lists": unfinished,
        "early_lists": early,
        "counters": dict(progress.counters) if progress else {},
        "spent_usd": totals.spent / MICROS_PER_USD,
        "reserved_usd": totals.reserved / MICROS_PER_USD,
        "expected_usd": totals.expected / MICROS_PER_USD,
        "crawl_spent_usd": totals.fields.get(f"crawl:{crawl}", 0) / MICROS_PER_USD,
        "crawl_expected_usd": totals.expected_fields.get(f"crawl:{crawl}", 0) / MICROS_PER_USD,
        "money": {
            "modules": _ledger(totals, f"module:{crawl}:"),
            "days": _ledger(totals, "day:"),
        },
        "budget_usd": _dollars(options.budget if options else None),
        "rejected": rejected,
        "prices_as_of": network.price_list(options.prices if options else {}).as_of,
        "workers": [_worker(name, doing) for name, doing in progress.workers.items()] if progress else [],
        "master": dict(progress.master) if progress and progress.master else {"name": None, "epoch": None},
        "standbys": list(progress.standbys) if progress else [],
    }


def _ledger(totals: Totals, prefix: str) -> dict[str, dict[str, float]]:
    """Return what was spent, and what the network will probably charge, by what comes after a prefix."""
    return {
        name.removeprefix(prefix): {
            "spent_usd": spent / MICROS_PER_USD,
            "expected_usd": totals.expected_fields.get(name, 0) / MICROS_PER_USD,
        }
        for name, spent in sorted(totals.fields.items())
        if name.startswith(prefix) and spent
    }


def _dollars(micros: int | None) -> float | None:
    return None if micros is None else micros / MICROS_PER_USD


def _worker(name: str, doing: Any) -> dict[str, Any]:
    """Show a worker, with the job that it has held longest in front."""
    jobs = sorted(doing.get("jobs", []), key=lambda job: -job["for_s"])
    first = jobs[0] if jobs else {"module": None, "user_id": None}
    return {
        "name": name,
        "module": first["module"],
        "user_id": first["user_id"],
        "slots": doing.get("slots", 0),
        "lease_s": doing.get("lease_s", 0.0),
        "credentials": doing.get("credentials", []),
        "seen_at": doing.get("seen_at", ""),
        "jobs": jobs,
    }
