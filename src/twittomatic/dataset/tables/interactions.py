"""Interactions as a table: who retweets, answers, quotes or mentions whom, how often and when."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from twittomatic.dataset.interactions import Interaction, read_interactions
from twittomatic.dataset.tables.columns import Batch, Column, Type
from twittomatic.dataset.tables.table import Table
from twittomatic.errors import StorageError
from twittomatic.storage.paths import Layout

INTERACTION_COLUMNS: Final = (
    Column("source", Type.INT64, "id of the user who wrote the posts", encoding="RLE_DICTIONARY"),
    Column("target", Type.INT64, "id of the user to whom they refer; missing where posts have only a name"),
    Column("kind", Type.TEXT, "`retweet`, `reply`, `quote` or `mention`", encoding="RLE_DICTIONARY"),
    Column("count", Type.INT64, "posts"),
    Column("first_at", Type.TIME, "when the first of them was written"),
    Column("last_at", Type.TIME, "when the last of them was written"),
    Column("source_name", Type.TEXT, "screen name of the source", encoding="RLE_DICTIONARY"),
    Column("target_name", Type.TEXT, "screen name of the target, as the newest of the posts has it"),
)
_BATCH = 10_000  # rows


def interaction_table(layout: Layout, on_defect: Callable[[StorageError], None] | None = None) -> Table:
    """Return the interactions of all timelines as a table, timeline by timeline.

    Args:
        layout: The dataset.
        on_defect: Called with the error about a file that cannot be read, which is left out; None raises it.
    """

    def read() -> Iterator[Batch]:
        rows: list[Interaction] = []
        for timeline in read_interactions(layout, on_defect):
            rows += timeline
            if len(rows) >= _BATCH:
                yield _batch(rows)
                rows = []
        if rows:
            yield _batch(rows)

    return Table("interactions", INTERACTION_COLUMNS, read)


def _batch(rows: list[Interaction]) -> Batch:
    return {column.name: [getattr(row, column.name) for row in rows] for column in INTERACTION_COLUMNS}
