"""The tables that can be exported, with their columns."""

from __future__ import annotations

from collections.abc import Sequence

from generators import docstrings
from twittomatic.dataset.tables.columns import Column
from twittomatic.dataset.tables.edges import DENSE_EDGE_COLUMNS, EDGE_COLUMNS
from twittomatic.dataset.tables.interactions import INTERACTION_COLUMNS
from twittomatic.dataset.tables.nodes import NODE_COLUMNS, NUMBER
from twittomatic.dataset.tables.postcolumns import POST_COLUMNS
from twittomatic.dataset.tables.profiles import PROFILE_COLUMNS

_TABLES = {
    "edges: a row for each edge of the follow graph": EDGE_COLUMNS,
    "edges with `--dense`": DENSE_EDGE_COLUMNS,
    "nodes: a row for each user of the follow graph": (NUMBER, *NODE_COLUMNS),
    "profiles: a row for each user with a profile": PROFILE_COLUMNS,
    "posts: a row for each post": POST_COLUMNS,
    "interactions: a row for each pair of users": INTERACTION_COLUMNS,
}


def markdown() -> str:
    return "\n\n".join(f"## {title}\n\n{_table(columns)}" for title, columns in _TABLES.items())


def _table(columns: Sequence[Column]) -> str:
    for column in columns:
        if not column.meaning:
            raise LookupError(f"the column {column.name} has no meaning")
    rows = [f"| `{column.name}` | {column.type} | {docstrings.cell(column.meaning)} |" for column in columns]
    return "\n".join(["| column | type | meaning |", "|---|---|---|", *rows])
