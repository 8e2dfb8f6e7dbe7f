"""How a command on a crawl ended: the last lines, and the exit code."""

from __future__ import annotations

import click

from twittomatic.app.outcome import Outcome, Result, Undone
from twittomatic.cli.exitcodes import FAILED, FINISHED, INTERRUPTED, PAUSED
from twittomatic.cli.render.status import are_dead, ended_early, show
from twittomatic.model import Ending
from twittomatic.settings import Settings
from twittomatic.state.jobs import EarlyEnd
from twittomatic.storage.verify import printable


def show_result(result: Result, settings: Settings) -> int:
    """Print how a master ended; return the exit code."""
    if result.status is not None:
        show(result.status)
    if result.outcome is Outcome.FINISHED:
        if result.status is not None:
            click.echo(f"The dataset is in {settings.output_directory}; `twittomatic verify` checks it.")
        return _show_undone(result.undone, settings.crawl)
    if result.outcome is Outcome.PAUSED:
        if result.status is not None:
            click.echo("Paused; the same command resumes the crawl.", err=True)
        return PAUSED
    if result.status is not None:
        click.echo("Interrupted; the same command resumes the crawl.", err=True)
    return INTERRUPTED


def show_worker_result(result: Result, settings: Settings) -> int:
    """Print how a worker ended; return the exit code, which is 0 even if jobs are dead."""
    if result.outcome is Outcome.FINISHED:
        dead = result.undone.dead
        left = f"; dead jobs: {dead:,}, see `twittomatic jobs dead`" if dead else ""
        click.echo(f"Crawl “{settings.crawl}” is finished{left}.")
        return FINISHED
    if result.outcome is Outcome.PAUSED:
        click.echo(f"Paused: {result.reason}", err=True)
        return PAUSED
    return INTERRUPTED


def _show_undone(undone: Undone, crawl: str) -> int:
    for name, early in undone.early_lists.items():
        click.echo(printable(_sentence(name, early)), err=True)
    for name, reason in undone.dead_jobs.items():
        click.echo(printable(f"{name} is dead: {reason}"), err=True)
    if not undone:
        return FINISHED
    left = []
    if undone.dead:
        left.append(are_dead(undone.dead))
    if undone.early:
        left.append(ended_early(undone.early))
    more = (
        "; `twittomatic jobs dead` lists every attempt; the same command retries them" if undone.dead else ""
    )
    click.echo(f"Crawl “{crawl}” is finished, but {' and '.join(left)}{more}.", err=True)
    return FAILED


def _sentence(name: str, early: EarlyEnd) -> str:
    of = "" if early.claimed is None else f" of the {early.claimed:,} that the profile claims"
    if early.ending is Ending.SHORT:
        more = "asking again is free" if early.more else "--refresh-older-than 0s buys it again"
        return f"{name} ended short: {early.lines:,}{of}; {more}."
    more = "the same command continues from there" if early.more else "another crawl starts it again"
    return f"{name} stalled at {early.lines:,}{of}, since no new records came for too long; {more}."
