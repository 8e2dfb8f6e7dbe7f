"""`analyze summary` and `analyze posts`: the contents of a dataset on one page."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import click
import msgspec

from twittomatic.cli.exitcodes import FAILED
from twittomatic.cli.options import EVERYWHERE, seed_option, settings_options
from twittomatic.cli.progress import shown_progress
from twittomatic.cli.render.blocks import Page, Section, markdown
from twittomatic.cli.render.summary import post_sections, sections
from twittomatic.cli.render.table import console
from twittomatic.dataset import Dataset
from twittomatic.dataset.summary import summarize_timelines
from twittomatic.settings import Settings
from twittomatic.storage.paths import Layout

as_json = click.option("--json", is_flag=True, help="Print one JSON object; ids are texts.")
as_markdown = click.option("--md", is_flag=True, help="Print Markdown.")


@click.command(short_help="Summarize the dataset on one page.", epilog=EVERYWHERE)
@as_json
@as_markdown
@seed_option("Seed of the communities.")
@click.option(
    "--top", default=20, show_default=True, type=click.IntRange(1, 20), help="Users of each ranking."
)
@settings_options("OUTPUT_DIRECTORY")
def summary(settings: Settings, json: bool, md: bool, seed: int, top: int) -> None:
    """Summarize the dataset on one page: size, coverage, degrees, communities, top users, posts, and what to
    distrust.

    Degrees of followers are those of crawled users, since the others have none here. Communities, and how
    much following is mutual, are measured among crawled users.
    """
    dataset = Dataset(settings.output_directory)
    with shown_progress() as report:
        found = dataset.summary(seed=seed, progress=report)
    show(f"Summary of {found.directory}", found, sections(found, top), json, md)
    report_defects(found.broken)


@click.command(short_help="Count posts per day, hashtags, mentions, links and languages.", epilog=EVERYWHERE)
@as_json
@as_markdown
@settings_options("OUTPUT_DIRECTORY")
def posts(settings: Settings, json: bool, md: bool) -> None:
    """Count the posts per day, and the most used hashtags, mentions, links, domains and languages.

    Those of reposts are left out, since they are another user's. --json has all days and twenty of each; the
    network guesses the languages.
    """
    Dataset(settings.output_directory)  # it refuses a directory that is no dataset
    layout = Layout(settings.output_directory, settings.temporary_directory)
    with shown_progress() as report:
        found = summarize_timelines(layout, progress=report)
    show(f"Posts of {settings.output_directory}", found, post_sections(found), json, md)
    report_defects(found.broken)


def show(title: str, found: Any, page: list[Section], json: bool, md: bool) -> None:
    if json:
        click.echo(msgspec.json.encode(_with_text_ids(msgspec.to_builtins(found))).decode())
    elif md:
        click.echo(markdown(title, page), nl=False)
    else:
        console().print(Page(page))


def report_defects(sentences: Sequence[str]) -> None:
    """Print a line for each file that was left out, and exit with FAILED if there is any."""
    for sentence in sentences:
        click.echo(f"Left out: {sentence}", err=True)
    if sentences:
        sys.exit(FAILED)


def _with_text_ids(value: Any) -> Any:
    """Return a document whose ids are texts: JavaScript would round numbers above 2^53."""
    if isinstance(value, dict):
        return {key: str(item) if key == "id" else _with_text_ids(item) for key, item in value.items()}
    return [_with_text_ids(item) for item in value] if isinstance(value, list | tuple) else value
