"""The crawl as people see it in a terminal: one picture for `status` and for a crawl that runs."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

import click
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

_REFRESH_S = 0.5
_LINE_S = 5.0  # between lines where nobody watches
_MODULES = ("timeline", "follower", "analyzer", "update")
_PHASES = {"running": "green", "paused": "yellow", "finished": "cyan", "idle": "dim"}
Report = dict[str, Any]


def show(report: Report) -> None:
    """Print how a crawl stands."""
    Console(highlight=False).print(picture(report))


def picture(report: Report, rate: str = "") -> Group:
    """Draw how a crawl stands: what `status --json` says, for people."""
    phase = report["phase"]
    head = Text.assemble(
        "Crawl ", (str(report["crawl"]), "bold"), " is ", (str(phase), _PHASES.get(phase, "")), rate
    )
    rows: list[Any] = [head]
    if report["reason"]:
        until = f" (until {report['until']})" if report["until"] else ""
        rows.append(Text(f"  {report['reason']}{until}", style="yellow"))
    rows.append(_numbers(report))
    if report["expected_usd"] < report["spent_usd"]:
        dollars = f"${report['expected_usd']:,.2f}"
        rows.append(Text(f"X probably charges about {dollars}: each resource once a day (UTC).", style="dim"))
    rows.append(_jobs(report))
    if report["master"]["name"]:
        rows.append(Text(_masters(report), style="dim", overflow="ellipsis", no_wrap=True))
    rows += [
        Text(_worker(worker), style="dim", overflow="ellipsis", no_wrap=True) for worker in report["workers"]
    ]
    return Group(*rows)


def line(report: Report) -> str:
    """Say how a crawl stands in one line."""
    counters = report["counters"]
    jobs = report["jobs"].values()
    waiting = sum(job["ready"] + job["leased"] + job["delayed"] for job in jobs)
    return (
        f"{report['phase']}: {counters.get('targets', 0):,} users begun, "
        f"{report['frontier']:,} in the frontier, "
        f"{counters.get('records:follower', 0):,} followers, {_posts(counters):,} posts, "
        f"{waiting:,} jobs to do, {_dollars(report)}"
    )


async def watch(report: Callable[[], Awaitable[Report]], until: asyncio.Future[Any]) -> None:
    """Show a crawl until `until` is done: a live picture on a terminal, a line now and then elsewhere.

    Args:
        report: Tells how it stands.
        until: Watched from outside; what it raises is not raised here.
    """
    console = Console(highlight=False, stderr=True)
    if console.is_terminal:
        await _live(report, until, console)
    else:
        await _lines(report, until)


async def _live(
    report: Callable[[], Awaitable[Report]], until: asyncio.Future[Any], console: Console
) -> None:
    last, last_at = 0, time.monotonic()
    with Live(console=console, auto_refresh=False, transient=True) as live:
        while not until.done():
            current = await report()
            pages = sum(count for name, count in current["counters"].items() if name.startswith("pages:"))
            now = time.monotonic()
            rate = f", {(pages - last) / (now - last_at):.1f} pages/s" if last else ""
            last, last_at = pages, now
            live.update(picture(current, rate), refresh=True)
            await asyncio.wait([until], timeout=_REFRESH_S)


async def _lines(report: Callable[[], Awaitable[Report]], until: asyncio.Future[Any]) -> None:
    said = ""
    while not until.done():
        await asyncio.wait([until], timeout=_LINE_S)
        if not until.done():
            text = line(await report())
            if text != said:
                click.echo(text, err=True)
                sys.stderr.flush()
            said = text


def _numbers(report: Report) -> Table:
    counters = report["counters"]
    table = Table.grid(padding=(0, 3))
    values = {
        "users begun": f"{counters.get('targets', 0):,}",
        "frontier": f"{report['frontier']:,}",
        "seen": f"{report['seen']:,}",
        "followers": f"{counters.get('records:follower', 0):,}",
        "posts": f"{_posts(counters):,}",
        "spent": _dollars(report),
    }
    for _ in values:
        table.add_column(justify="right")
    table.add_row(*[Text(name, style="dim") for name in values])
    table.add_row(*values.values())
    return table


def _jobs(report: Report) -> Table:
    table = Table(box=None, padding=(0, 3, 0, 0), header_style="dim")
    table.add_column("module")
    for column in ("ready", "leased", "delayed", "dead", "completed", "spent"):
        table.add_column(column, justify="right")
    for module in _MODULES:
        job = report["jobs"][module]
        if any(job.values()):
            dead = Text(f"{job['dead']:,}", style="red" if job["dead"] else "")
            table.add_row(
                module,
                f"{job['ready']:,}",
                f"{job['leased']:,}",
                f"{job['delayed']:,}",
                dead,
                f"{job['completed']:,}",
                f"${report['money']['modules'].get(module, {}).get('spent_usd', 0):,.2f}",
            )
    return table


def _masters(report: Report) -> str:
    standbys = ", ".join(report["standbys"])
    return f"  {report['master']['name']}: leads{f'; standing by: {standbys}' if standbys else ''}"


def _worker(worker: dict[str, Any]) -> str:
    doing = ", ".join(f"{job['module']} of {job['user_id']}" for job in worker["jobs"][:4])
    more = len(worker["jobs"]) - 4
    return f"  {worker['name']}: {doing or 'idle'}{f' and {more} more' if more > 0 else ''}"


def _posts(counters: dict[str, int]) -> int:
    return counters.get("records:timeline", 0) + counters.get("records:update", 0)


def _dollars(report: Report) -> str:
    budget = report["budget_usd"]
    return f"${report['spent_usd']:,.2f}" + (f" of ${budget:,.2f}" if budget is not None else "")
