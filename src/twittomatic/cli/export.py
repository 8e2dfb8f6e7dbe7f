"""`export`: write tables and graphs for other tools."""

from __future__ import annotations

import os
import sys
from contextlib import ExitStack
from typing import Any

import click

from twittomatic.cli.options import EVERYWHERE, seed_option, settings_options
from twittomatic.cli.outputfile import is_stdout, written
from twittomatic.cli.progress import shown_progress
from twittomatic.dataset import Dataset
from twittomatic.dataset.export import Choice, Format, Output, parse_format
from twittomatic.dataset.export import export as write
from twittomatic.errors import SettingsError
from twittomatic.settings import Settings
from twittomatic.storage.paths import Layout


def _names(context: click.Context, parameter: click.Parameter, text: str | None) -> tuple[str, ...]:
    """Split names at commas."""
    return tuple(dict.fromkeys(name.strip() for name in (text or "").split(",") if name.strip()))


@click.command(short_help="Write tables and graphs for pandas, R, Gephi and others.", epilog=EVERYWHERE)
@click.argument("outputs", metavar="OUT...", nargs=-1, required=True)
@click.option(
    "--format",
    "form",
    metavar="NAME",
    help="What to write into OUT, as a file name: edges.csv. OUT may be -.",
)
@click.option(
    "--among",
    type=click.Choice(("crawled", "all")),
    default="all",
    show_default=True,
    help="Users: those whose followers the dataset has, or all.",
)
@click.option("--complete-only", is_flag=True, help="Only lists of followers that are complete.")
@click.option("--mutual", is_flag=True, help="Only mutual edges.")
@click.option(
    "--min-degree",
    type=click.IntRange(0),
    metavar="N",
    default=0,
    help="Only users with at least N edges, in-degree plus out-degree.",
)
@click.option(
    "--top",
    type=click.IntRange(0),
    metavar="N",
    help="Only the N users with the most followers in the graph.",
)
@click.option("--columns", metavar="A,B", callback=_names, help="Only these columns, in this order.")
@click.option("--dense", is_flag=True, help="Number the users from 0 on; the nodes table has the numbers.")
@click.option(
    "--measures",
    metavar="M,...",
    callback=_names,
    help="Add measures to the nodes, those of `analyze`: pagerank,communities.",
)
@seed_option("Seed of measures that use random numbers.")
@settings_options("OUTPUT_DIRECTORY")
def export(settings: Settings, outputs: tuple[str, ...], form: str | None, **choice: Any) -> None:
    """Write tables and graphs of the dataset for other tools.

    The name of OUT says what to write. Its stem is a table: edges, nodes, profiles, posts or interactions.
    Its extension is .parquet, .csv, .csv.gz, .jsonl or .jsonl.gz.

    With .gexf, .graphml, .net (Pajek) or .json (graphology), OUT is a graph: that of interactions if its stem
    says so, otherwise the follow graph.

    A file appears when it is whole, and replaces only a regular file. A crawl may be running.
    """
    named = [(name, _format(name, form, len(outputs))) for name in outputs]
    if len({os.path.realpath(name) for name, _ in named}) < len(named):
        raise SettingsError("OUT: the same file is named twice.")
    Dataset(settings.output_directory)  # it refuses a directory that is no dataset
    layout = Layout(settings.output_directory, settings.temporary_directory)
    with ExitStack() as stack:
        report = stack.enter_context(shown_progress())
        opened = [Output(what, stack.enter_context(written(name, layout))) for name, what in named]
        exported = write(layout, opened, Choice(**choice), report)
    for sentence in exported.warnings + exported.defects:
        click.echo(sentence, err=True)
    if exported.defects:
        click.echo(f"Broken files: {len(exported.defects):,}.", err=True)
    rows = ". ".join(f"{name.capitalize()}: {count:,}" for name, count in exported.rows.items())
    if rows:
        click.echo(f"{rows}.", err=any(is_stdout(name) for name in outputs))
    sys.exit(1 if exported.defects else 0)


def _format(name: str, form: str | None, outputs: int) -> Format:
    if form is not None:
        if outputs > 1:
            raise SettingsError(
                "--format describes one OUT; with several, the name of each says what is in it."
            )
        return parse_format(form)
    if name == "-":
        raise SettingsError("-: say what to write to standard output, such as --format edges.csv.")
    return parse_format(name)
