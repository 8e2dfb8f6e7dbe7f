"""Posts as a table: one flat row for each, with the columns and values of twarc-csv and some more.

twarc-csv (DocNow, MIT) is what researchers have used for posts of X since 2021, so their notebooks expect its
columns. Its rules, which these are: a repost has the text, entities, attachments and counts of the post that
it repeats; lists are JSON text; hashtags have their #, mentions their @; addresses are in full.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import msgspec

from twittomatic.dataset.tables.columns import Batch
from twittomatic.dataset.tables.entities import tagged, user_entities
from twittomatic.dataset.tables.flat import batch_of, flatten
from twittomatic.dataset.tables.postcolumns import POST_COLUMNS
from twittomatic.dataset.tables.recordfiles import decoded_files
from twittomatic.dataset.tables.table import Table
from twittomatic.errors import StorageError

_BATCH = 5_000  # rows
_REPEATED: Final = ("text", "entities", "attachments", "context_annotations", "public_metrics")
_NAMES: Final = {
    "retweeted": ("retweeted_user_id", "retweeted_username"),
    "quoted": ("quoted_user_id", "quoted_username"),
    "replied_to": (None, "in_reply_to_username"),
}

_decode = msgspec.json.Decoder(dict[str, Any]).decode


def post_table(
    paths: Callable[[], Iterable[Path]], on_defect: Callable[[StorageError], None] | None = None
) -> Table:
    """Return the posts of some timelines as a table, each timeline newest first.

    Args:
        paths: Lists the `.twt` files.
        on_defect: Called with the error about a file that cannot be read, which is left out; None raises it.
    """

    def read() -> Iterator[Batch]:
        rows: list[dict[str, Any]] = []
        for page in decoded_files(paths(), _decode, on_defect):
            rows += [post_row(post, came_at) for came_at, post in page]
            if len(rows) >= _BATCH:
                yield batch_of(POST_COLUMNS, rows)
                rows = []
        if rows:
            yield batch_of(POST_COLUMNS, rows)

    return Table("posts", POST_COLUMNS, read)


def post_row(post: dict[str, Any], came_at: int) -> dict[str, Any]:
    """Return the flat row of a post.

    Args:
        post: The post, in the flattened shape of twarc.
        came_at: When its page arrived, seconds since the epoch; 0 if that is unknown.
    """
    post = dict(post)
    note = post.get("note_tweet")
    references = post.pop("referenced_tweets", None)
    references = [one for one in references if isinstance(one, dict)] if isinstance(references, list) else []
    row: dict[str, Any] = {}
    for one in reversed(references):  # of several of a kind, twarc-csv takes the first id and the last author
        kind = one.get("type")
        row[f"referenced_tweets.{kind}.id"] = one.get("id")
    for kind, (user_column, name_column) in _NAMES.items():
        last = next((one for one in reversed(references) if one.get("type") == kind), None)
        if last is None:
            continue
        author = last.get("author") if isinstance(last.get("author"), dict) else {}
        if user_column:
            row[user_column] = last.get("author_id")
        row[name_column] = author.get("username")
        if kind == "retweeted":
            for key in _REPEATED:
                post[key] = last.get(key, post.get(key))
            note = last.get("note_tweet")
    if isinstance(post.get("entities"), dict):
        post["entities"] = tagged(post["entities"])
    if isinstance(post.get("author"), dict):
        post["author"] = user_entities(post["author"])
    row.update(flatten({key: value for key, value in post.items() if value is not None}))
    full_text = note.get("text") if isinstance(note, dict) else None
    row["full_text"] = full_text if isinstance(full_text, str) else row.get("text")
    row["downloaded_at"] = datetime.fromtimestamp(came_at, UTC).isoformat() if came_at else None
    return row
