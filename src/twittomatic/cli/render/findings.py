"""The result of the demo: a short summary, a picture, the price at X, and the next commands."""

from __future__ import annotations

import shlex
import shutil
import sys
from pathlib import Path

import click

from twittomatic.cli.render.blocks import Page
from twittomatic.cli.render.summary import sections
from twittomatic.cli.render.table import console
from twittomatic.dataset import Dataset
from twittomatic.dataset.extras import require
from twittomatic.dataset.picture import Picture
from twittomatic.errors import SettingsError
from twittomatic.model import MICROS_PER_USD
from twittomatic.state.status import CrawlStatus

_TOP = 5  # users of each ranking
_PIXELS = 1600


def show_findings(status: CrawlStatus, directory: Path, picture: Path) -> None:
    """Print a summary of the crawl and draw its graph.

    Args:
        status: Final status of the crawl.
        directory: Directory of the dataset.
        picture: Path of the PNG file to write.
    """
    dataset = Dataset(directory)
    click.echo()
    console().print(Page(sections(dataset.summary(), _TOP, brief=True)))
    most, expected = (f"${round(micros / MICROS_PER_USD):,}" for micros in (status.spent, status.expected))
    program = _program()
    where = f"--output-directory {shlex.quote(str(directory))}"
    for line in (
        "",
        "The graph is real and anonymized; names, bios and posts are made up.",
        f"At X this would have cost about {expected}, and {most} at most. Here it was free.",
        "",
        _draw(dataset, picture),
        f"Explore it in a browser:  {program} picture graph.html {where}",
        f"The whole summary:        {program} analyze summary {where}",
        f"A table for R or pandas:  {program} export nodes.csv {where}",
    ):
        click.echo(line)


def _draw(dataset: Dataset, path: Path) -> str:
    """Draw the graph; return a sentence about the picture."""
    try:
        require("PIL", "picture")
    except SettingsError as missing:
        return f"There is no picture: {missing}"
    path.write_bytes(Picture(dataset.graph(), dataset.node_profiles, size=_PIXELS).png())
    return f"A picture of the graph:   {path}"


def _program() -> str:
    """Return the command that runs this program: its path if it is not on PATH."""
    called = Path(sys.argv[0])
    if called.name != "twittomatic" or shutil.which(called.name):
        return "twittomatic"
    return shlex.quote(str(called))
