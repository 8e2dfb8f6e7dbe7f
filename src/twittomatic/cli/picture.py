"""`picture`: draw the follow graph."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import get_args

import click

from twittomatic.cli.options import EVERYWHERE, seed_option, settings_options
from twittomatic.cli.outputfile import written
from twittomatic.cli.progress import shown_progress
from twittomatic.cli.summary import report_defects
from twittomatic.dataset import Dataset
from twittomatic.dataset.extras import require
from twittomatic.dataset.picture import KINDS, SIZES, Labels, Picture
from twittomatic.errors import SettingsError, StorageError
from twittomatic.settings import Settings
from twittomatic.storage.paths import Layout


@click.command(short_help="Draw the follow graph as an image, or as a page to explore.", epilog=EVERYWHERE)
@click.argument("out", metavar="OUT")
@click.option(
    "--top",
    type=click.IntRange(min=1),
    metavar="N",
    help="Show the N most followed users. [default: as many as stay readable]",
)
@click.option(
    "--size",
    type=click.IntRange(*SIZES),
    default=2400,
    show_default=True,
    metavar="PIXELS",
    help="Length of the longer side of a .png.",
)
@click.option("--light", is_flag=True, help="Draw on a light background.")
@click.option(
    "--labels",
    type=click.Choice(get_args(Labels)),
    default="names",
    show_default=True,
    help="Labels of the users.",
)
@seed_option("Seed of the layout.")
@settings_options("OUTPUT_DIRECTORY")
def picture(
    settings: Settings, out: str, top: int | None, size: int, light: bool, labels: Labels, seed: int
) -> None:
    """Draw the follow graph into OUT: a .png file, or an .html file to explore offline in a browser.

    Users who follow each other are near each other. A node's area shows how many followers its user has in
    the dataset, its color the community. The 24 most followed users are labelled. The same seed gives the
    same picture.

    A crawl may be running.
    """
    kind = Path(out).suffix.lower()
    if kind not in KINDS:
        raise SettingsError(f"{out!r}: the name of a picture ends in {' or '.join(KINDS)}.")
    if kind == ".png":
        require("PIL", "picture")
    dataset = Dataset(settings.output_directory)
    defects: list[StorageError] = []
    graph = dataset.graph(on_defect=defects.append)
    layout = Layout(settings.output_directory, settings.temporary_directory)
    with written(out, layout) as file, shown_progress() as progress:
        drawn = Picture(
            graph,
            partial(dataset.node_profiles, on_defect=defects.append),
            top=top,
            size=size,
            light=light,
            labels=labels,
            seed=seed,
            progress=progress,
        )
        file.write(drawn.png() if kind == ".png" else drawn.html())
    scene = drawn.scene(kind)
    shown = f"{out}: {scene.graph.node_count:,} users and {scene.graph.edge_count:,} follows"
    if scene.left_out:
        shown += f"; left out are {scene.left_out:,} users who have fewer followers here"
    click.echo(f"{shown}.", err=True)
    report_defects([str(defect) for defect in defects])
