"""`analyze pagerank` and the other measures: the top users, or a column of a node table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from twittomatic.cli.options import EVERYWHERE, seed_option, settings_options
from twittomatic.cli.progress import shown_progress
from twittomatic.cli.render.measures import (
    document,
    sections,
    spark_document,
    spark_sections,
)
from twittomatic.cli.summary import as_json, as_markdown, report_defects, show
from twittomatic.cli.tablefile import out_option, say_written, table_kind, top_option, write_table
from twittomatic.dataset.measures import MEASURES
from twittomatic.dataset.measures.analysis import analyze
from twittomatic.dataset.measures.spark import MEASURES as SPARK_MEASURES
from twittomatic.dataset.measures.spark_analysis import SparkAnalysis, analyze_on_spark
from twittomatic.dataset.tables.table import Table
from twittomatic.errors import SettingsError
from twittomatic.settings import Settings


def _command(name: str) -> click.Command:
    measure = MEASURES[name]

    @click.command(name, short_help=measure.summary, epilog=EVERYWHERE, help=_help(name))
    @out_option
    @as_json
    @as_markdown
    @top_option
    @click.option(
        "--among",
        type=click.Choice(("crawled", "all")),
        default=measure.among,
        show_default=True,
        help="Users to measure: those whose followers the dataset has, or all.",
    )
    @seed_option("Seed of random numbers; the same seed gives the same result.")
    @settings_options("OUTPUT_DIRECTORY")
    def command(
        settings: Settings,
        out: str | None,
        json: bool,
        md: bool,
        top: int,
        among: Any,
        seed: int,
        **spark: Any,
    ) -> None:
        directory = settings.output_directory
        title = f"{measure.title} of {directory}"
        if spark.pop("engine", "embedded") == "spark":
            done = _on_spark(directory, name, out, among=among, top=top, **spark)
            show(title, spark_document(name, done), spark_sections(name, done), json, md)
            say_written(out, f"{done.users:,} users")
            report_defects(done.defects)
            return
        if any(spark.values()):
            raise SettingsError("--master and --parquet are for --engine spark.")
        kind = table_kind(out)
        with shown_progress() as report:
            found = analyze(directory, name, among, seed, report)
            if out is not None:
                report(f"Writing {out}", 0, None)
                write_table(found.table(), out, kind, directory)
        show(title, document(name, found, top), sections(name, found, top if out is None else 0), json, md)
        say_written(out, f"{found.graph.node_count:,} users")
        report_defects(found.defects)

    return _spark_options(command) if name in SPARK_MEASURES else command


def _spark_options(command: click.Command) -> click.Command:
    for option in (
        click.Option(
            ["--engine"],
            type=click.Choice(("embedded", "spark")),
            default="embedded",
            show_default=True,
            help="Where to compute: in this process, or on Spark.",
        ),
        click.Option(["--master"], metavar="URL", help="Spark's cluster.  [default: local[*]]"),
        click.Option(
            ["--parquet"],
            metavar="DIR",
            help="Directory or URL of edges.parquet and nodes.parquet for Spark.  [default: export them]",
        ),
    ):
        command.params.append(option)
    return command


def _on_spark(
    directory: Path,
    name: str,
    out: str | None,
    *,
    master: str | None,
    parquet: str | None,
    **options: Any,
) -> SparkAnalysis:
    """Measure on Spark; if --out is a URL, Spark writes it."""
    to_url = out if out is not None and "://" in out else None
    kind = table_kind(out) if to_url is None else ""
    with shown_progress() as report:

        def write(table: Table) -> None:
            assert out is not None
            report(f"Writing {out}", 0, None)
            write_table(table, out, kind, directory)

        return analyze_on_spark(
            directory,
            name,
            master=master or "local[*]",
            parquet=parquet,
            to_url=to_url,
            write=write if out is not None and to_url is None else None,
            progress=report,
            **options,
        )


def _help(name: str) -> str:
    measure = MEASURES[name]
    columns = " and ".join(measure.columns)
    return (
        f"{measure.summary}\n\nPrints the top users and the caveats. --out writes a table of all users with "
        f"{columns}, names, counts and completeness. A crawl may be running."
    )


COMMANDS = [_command(name) for name in MEASURES]
