"""`stats`: record a crawl's rates and gauges, and replay them."""

from __future__ import annotations

import math
import sys
from pathlib import Path

import click
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from twittomatic.app import stats as app
from twittomatic.cli.exitcodes import INTERRUPTED
from twittomatic.cli.observer import Terminal
from twittomatic.cli.options import EVERYWHERE, settings_options
from twittomatic.cli.render.table import console
from twittomatic.cli.runner import run_async
from twittomatic.errors import SettingsError
from twittomatic.settings import Settings


@click.group(short_help="Record a crawl's rates and gauges, and replay them into Graphite.")
def stats() -> None:
    """Record a crawl's rates and gauges, and replay them into Graphite."""


@stats.command(short_help="Record once a second, to a file and to Graphite.", epilog=EVERYWHERE)
@click.argument("file", metavar="FILE")
@settings_options("CRAWL", "REDIS_URL", "STATE_DIRECTORY", "CARBON_HOST", "CARBON_PORT")
def record(settings: Settings, file: str) -> None:
    """Record a crawl's rates and gauges once a second into FILE, until a signal ends it.

    FILE is gzip, with a Graphite line `path value timestamp` for each number; an existing recording is
    continued. The same lines go to Graphite at CARBON_HOST:CARBON_PORT whenever it can be reached. The crawl
    may begin later.
    """
    if file == "-":
        raise SettingsError("FILE: a recording is continued where it stopped, so it needs a regular file.")
    recorded = run_async(app.record(settings, Path(file), Terminal()))
    click.echo(
        f"{recorded.lines:,} lines of {recorded.seconds:,} seconds were added to {file}; "
        f"Graphite has {recorded.lines - recorded.missed:,} of them."
    )
    sys.exit(INTERRUPTED)


@stats.command(short_help="Send a recording to Graphite.", epilog=EVERYWHERE)
@click.argument("file", metavar="FILE")
@click.option(
    "--speed",
    type=click.FloatRange(min=0, min_open=True, max=1e6),
    metavar="X",
    help="X times as fast as it was recorded.  [default: as fast as Graphite accepts it]",
)
@click.option(
    "--shift-to-now",
    "shifted",
    is_flag=True,
    help="Shift all times by the same amount, so that the last point is current when it is sent.",
)
@settings_options("CARBON_HOST", "CARBON_PORT")
def replay(settings: Settings, file: str, speed: float | None, shifted: bool) -> None:
    """Send the recording FILE to Graphite at CARBON_HOST:CARBON_PORT, each point with its time.

    A truncated recording is sent up to where it ends.
    """
    if speed is not None and not math.isfinite(speed):
        raise click.BadParameter("give a number.", param_hint="--speed")
    with _progress() as progress:
        task = progress.add_task("", total=None, lines=0)
        replayed = run_async(
            app.replay(
                settings,
                Path(file),
                lambda read, size, sent: progress.update(task, completed=read, total=size, lines=sent),
                speed=speed,
                shifted=shifted,
            )
        )
    place = f"{settings.carbon_host}:{settings.carbon_port}"
    click.echo(f"{place} has {replayed.sent:,} lines of {file}.")
    if replayed.skipped:
        click.echo(f"{replayed.skipped:,} lines are none of Graphite's; they were left out.", err=True)
    if replayed.flaw:
        click.echo(f"{file}: {replayed.flaw}; it was sent up to there.", err=True)


def _progress() -> Progress:
    terminal = console(stderr=True)
    return Progress(
        TextColumn("{task.fields[lines]:,} lines"),
        BarColumn(),
        TextColumn("{task.percentage:.0f} %"),
        TimeRemainingColumn(),
        console=terminal,
        transient=True,
        disable=not terminal.is_terminal,
    )
