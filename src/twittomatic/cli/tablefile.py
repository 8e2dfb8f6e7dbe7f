"""Options of the measures: --top rows to print, and --out, the file of a table with all."""

from __future__ import annotations

from pathlib import Path

import click

from twittomatic.cli.outputfile import written
from twittomatic.dataset.export.format import extension, listed
from twittomatic.dataset.export.registry import KINDS
from twittomatic.dataset.tables.table import Table
from twittomatic.errors import SettingsError
from twittomatic.storage.paths import Layout

out_option = click.option(
    "--out", metavar="FILE", help="Write all users into a table: .parquet, .csv, .jsonl."
)
top_option = click.option(
    "--top", default=20, show_default=True, type=click.IntRange(0, 10_000), help="Number of rows to print."
)


def table_kind(out: str | None) -> str:
    """Return the extension of a table that a name ends with, empty without a name.

    Raises:
        SettingsError: the extension is unknown.
    """
    if out is None:
        return ""
    kind = extension(out, KINDS)
    if kind is None:
        raise SettingsError(f"--out {out!r}: its extension is unknown; a table can be {listed(KINDS)}.")
    return kind


def say_written(out: str | None, what: str) -> None:
    """Say what --out has, if it was given."""
    if out is not None:
        click.echo(f"{out}: {what}.", err=True)


def write_table(table: Table, out: str, kind: str, dataset: Path) -> None:
    """Write a table aside, then rename it to `out`.

    Args:
        table: The table.
        out: Name of the file.
        kind: Its extension, as `table_kind` returns it.
        dataset: Directory of the dataset, whose own files are not replaced.
    """
    with written(out, Layout.of_dataset(dataset)) as stream:
        writer = KINDS[kind](stream, table.columns)
        for batch in table.batches():
            writer.write(batch)
        writer.close()
