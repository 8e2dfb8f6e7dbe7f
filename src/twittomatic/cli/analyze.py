"""`analyze`: what a dataset says, on one page or measure by measure."""

from __future__ import annotations

import click

from twittomatic.cli import measures
from twittomatic.cli.summary import posts, summary


@click.group(short_help="Summarize a dataset, and measure its follow graph.")
def analyze() -> None:
    """Summarize a dataset, and measure its follow graph. Needs neither Redis nor the network."""


analyze.add_command(summary)
analyze.add_command(posts)
for _measure in measures.COMMANDS:
    analyze.add_command(_measure)
