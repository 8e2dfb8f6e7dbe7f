"""What a crawl found, and what it would have cost at X; shown at the end of a demo."""

from __future__ import annotations

from itertools import islice

import click
import numpy as np
from rich.table import Table

from twittomatic.cli.render.table import console
from twittomatic.dataset import Dataset
from twittomatic.model import MICROS_PER_USD, dollars
from twittomatic.settings import Settings
from twittomatic.storage.journal import read_journal
from twittomatic.storage.paths import Layout

_TOP = 10


def show_findings(settings: Settings) -> None:
    """Print what the crawl found, read from its files."""
    layout = Layout(settings.output_directory, settings.temporary_directory)
    dataset = Dataset(settings.output_directory)
    counts = {(row.list, row.user_id): row.records for row in dataset.completeness()}
    followers = {user_id: count for (kind, user_id), count in counts.items() if kind == "followers"}
    posts = sum(count for (kind, _), count in counts.items() if kind == "posts")
    everybody = np.unique(np.concatenate([batch.follower for batch in dataset.edges()]))
    spent = sum(entry.cost_usd for entry in read_journal(layout))
    names = _names(dataset, followers)
    table = Table(box=None)
    for column in ("user id", "name", "followers"):
        table.add_column(column, justify="right" if column == "followers" else "left")
    top = sorted(followers, key=lambda user_id: -followers[user_id])
    for user_id in islice(top, _TOP):
        table.add_row(str(user_id), names.get(user_id, ""), f"{followers[user_id]:,}")
    click.echo(f"\nThe {_TOP} users with the most followers:")
    console().print(table)
    click.echo(
        f"\nUsers: {len(followers):,} crawled, {len(everybody):,} found. "
        f"Edges: {sum(followers.values()):,}. Posts: {posts:,}."
    )
    example = layout.file(str(top[0]), "fws")
    click.echo(f"Files: {settings.output_directory}/. Look into one: zcat {example} | head -3")
    click.echo(
        f"At X this would have cost {dollars(round(spent * MICROS_PER_USD))} at most, and probably the "
        "amount above, since X charges for a user once a day. Here it was free."
    )


def _names(dataset: Dataset, followers: dict[int, int]) -> dict[int, str]:
    """Return the screen names of the crawled users, from the profiles that came with followers pages."""
    profiles = (
        profile for user_id, count in followers.items() if count for profile in dataset.profiles(user_id)
    )
    names = {int(profile["id"]): f"@{profile['username']}" for profile in profiles}
    return {user_id: name for user_id, name in names.items() if user_id in followers}
