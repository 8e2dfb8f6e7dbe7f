"""A child process (of `worker NAME --processes N`, or the monitor of a demo) that ends with its parent.

Its standard input is a pipe into which nothing is ever written. On every system the pipe is closed when the
parent dies, however it dies. Then the child finishes its pages and leaves: nothing would restart it.
"""

from __future__ import annotations

import os
import signal
import threading
from contextlib import suppress

from twittomatic import cli
from twittomatic.errors import NoMaster, StorageError, TwittomaticError

STOPPED = 4
"""Exit code for the parent alone: the child has printed why it stopped, and a restart would not help."""


def main() -> None:
    """Run the command line of this process, and exit with a code that the parent understands."""
    cli.begin()
    threading.Thread(target=_leave_with_parent, name="parent", daemon=True).start()
    from twittomatic.cli import commands

    commands.run(_exit_code)


def _leave_with_parent() -> None:
    with suppress(OSError):
        os.read(0, 1)
    import click

    with suppress(OSError):  # the reader of standard error may be gone as well
        click.echo("The parent of this process is gone; it finishes its work and leaves.", err=True)
    os.kill(os.getpid(), signal.SIGTERM)


def _exit_code(error: TwittomaticError) -> int:
    from twittomatic.cli.commands import exit_code

    return STOPPED if isinstance(error, NoMaster | StorageError) else exit_code(error)
