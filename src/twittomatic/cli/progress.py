"""Show the progress of a computation on a terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, ProgressColumn, SpinnerColumn, Task, TextColumn, TimeElapsedColumn
from rich.progress import Progress as ProgressDisplay
from rich.text import Text

from twittomatic.cli.render.table import console
from twittomatic.dataset.progress import Progress, no_progress


@contextmanager
def shown_progress() -> Iterator[Progress]:
    """Show progress on standard error while the block runs, if standard error is a terminal."""
    if not sys.stderr.isatty():
        yield no_progress
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), _Amount(), TimeElapsedColumn())
    with ProgressDisplay(*columns, console=console(stderr=True), transient=True) as display:
        task = display.add_task("", total=None)
        yield lambda step, done, total: display.update(task, description=step, completed=done, total=total)


class _Amount(ProgressColumn):
    """What is done of a step, and its total where that is known."""

    def render(self, task: Task) -> Text:
        done = f"{task.completed:,.0f}"
        if task.total is not None:
            return Text(f"{done}/{task.total:,.0f}", style="progress.download")
        return Text(done if task.completed else "", style="progress.download")
