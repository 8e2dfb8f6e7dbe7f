"""Profiles that the dataset already has, from followers pages or bought by a crawl."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec

from twittomatic.errors import StorageError
from twittomatic.storage.formats import read_pages
from twittomatic.storage.paths import Layout
from twittomatic.storage.records import record_id


class StoredProfile(NamedTuple):
    """A profile of the dataset.

    Attributes:
        user_id: The profile's user.
        record: The profile as the network wrote it.
        came_at: When it was downloaded, seconds since the epoch; 0 if the file does not say.
    """

    user_id: str
    record: bytes
    came_at: int


def find_profiles(layout: Layout, user_ids: Iterable[str]) -> Iterator[StoredProfile]:
    """Search all profiles of a dataset for some users, the newest file first; blocks.

    Args:
        layout: The dataset.
        user_ids: Decimal, without leading zeros.

    Yields:
        One profile of each user found.
    """
    wanted = set(user_ids)
    there = wanted and layout.output.exists()
    for path in sorted(layout.profiles(), key=_written, reverse=True) if there else []:
        if not wanted:
            break
        try:
            for came_at, lines in read_pages(path):
                for line in lines:
                    user_id = record_id(line)
                    if user_id in wanted:
                        wanted.discard(user_id)
                        yield StoredProfile(user_id, line, came_at)
        except (StorageError, msgspec.MsgspecError):
            continue  # `verify` reports it


def _written(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
