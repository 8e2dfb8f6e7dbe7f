"""Count the references of each timeline, one timeline at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import msgspec

from twittomatic.dataset.ids import owner
from twittomatic.dataset.interactions.references import KINDS, Kind, references
from twittomatic.dataset.tables.flat import moment
from twittomatic.dataset.tables.recordfiles import decoded_files
from twittomatic.errors import StorageError
from twittomatic.storage.paths import Layout


class Interaction(msgspec.Struct, frozen=True, kw_only=True):
    """How often, and when, one user refers to another in one way.

    Attributes:
        source: Id of the user whose timeline it is.
        source_name: Screen name of this user in the newest post that has it, without @; None if none has.
        target: Id of the user who is retweeted, answered, quoted or mentioned; None where posts have only a
            name.
        target_name: Screen name of this user in the newest of the posts, None where they have only an id.
        kind: How the posts refer to the user.
        count: Number of posts.
        first_at: When the first of them was written (aware UTC), None if none says.
        last_at: When the last of them was written.
    """

    source: int
    source_name: str | None
    target: int | None
    target_name: str | None
    kind: Kind
    count: int
    first_at: datetime | None
    last_at: datetime | None


class _Post(msgspec.Struct):
    """The fields that tell to whom a post refers; the others are not decoded."""

    id: str
    author: Any = None
    created_at: Any = None
    entities: Any = None
    in_reply_to_user: Any = None
    in_reply_to_user_id: Any = None
    note_tweet: Any = None
    referenced_tweets: Any = None


class _Counted:
    __slots__ = ("count", "first", "last", "name")

    def __init__(self, name: str | None) -> None:
        self.name = name
        self.count = 0
        self.first: datetime | None = None
        self.last: datetime | None = None


_decode = msgspec.json.Decoder(_Post).decode


def read_interactions(
    layout: Layout, on_defect: Callable[[StorageError], None] | None = None
) -> Iterator[list[Interaction]]:
    """Yield the interactions of each timeline, sorted by kind and target.

    Memory: those of one timeline.

    Args:
        layout: The dataset.
        on_defect: Called with the error about a file that cannot be read, which is left out; None raises it.

    Raises:
        CorruptFile: a timeline is broken; it is named.
        StorageUnavailable: a timeline cannot be read.
    """
    for path in layout.files("twt"):
        source, source_name = owner(path), None
        counted: dict[tuple[Kind, int | str], _Counted] = {}
        for page in decoded_files([path], _decode, on_defect):
            for _, post in page:
                if source_name is None and isinstance(post.author, dict):
                    name = post.author.get("username")
                    source_name = name if isinstance(name, str) else None
                _count(post, counted)
        if counted:
            yield sorted(_rows(source, source_name, counted), key=_order)


def _count(post: _Post, counted: dict[tuple[Kind, int | str], _Counted]) -> None:
    written_at = moment(post.created_at)
    for kind, user_id, name in references(msgspec.structs.asdict(post)):
        key = kind, user_id if user_id is not None else (name or "").lower()
        found = counted.get(key)
        if found is None:
            found = counted[key] = _Counted(name)
        found.count += 1
        found.name = found.name or name  # posts come newest first, and the newest name stays
        if written_at:
            found.first = min(found.first or written_at, written_at)
            found.last = max(found.last or written_at, written_at)


def _rows(
    source: int, source_name: str | None, counted: dict[tuple[Kind, int | str], _Counted]
) -> Iterator[Interaction]:
    for (kind, user), found in counted.items():
        target = user if isinstance(user, int) else None
        yield Interaction(
            source=source,
            source_name=source_name,
            target=target,
            target_name=found.name,
            kind=kind,
            count=found.count,
            first_at=found.first,
            last_at=found.last,
        )


def _order(row: Interaction) -> tuple[int, bool, int, str]:
    return KINDS.index(row.kind), row.target is None, row.target or 0, row.target_name or ""
