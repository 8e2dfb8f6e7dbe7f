"""The crawl as people see it in a terminal: one picture for `status` and for a crawl that runs."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import click
from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from twittomatic.app.forecast import counted
from twittomatic.app.lag import sentences
from twittomatic.cli.render.quote import many
from twittomatic.cli.render.table import Fitting, console
from twittomatic.model import MICROS_PER_USD, Module, about, dollars

_REFRESH_S = 0.5
_LINE_S = 5.0  # between lines where nobody watches
_PLACES = ("ready", "leased", "delayed", "dead", "completed")  # of a job
_PHASES = {"running": "green", "paused": "yellow", "finished": "cyan", "idle": "dim"}
Report = dict[str, Any]


def show(report: Report, pace: Sequence[str] = ()) -> None:
    """Print how a crawl stands."""
    console().print(picture(report, pace=pace))


def picture(report: Report, rate: str = "", pace: Sequence[str] = ()) -> Group:
    """Draw how a crawl stands: what `status --json` says, for people; and its pace, where that is known."""
    phase = report["phase"]
    head = Text.assemble(
        "Crawl ", (str(report["crawl"]), "bold"), " is ", (str(phase), _PHASES.get(phase, "")), rate
    )
    rows: list[Any] = [head]
    if dead := sum(job["dead"] for job in report["jobs"].values()):
        rows.append(Text(f"  {are_dead(dead)}: `twittomatic jobs dead` says why", style="red"))
    if report["reason"]:
        until = f" (until {report['until']})" if report["until"] else ""
        rows.append(Text(f"  {report['reason']}{until}", style="yellow"))
    if any(report["early_lists"].values()):
        kinds = ", ".join(f"{count:,} {kind}" for kind, count in report["early_lists"].items() if count)
        rows.append(Text(f"  {ended_early(sum(report['early_lists'].values()))}: {kinds}", style="yellow"))
    rows.append(_numbers(report))
    rows += [Text(sentence) for sentence in pace]
    rows += [Text(sentence, style="dim") for sentence in _of_money(report)]
    rows += [
        Text(f"Credential {name} is retired: {reason}", style="yellow")
        for name, reason in report["rejected"].items()
    ]
    rows.append(_jobs(report))
    if report["master"]["name"]:
        rows.append(Text(_masters(report), style="dim", overflow="ellipsis", no_wrap=True))
    rows += [
        Text(_worker(worker), style="dim", overflow="ellipsis", no_wrap=True) for worker in report["workers"]
    ]
    rows += [
        Text(sentence, style="dim", overflow="ellipsis", no_wrap=True)
        for sentence in sentences(report.get("sinks", []))
    ]
    return Group(*rows)


def line(report: Report) -> str:
    """Say how a crawl stands in one line."""
    counters, grown = report["counters"], counted(report)
    jobs = report["jobs"].values()
    waiting = sum(job["ready"] + job["leased"] + job["delayed"] for job in jobs)
    dead = sum(job["dead"] for job in jobs)
    return (
        f"{report['phase']}: {many(counters.get('targets', 0), 'user')} begun, "
        f"{report['frontier']:,} in the frontier, "
        f"{many(grown['followers'], 'follower')}, {many(grown['posts'], 'post')}, "
        f"{many(waiting, 'job')} to do, {f'{are_dead(dead)}, ' if dead else ''}{', '.join(_words(report))}"
    )


def are_dead(count: int) -> str:
    """Say how many jobs are dead."""
    return "1 job is dead" if count == 1 else f"{count:,} jobs are dead"


def ended_early(count: int) -> str:
    """Say how many lists ended too early."""
    return f"{many(count, 'list')} ended too early"


async def watch(report: Callable[[], Awaitable[Report]], until: asyncio.Future[Any]) -> None:
    """Show a crawl until `until` is done: a live picture on a terminal, a line now and then elsewhere.

    Args:
        report: Tells how it stands.
        until: Watched from outside; what it raises is not raised here.
    """
    terminal = console(stderr=True)
    if terminal.is_terminal:
        await _live(report, until, terminal)
    else:
        await _lines(report, until)


async def _live(
    report: Callable[[], Awaitable[Report]], until: asyncio.Future[Any], console: Console
) -> None:
    last, last_at = 0.0, time.monotonic()
    with Live(console=console, auto_refresh=False, transient=True) as live:
        while not until.done():
            current = await report()
            pages = counted(current)["pages"]
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


def _numbers(report: Report) -> Fitting:
    counters, grown = report["counters"], counted(report)
    values = {
        "users begun": f"{counters.get('targets', 0):,}",
        "frontier": f"{report['frontier']:,}",
        "seen": f"{report['seen']:,}",
        "followers": f"{grown['followers']:,}",
        "posts": f"{grown['posts']:,}",
        **_spent(report),
    }
    return Fitting(
        list(values), [list(map(Text, values.values()))], ["seen", "frontier", "posts", "followers"]
    )


def _jobs(report: Report) -> Fitting:
    rows = []
    for module in Module:
        job = report["jobs"][module]
        if any(job.values()):
            numbers = [Text(f"{job[column]:,}") for column in _PLACES]
            if job["dead"]:
                numbers[_PLACES.index("dead")].stylize("red")
            rows.append([Text(module), *numbers, Text(_of_module(report, module))])
    rows += [
        [Text(name), *[Text()] * len(_PLACES), Text(_of_module(report, name))]
        for name in report["money"]["modules"]
        if name not in list(Module)
    ]
    return Fitting(["module", *_PLACES, "spent"], rows, ["delayed", "leased", "ready", "completed", "dead"])


def _of_module(report: Report, name: str) -> str:
    return _exactly(report["money"]["modules"].get(name, {}).get("spent_usd", 0))


def _of_money(report: Report) -> list[str]:
    sentences = []
    if report["crawl_expected_usd"] < report["crawl_spent_usd"]:
        expected = about(report["crawl_expected_usd"] * MICROS_PER_USD)
        sentences.append(f"X probably charges about {expected}: each resource once a day (UTC).")
    if report["reserved_usd"] and not any(job["leased"] for job in report["jobs"].values()):
        aside = _exactly(report["reserved_usd"])
        sentences.append(f"{aside} is put aside for requests whose end is not known; it counts as spent.")
    if report["unfinished_lists"]:
        count = report["unfinished_lists"]
        are, them = ("is", "it") if count == 1 else ("are", "them")
        sentences.append(
            f"{many(count, 'list')} {are} unfinished: what is bought of {them} is in TEMPORARY_DIRECTORY."
        )
    if count := report["counters"].get("unreadable"):
        sentences.append(f"Set aside: {many(count, 'record')} that could not be read; see the log.")
    return sentences


def _masters(report: Report) -> str:
    standbys = ", ".join(report["standbys"])
    return f"  {report['master']['name']}: leads{f'; standing by: {standbys}' if standbys else ''}"


def _worker(worker: dict[str, Any]) -> str:
    doing = ", ".join(f"{job['module']} of {job['user_id']}" for job in worker["jobs"][:4])
    more = len(worker["jobs"]) - 4
    return f"  {worker['name']}: {doing or 'idle'}{f' and {more} more' if more > 0 else ''}"


def _spent(report: Report) -> dict[str, str]:
    """Return what this crawl spent, and where that differs, what all of them did; the budget is for all."""
    of_budget = "" if report["budget_usd"] is None else f" of {_exactly(report['budget_usd'])}"
    if report["spent_usd"] == report["crawl_spent_usd"]:
        return {"spent": f"{_exactly(report['spent_usd'])}{of_budget}"}
    return {
        "spent": _exactly(report["crawl_spent_usd"]),
        "by all crawls": f"{_exactly(report['spent_usd'])}{of_budget}",
    }


def _words(report: Report) -> list[str]:
    return [amount if name == "spent" else f"{amount} {name}" for name, amount in _spent(report).items()]


def _exactly(usd: float) -> str:
    return dollars(round(usd * MICROS_PER_USD))
