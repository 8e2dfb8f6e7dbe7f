"""The command `twittomatic`: one file per command, which parses, calls and renders.

`commands` names the commands and turns errors into exit codes, `options` makes every setting a flag, and
`twittomatic.app.runtime` puts the concrete parts together.
"""

from __future__ import annotations

from twittomatic.cli import signals, streams


def main() -> None:
    """Run the command line, and exit with its code."""
    begin()
    from twittomatic.cli.commands import run

    run()


def begin() -> None:
    """Prepare the process for commands, before it imports or opens anything else."""
    signals.catch()
    streams.secure()
