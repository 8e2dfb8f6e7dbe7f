"""The command `twittomatic`, one file per group of commands.

`app` names the commands and turns errors into exit codes, `options` makes every setting a flag, `compose`
puts the concrete parts together.
"""

from __future__ import annotations


def main() -> None:
    """Run the command line, and exit with its code."""
    from twittomatic.cli.app import run

    run()
