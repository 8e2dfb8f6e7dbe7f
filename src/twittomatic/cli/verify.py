"""`verify`: check the dataset against its journal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import click
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from twittomatic.app.repair import repair
from twittomatic.cli.options import EVERYWHERE, settings_options
from twittomatic.cli.render.table import console
from twittomatic.cli.runner import run_async
from twittomatic.errors import SettingsError, StorageError
from twittomatic.model import Ending
from twittomatic.settings import Settings
from twittomatic.storage.index import JournalIndex
from twittomatic.storage.paths import EXTENSIONS, Layout
from twittomatic.storage.repair import Step
from twittomatic.storage.verify import verify as check


@dataclass(frozen=True)
class _Counted(Layout):
    """A layout that reports each file once it has been checked."""

    advance: Callable[[], None]

    def files(self, ext: str) -> Iterator[Path]:
        for path in super().files(ext):
            yield path
            self.advance()


@click.command(short_help="Check every file of the dataset against the journal.", epilog=EVERYWHERE)
@click.option(
    "--repair",
    "repairing",
    is_flag=True,
    help="Bring the dataset back to what the journal proves, and queue what is missing.",
)
@settings_options("CRAWL", "OUTPUT_DIRECTORY", "REDIS_URL", "STATE_DIRECTORY")
def verify(settings: Settings, repairing: bool) -> None:
    """Check every file of the dataset against the journal.

    Lines, bytes, checksum, whole gzip members, valid ids, none of them twice. A line for each problem, and
    exit code 1 when there is any.

    --repair cuts off what the journal does not prove, moves files of which it proves nothing into set-aside,
    and queues what is missing. No crawl may be at work. A line for each file, and exit code 1 when one still
    is not as the journal says.

    Without --repair a crawl may be at work. What it has placed and not yet written into the journal is named,
    and is no problem.
    """
    directory = settings.output_directory
    try:
        there = directory.is_dir()
    except OSError as error:
        raise SettingsError(f"OUTPUT_DIRECTORY {directory}: cannot be read ({error.strerror}).") from None
    if not there:
        raise SettingsError(f"OUTPUT_DIRECTORY {directory}: there is no such directory.")
    layout = Layout(directory, settings.temporary_directory)
    problems = files = 0
    held: set[str] = set()

    def count() -> None:
        nonlocal files
        files += 1

    def report(step: Step) -> None:
        nonlocal problems
        problems += step.left
        click.echo(f"{step.file}: {step.sentence}")

    with _progress(layout, count) as watched:
        if repairing:
            run_async(repair(settings, watched, report, click.echo))
        else:
            for problem in check(watched):
                if problem.in_progress:
                    held.add(problem.file)
                    click.echo(f"{problem.file}: {problem.sentence} A crawl is at work on it.", err=True)
                else:
                    report(Step(file=problem.file, sentence=problem.sentence, left=True))
    if problems:
        click.echo(f"Problems: {problems:,}. Files: {files:,}.", err=True)
        sys.exit(1)
    # Every file has a journal line by now, and as many records as that says.
    index = JournalIndex(layout)
    index.refresh()
    files = records = 0
    for _, line in index.files():
        if line.ending is not Ending.LOST:
            files, records = files + 1, records + line.lines
    if held:
        click.echo(f"Left for later: {len(held):,}. Verify again when the crawl has ended.", err=True)
    what = "All else is" if held else "All is"
    click.echo(f"{what} as the journal says. Files: {files:,}. Records: {records:,}.")


@contextmanager
def _progress(layout: Layout, count: Callable[[], None]) -> Iterator[Layout]:
    """Count files as they are done, and show on a terminal how many are left."""
    if not sys.stderr.isatty():
        yield _Counted(layout.output, layout.temporary, count)
        return
    columns = (TextColumn("Checking"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    # Problems go to stdout; only where that is the same terminal must they make room for the bar.
    together = sys.stdout.isatty()
    with Progress(*columns, console=console(stderr=True), transient=True, redirect_stdout=together) as bar:
        task = bar.add_task("", total=_number_of_files(layout))

        def advance() -> None:
            count()
            bar.advance(task)

        yield _Counted(layout.output, layout.temporary, advance)


def _number_of_files(layout: Layout) -> int | None:
    try:
        return sum(1 for ext in EXTENSIONS for _ in layout.files(ext))
    except StorageError:  # a directory that cannot be listed: the check says so
        return None
