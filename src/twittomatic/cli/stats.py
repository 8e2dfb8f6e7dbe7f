"""`stats`: record a crawl's rates and gauges, and replay them."""

from __future__ import annotations

import asyncio
import math
import sys
from pathlib import Path

import click
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from twittomatic.app import runtime
from twittomatic.app.stop import on_stop
from twittomatic.cli.exitcodes import INTERRUPTED
from twittomatic.cli.options import EVERYWHERE, settings_options
from twittomatic.cli.render.table import console
from twittomatic.cli.runner import run_async
from twittomatic.clock import SystemClock
from twittomatic.errors import SettingsError
from twittomatic.settings import Settings
from twittomatic.sinks.stats.recorder import Recorder
from twittomatic.sinks.stats.recording import Recording
from twittomatic.sinks.stats.replay import Replay, Replayed, shift_to_now
from twittomatic.sinks.stats.sender import Sender
from twittomatic.state.embedded.server import Role


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
    sys.exit(run_async(_record(settings, Path(file))))


async def _record(settings: Settings, path: Path) -> int:
    process = runtime.process_name("stats")
    leave = asyncio.Event()
    with on_stop(leave.set), await asyncio.to_thread(Recording.open, path) as recording:
        if recording.cut:
            click.echo(f"{path}: {recording.cut:,} bytes of a torn member at its end were cut off.")
        click.echo(f"Recording crawl “{settings.crawl}” into {path}, from byte {recording.size:,} on.")
        recorder = Recorder(
            crawl=settings.crawl,
            recording=recording,
            sender=Sender(settings.carbon_host, settings.carbon_port, click.echo),
            connect=lambda: runtime.connected(settings, Role.JOIN, process),
            clock=SystemClock(),
            say=click.echo,
        )
        recorded = await recorder.run(leave)
    click.echo(
        f"{recorded.lines:,} lines of {recorded.seconds:,} seconds were added to {path}; "
        f"Graphite has {recorded.lines - recorded.missed:,} of them."
    )
    return INTERRUPTED


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
    replayed = run_async(_replay(settings, Path(file), speed, shifted=shifted))
    place = f"{settings.carbon_host}:{settings.carbon_port}"
    click.echo(f"{place} has {replayed.sent:,} lines of {file}.")
    if replayed.skipped:
        click.echo(f"{replayed.skipped:,} lines are none of Graphite's; they were left out.", err=True)
    if replayed.flaw:
        click.echo(f"{file}: {replayed.flaw}; it was sent up to there.", err=True)


async def _replay(settings: Settings, path: Path, speed: float | None, *, shifted: bool) -> Replayed:
    clock = SystemClock()
    shift_s = await asyncio.to_thread(shift_to_now, path, clock.now(), speed) if shifted else 0
    terminal = console(stderr=True)
    with Progress(
        TextColumn("{task.fields[lines]:,} lines"),
        BarColumn(),
        TextColumn("{task.percentage:.0f} %"),
        TimeRemainingColumn(),
        console=terminal,
        transient=True,
        disable=not terminal.is_terminal,
    ) as progress:
        task = progress.add_task("", total=None, lines=0)
        return await Replay(
            path,
            host=settings.carbon_host,
            port=settings.carbon_port,
            clock=clock,
            speed=speed,
            shift_s=shift_s,
            progress=lambda read, size, sent: progress.update(task, completed=read, total=size, lines=sent),
        ).run()
