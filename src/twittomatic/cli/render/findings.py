"""What a demo found: a short summary, a picture, what it would have cost at X, and what to do next."""

from __future__ import annotations

from pathlib import Path

import click

from twittomatic.cli.render.blocks import Page
from twittomatic.cli.render.summary import sections
from twittomatic.cli.render.table import console
from twittomatic.dataset import Dataset
from twittomatic.dataset.extras import require
from twittomatic.dataset.picture import Picture
from twittomatic.errors import SettingsError
from twittomatic.model import MICROS_PER_USD, dollars
from twittomatic.settings import Settings
from twittomatic.storage.journal import read_journal
from twittomatic.storage.paths import Layout

_TOP = 8  # users of each ranking
_PIXELS = 1600


def show_findings(settings: Settings, seed: str, picture: Path) -> None:
    """Print what the crawl found, and draw it.

    Args:
        settings: The settings of the crawl, which has finished.
        seed: User id of the seed.
        picture: The path of the picture, a PNG file.
    """
    directory = settings.output_directory
    layout = Layout(directory, settings.temporary_directory)
    dataset = Dataset(directory)
    click.echo()
    console().print(Page(sections(dataset.summary(), _TOP, brief=True)))
    spent = sum(entry.cost_usd for entry in read_journal(layout))
    where = f"--output-directory {directory}"
    for line in (
        "",
        "The graph is real and anonymized; names, bios and posts are made up.",
        f"At X this would have cost {dollars(round(spent * MICROS_PER_USD))} at most. Here it was free.",
        "",
        _draw(dataset, picture),
        f"The whole summary:      twittomatic analyze summary {where}",
        f"The graph, for Gephi:   twittomatic export graph.gexf {where}",
        f"Files, such as:         zcat {layout.file(seed, 'fws')} | head -3",
    ):
        click.echo(line)


def _draw(dataset: Dataset, path: Path) -> str:
    """Draw the graph; return a sentence about the picture."""
    try:
        require("PIL", "picture")
    except SettingsError as missing:
        return f"There is no picture: {missing}"
    path.write_bytes(Picture(dataset.graph(), dataset.node_profiles, size=_PIXELS).png())
    return f"A picture of it:        {path}"
