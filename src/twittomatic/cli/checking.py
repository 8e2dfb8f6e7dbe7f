"""`verify`: the dataset against its journal."""

from __future__ import annotations

import sys

import click

from twittomatic.cli.options import EVERYWHERE, settings_options
from twittomatic.errors import SettingsError
from twittomatic.settings import Settings
from twittomatic.storage.paths import EXTENSIONS, Layout
from twittomatic.storage.verify import verify as check


@click.command(short_help="Check every file of the dataset against the journal.", epilog=EVERYWHERE)
@settings_options("OUTPUT_DIRECTORY")
def verify(settings: Settings) -> None:
    """Check every file of the dataset against the journal.

    Lines, bytes, checksum, whole gzip members, valid ids, none of them twice. A line for each problem, and
    exit code 1 when there is any.
    """
    directory = settings.output_directory
    if not directory.is_dir():
        raise SettingsError(f"OUTPUT_DIRECTORY {directory}: there is no such directory.")
    layout = Layout(directory, settings.temporary_directory)
    problems = 0
    for problem in check(layout):
        problems += 1
        click.echo(f"{problem.file}: {problem.sentence}")
    files = sum(1 for ext in EXTENSIONS for _ in layout.files(ext))
    if problems:
        click.echo(f"{problems} problems in {files} files.", err=True)
        sys.exit(1)
    click.echo(f"{files} files are as the journal says.")
