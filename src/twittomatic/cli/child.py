"""One of the processes of `worker NAME --processes N`, or the monitor of a demo, bound to who started it.

Its standard input is a pipe into which nothing is ever written. It ends when the parent does, however that
died, on every system. Then the child finishes its pages and leaves: nobody would start it again.
"""

from __future__ import annotations

import os
import signal
import threading
from contextlib import suppress

from twittomatic import cli
from twittomatic.errors import NobodyLeads, StorageError, TwittomaticError

STOPPED = 4
"""Exit code between child and parent alone: it said why it stopped, and to start it again is no use."""


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

    with suppress(OSError):  # whoever read what we say may be gone as well
        click.echo("Who started this process is gone; it finishes what it does and leaves.", err=True)
    os.kill(os.getpid(), signal.SIGTERM)


def _exit_code(error: TwittomaticError) -> int:
    from twittomatic.cli.commands import exit_code

    return STOPPED if isinstance(error, NobodyLeads | StorageError) else exit_code(error)
