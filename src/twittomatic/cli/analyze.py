"""`analyze`: a summary of a dataset on one page, or single measures."""

from __future__ import annotations

import click

from twittomatic.cli.measures import COMMANDS
from twittomatic.cli.overlap import overlap
from twittomatic.cli.summary import posts, summary


class _InOrder(click.Group):
    """Lists its commands as they were added: the summary first."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)


@click.group(cls=_InOrder, short_help="Summarize a dataset, and measure its follow graph.")
def analyze() -> None:
    """Summarize a dataset, and measure its follow graph. Begin with `summary`.

    Only files are read, so a crawl may be running.
    """


analyze.add_command(summary)
analyze.add_command(posts)
for _command in (*COMMANDS, overlap):
    analyze.add_command(_command)
