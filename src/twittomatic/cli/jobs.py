"""`jobs` and `frontier`: list and retry dead jobs; export the users that wait."""

from __future__ import annotations

import click
import msgspec

from twittomatic.app import control
from twittomatic.cli.options import EVERYWHERE, STATE_SETTINGS, settings_options
from twittomatic.cli.outputfile import is_stdout, written
from twittomatic.cli.runner import run_async
from twittomatic.errors import SettingsError
from twittomatic.settings import Settings


@click.group(short_help="List dead jobs, or retry them.")
def jobs() -> None:
    """List jobs that failed too often, or retry them."""


@jobs.command(short_help="List the dead jobs with their reasons.", epilog=EVERYWHERE)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per line, with all attempts.")
@settings_options(*STATE_SETTINGS)
def dead(settings: Settings, as_json: bool) -> None:
    """List the dead jobs, one a line: module:user_id, when, worker, reason; with --json all attempts."""
    for name, tries in sorted(run_async(control.dead_jobs(settings)).items()):
        if as_json:
            click.echo(msgspec.json.encode({"job": name, "tries": tries}).decode())
        else:
            last = tries[-1]
            click.echo(f"{name}\t{last.at}\t{last.worker}\t{last.reason}")


@jobs.command(short_help="Retry dead jobs where they stopped.", epilog=EVERYWHERE)
@click.argument("names", nargs=-1, metavar="[MODULE:USER_ID]...")
@settings_options(*STATE_SETTINGS)
def retry(settings: Settings, names: tuple[str, ...]) -> None:
    """Retry dead jobs where they stopped: those named, as `jobs dead` lists them, or all."""
    revived, unknown = run_async(control.retry_jobs(settings, names))
    click.echo(
        f"Dead jobs queued again: {revived:,}. Run the command that started the crawl again to continue them."
    )
    if unknown:
        raise SettingsError(f"No such dead job: {', '.join(unknown)}.")


@click.group(short_help="Export the users that were found and not yet crawled.")
def frontier() -> None:
    """Export the users that were found and not yet crawled."""


@frontier.command(short_help="Write its ids to a file, gzip, one a line.", epilog=EVERYWHERE)
@click.argument("file", metavar="FILE")
@settings_options(*STATE_SETTINGS)
def export(settings: Settings, file: str) -> None:
    """Write the ids in the frontier to FILE, gzip, one a line, lowest depth first; the frontier keeps them.

    `-` is standard output. An existing regular file is replaced once the new one is complete.

    The file is itself a list of targets: `twittomatic crawl -F FILE` with another --crawl crawls them.
    """
    streams = is_stdout(file)
    with written(file) as target:
        count = run_async(control.export_frontier(settings, target))
    click.echo(f"{count} ids in {'standard output' if streams else file}.", err=streams)
