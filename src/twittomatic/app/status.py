"""Read the status of a crawl, and write it as the JSON object of `status --json`, money in dollars."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from twittomatic.app import build
from twittomatic.app.control import visiting
from twittomatic.crawler.options import CrawlOptions
from twittomatic.model import MICROS_PER_USD, Module, Phase, WorkerReport, dollars
from twittomatic.networks import registry
from twittomatic.settings import Settings
from twittomatic.state.embedded.server import state_exists
from twittomatic.state.keys import NetworkKeys
from twittomatic.state.ledger import Ledger, Totals
from twittomatic.state.status import CrawlStatus, read_status
from twittomatic.storage.errors import translate_errors


@asynccontextmanager
async def reading(settings: Settings) -> AsyncIterator[Callable[[], Awaitable[CrawlStatus]]]:
    """Connect to the state for a block, and yield a function that reads the status of the crawl.

    The reason of a crawl that is not there is what the dataset has of it: its state was lost, or is
    kept elsewhere.

    Raises:
        TwittomaticError: the state or the dataset cannot be read.
    """
    account = registry.account_of(settings)

    async def explained(status: CrawlStatus, ledger: str) -> CrawlStatus:
        why = await asyncio.to_thread(_remains, settings, account, ledger)
        return msgspec.structs.replace(status, reason=why)

    if not settings.redis_url and not state_exists(settings.state_directory):
        none = CrawlStatus(crawl=settings.crawl, budget=settings.budget, account=account)

        async def read() -> CrawlStatus:
            return await explained(none, "")

        yield read
        return
    async with visiting(settings) as (connection, _):

        async def read() -> CrawlStatus:
            status = await read_status(connection, settings.crawl, account=account)
            if status.phase is not Phase.IDLE:
                return status
            return await explained(status, await Ledger(connection, NetworkKeys(account)).find())

        yield read


def _remains(settings: Settings, account: str, ledger: str) -> str:
    """Say what the dataset has of a crawl that the state does not have; empty if it has nothing of it."""
    files = build.layout(settings)
    lost = build.spending(settings, "status").lost(account, ledger)
    with translate_errors(files.journals):
        journals = sorted(files.journals.glob(f"{settings.crawl}.*.jsonl"))
        has_lists = any(path.stat().st_size for path in journals)
    if not lost and not has_lists:
        return ""
    amount = dollars(sum(record.most for record in lost.values()))
    what = [
        *(["files of this crawl"] if has_lists else []),
        *([f"a record of {amount} spent"] if lost else []),
    ]
    remedy = "`twittomatic restore` books what was spent again, and then the" if lost else "the"
    return (
        f"{settings.output_directory} has {' and '.join(what)}, so the state was lost or is kept elsewhere: "
        f"check REDIS_URL and STATE_DIRECTORY; if it was lost, {remedy} same crawl command continues, and no "
        "complete list is bought again"
    )


def document(status: CrawlStatus) -> dict[str, Any]:
    """Return what `status --json` prints of a crawl."""
    options = CrawlOptions.read(status.options) if status.options else None
    network = registry.network_class(status.network)
    ledger = status.ledger
    return {
        "crawl": status.crawl,
        "phase": status.phase,
        "reason": reason(status),
        "until": status.until,
        "network": network.name,
        "is_free": network.price_list({}).is_free,
        "account": status.account,
        "modules": [module.value for module in status.modules],
        "max_depth": status.max_depth,
        "frontier": sum(status.frontier.values()),
        "frontier_by_depth": {str(depth): count for depth, count in status.frontier.items()},
        "seen": status.seen,
        "jobs": {module.value: msgspec.to_builtins(status.jobs[module]) for module in Module},
        "unfinished_lists": status.unfinished,
        "early_lists": {"short": 0, "stalled": 0, **status.early},
        "counters": dict(status.counters),
        "spent_usd": ledger.spent / MICROS_PER_USD,
        "reserved_usd": ledger.reserved / MICROS_PER_USD,
        "expected_usd": ledger.expected / MICROS_PER_USD,
        "crawl_spent_usd": status.spent / MICROS_PER_USD,
        "crawl_expected_usd": status.expected / MICROS_PER_USD,
        "money": {
            "modules": _amounts(ledger, f"module:{status.crawl}:"),
            "days": _amounts(ledger, "day:"),
        },
        "budget_usd": None if status.budget is None else status.budget / MICROS_PER_USD,
        "rejected": dict(status.rejected),
        "prices_as_of": network.price_list(options.prices if options else {}).as_of,
        "workers": [_worker(name, worker) for name, worker in status.workers.items()],
        "master": msgspec.to_builtins(status.master) if status.master else {"name": None, "epoch": None},
        "standbys": list(status.standbys),
        "sinks": msgspec.to_builtins(status.sinks),
    }


def reason(status: CrawlStatus) -> str:
    """Return why a crawl is paused, or why a running one makes no progress; otherwise an empty text."""
    if status.phase is Phase.RUNNING and not status.master:
        return "no master leads it; run the command that started it again to continue"
    if status.phase is Phase.RUNNING and status.ledger.is_awaited:
        reserved = dollars(status.ledger.reserved)
        return f"it waits for {reserved}, reserved for requests whose outcome is not known yet"
    return status.reason


def spending(ledger: Totals, prefix: str) -> Mapping[str, int]:
    """Return micro-dollars spent, by what follows a prefix in the names of the ledger's fields."""
    return {
        name.removeprefix(prefix): spent
        for name, spent in sorted(ledger.fields.items())
        if name.startswith(prefix) and spent
    }


def _amounts(ledger: Totals, prefix: str) -> dict[str, dict[str, float]]:
    return {
        name: {
            "spent_usd": spent / MICROS_PER_USD,
            "expected_usd": ledger.expected_fields.get(f"{prefix}{name}", 0) / MICROS_PER_USD,
        }
        for name, spent in spending(ledger, prefix).items()
    }


def _worker(name: str, worker: WorkerReport) -> dict[str, Any]:
    """Show a worker, with the job that it has held longest first."""
    jobs = worker.longest_held
    return {
        "name": name,
        "module": jobs[0].module if jobs else None,
        "user_id": jobs[0].user_id if jobs else None,
        "slots": worker.slots,
        "lease_s": worker.lease_s,
        "credentials": list(worker.credentials),
        "seen_at": worker.seen_at,
        "jobs": msgspec.to_builtins(jobs),
    }
