"""The status of a crawl, as `status` and a running crawl show it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.console import Group
from rich.text import Text

from twittomatic.app.forecast import Growth
from twittomatic.app.status import reason, spending
from twittomatic.cli.render.quote import many
from twittomatic.cli.render.table import NumberTable, console
from twittomatic.model import Counter, Module, Phase, WorkerReport, about, dollars
from twittomatic.networks import registry
from twittomatic.sinks.consumer import rebuild_command
from twittomatic.state.status import CrawlStatus, JobCounts, SinkStatus

_STATES = ("ready", "leased", "delayed", "dead", "completed")  # of a job
_PHASES = {"running": "green", "paused": "yellow", "finished": "cyan", "idle": "dim"}


def show(status: CrawlStatus, pace: Sequence[str] = ()) -> None:
    """Print the status of a crawl."""
    console().print(picture(status, pace=pace))


def picture(status: CrawlStatus, rate: str = "", pace: Sequence[str] = ()) -> Group:
    """Draw the status of a crawl, and its pace if it is known."""
    phase = status.phase
    if phase is Phase.IDLE:
        return _absent(status)
    head = Text.assemble("Crawl ", (status.crawl, "bold"), " is ", (str(phase), _PHASES.get(phase, "")), rate)
    rows: list[Any] = [head]
    if status.dead:
        rows.append(Text(f"  {are_dead(status.dead)}: `twittomatic jobs dead` says why", style="red"))
    if why := reason(status):
        until = f" (until {status.until})" if status.until else ""
        rows.append(Text(f"  {why}{until}", style="yellow"))
    if any(status.early.values()):
        kinds = ", ".join(f"{count:,} {kind}" for kind, count in status.early.items() if count)
        rows.append(Text(f"  {ended_early(sum(status.early.values()))}: {kinds}", style="yellow"))
    rows.append(_numbers(status))
    rows += [Text(sentence) for sentence in pace]
    rows += [Text(sentence, style="dim") for sentence in _money_notes(status)]
    rows += [
        Text(f"Credential {name} is retired: {why}", style="yellow") for name, why in status.rejected.items()
    ]
    rows.append(_jobs(status))
    if status.master:
        rows.append(Text(_masters(status), style="dim", overflow="ellipsis", no_wrap=True))
    rows += [
        Text(_worker(name, worker), style="dim", overflow="ellipsis", no_wrap=True)
        for name, worker in status.workers.items()
    ]
    rows += [Text(_sink(sink), style="dim", overflow="ellipsis", no_wrap=True) for sink in status.sinks]
    return Group(*rows)


def _absent(status: CrawlStatus) -> Group:
    """Say that there is no crawl of this name, and show what the state has all the same."""
    start = "" if status.reason else "; start one with `twittomatic crawl`"
    rows: list[Any] = [Text.assemble("There is no crawl ", (status.crawl, "bold"), " here", start, ".")]
    if why := reason(status):
        rows.append(Text(f"  {why}.", style="yellow"))
    if status.ledger.spent or status.seen:
        rows.append(_numbers(status))
    return Group(*rows)


def line(status: CrawlStatus) -> str:
    """Return the status of a crawl in one line."""
    grown = Growth.of(status)
    waiting = sum(jobs.ready + jobs.leased + jobs.delayed for jobs in status.jobs.values())
    dead = f", {are_dead(status.dead)}" if status.dead else ""
    return (
        f"{status.phase}: {many(status.count(Counter.TARGETS), 'user')} begun, "
        f"{sum(status.frontier.values()):,} in the frontier, "
        f"{many(grown.followers, 'follower')}, {many(grown.posts, 'post')}, "
        f"{many(waiting, 'job')} to do{dead}{''.join(f', {amount}' for amount in _spent_in_words(status))}"
    )


def are_dead(count: int) -> str:
    """Return the number of dead jobs in words."""
    return "1 job is dead" if count == 1 else f"{count:,} jobs are dead"


def ended_early(count: int) -> str:
    """Return the number of lists that ended too early in words."""
    return f"{many(count, 'list')} ended too early"


def _numbers(status: CrawlStatus) -> NumberTable:
    grown = Growth.of(status)
    values = {
        "users begun": f"{status.count(Counter.TARGETS):,}",
        "frontier": f"{sum(status.frontier.values()):,}",
        "seen": f"{status.seen:,}",
        "followers": f"{grown.followers:,}",
        "posts": f"{grown.posts:,}",
        **_spent(status),
    }
    return NumberTable(
        list(values), [list(map(Text, values.values()))], ["seen", "frontier", "posts", "followers"]
    )


def _jobs(status: CrawlStatus) -> NumberTable:
    spent = spending(status.ledger, f"module:{status.crawl}:")
    rows = []
    for module, jobs in status.jobs.items():
        if jobs != JobCounts():
            numbers = [Text(f"{getattr(jobs, place):,}") for place in _STATES]
            if jobs.dead:
                numbers[_STATES.index("dead")].stylize("red")
            cost = [] if _is_free(status) else [Text(dollars(spent.get(module, 0)))]
            rows.append([Text(module), *numbers, *cost])
    rows += [
        [Text(name), *[Text()] * len(_STATES), Text(dollars(amount))]
        for name, amount in spent.items()
        if name not in {*Module}
    ]
    columns = ["module", *_STATES, *([] if _is_free(status) else ["spent"])]
    return NumberTable(columns, rows, ["delayed", "leased", "ready", "completed", "dead"])


def _money_notes(status: CrawlStatus) -> list[str]:
    sentences = []
    if status.expected < status.spent:
        sentences.append(
            f"{registry.network_class(status.network).title} probably charges about "
            f"{about(status.expected)}: each resource once a day (UTC)."
        )
    if status.ledger.reserved and not any(jobs.leased for jobs in status.jobs.values()):
        reserved = dollars(status.ledger.reserved)
        sentences.append(f"{reserved} is reserved for requests whose outcome is unknown; it counts as spent.")
    if status.unfinished:
        are, them = ("is", "it") if status.unfinished == 1 else ("are", "them")
        sentences.append(
            f"{many(status.unfinished, 'list')} {are} unfinished: "
            f"what is bought of {them} is in TEMPORARY_DIRECTORY."
        )
    if count := status.count(Counter.UNREADABLE):
        sentences.append(f"Set aside: {many(count, 'record')} that could not be read; see the log.")
    return sentences


def _masters(status: CrawlStatus) -> str:
    standbys = ", ".join(status.standbys)
    leader = status.master.name if status.master else ""
    return f"  {leader}: leads{f'; standing by: {standbys}' if standbys else ''}"


def _worker(name: str, worker: WorkerReport) -> str:
    doing = ", ".join(f"{job.module} of {job.user_id}" for job in worker.longest_held[:4])
    more = len(worker.jobs) - 4
    return f"  {name}: {doing or 'idle'}{f' and {more} more' if more > 0 else ''}"


def _sink(sink: SinkStatus) -> str:
    parts = [f"{sink.lag:,} events behind, the oldest {sink.oldest_s:,.0f} s" if sink.lag else "up to date"]
    if not sink.running:
        parts.append("does not run")
    if sink.trimmed:
        parts.append(f"missed {sink.trimmed:,} events: `{rebuild_command(sink.name)}`")
    if sink.error:
        parts.append(f"last error: {sink.error}")
    return f"Sink {sink.name}: {'; '.join(parts)}"


def _spent(status: CrawlStatus) -> dict[str, str]:
    """Return what this crawl spent and, if it differs, what all crawls spent: the budget is for all."""
    if _is_free(status):
        return {}
    of_budget = "" if status.budget is None else f" of {dollars(status.budget)}"
    by_all = f"{dollars(status.ledger.spent)}{of_budget}"
    if status.ledger.spent == status.spent:
        return {"spent": by_all}
    return {"spent": dollars(status.spent), "by all crawls": by_all}


def _spent_in_words(status: CrawlStatus) -> list[str]:
    return [amount if name == "spent" else f"{amount} {name}" for name, amount in _spent(status).items()]


def _is_free(status: CrawlStatus) -> bool:
    return registry.network_class(status.network).price_list({}).is_free
