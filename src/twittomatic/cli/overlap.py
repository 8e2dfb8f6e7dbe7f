"""`analyze overlap`: how many followers users share."""

from __future__ import annotations

import click

from twittomatic.cli.options import EVERYWHERE, settings_options
from twittomatic.cli.progress import shown_progress
from twittomatic.cli.render.measures import comparison_document, comparison_sections
from twittomatic.cli.summary import as_json, as_markdown, report_defects, show
from twittomatic.cli.tablefile import out_option, say_written, table_kind, top_option, write_table
from twittomatic.dataset.measures.analysis import compare
from twittomatic.settings import Settings


@click.command(short_help="Overlap: how many followers users share.", epilog=EVERYWHERE)
@out_option
@as_json
@as_markdown
@top_option
@click.option(
    "--users",
    default=100,
    show_default=True,
    type=click.IntRange(2, 5_000),
    help="Number of users to compare: those with the most followers in the dataset.",
)
@settings_options("OUTPUT_DIRECTORY")
def overlap(settings: Settings, out: str | None, json: bool, md: bool, top: int, users: int) -> None:
    """Overlap: the number of followers that two users share.

    Prints the pairs who share most. --out writes all pairs who share any, with the columns user, other,
    shared and jaccard (followers of both, divided by followers of either). A crawl may be running.
    """
    kind = table_kind(out)
    with shown_progress() as report:
        found = compare(settings.output_directory, users, report)
        if out is not None:
            report(f"Writing {out}", 0, None)
            write_table(found.table(), out, kind, settings.output_directory)
    page = comparison_sections(found, top if out is None else 0)
    show(f"Overlap in {settings.output_directory}", comparison_document(found, top), page, json, md)
    say_written(out, f"pairs of {len(found.overlap.nodes):,} users")
    report_defects(found.defects)
