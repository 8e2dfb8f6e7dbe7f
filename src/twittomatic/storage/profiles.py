"""Profiles that the dataset already holds, whether a followers page brought them or a crawl bought them."""

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
    """A profile of the dataset: whose, as the network wrote it, and when it came.

    `came_at` is in seconds since the epoch, 0 where the file does not tell.
    """

    user_id: str
    record: bytes
    came_at: int


def find_profiles(layout: Layout, user_ids: Iterable[str]) -> Iterator[StoredProfile]:
    """Look users up in all profiles of a dataset, the newest file first; blocks while it reads them.

    Args:
        layout: Of the dataset.
        user_ids: Decimal, without leading zeros.

    Yields:
        The profile of each user who is found, once.
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
            continue  # `verify` is who complains of it


def _written(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
