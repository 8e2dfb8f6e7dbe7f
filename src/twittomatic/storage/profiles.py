"""Profiles that the dataset already holds, whoever's followers page brought them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from twittomatic.errors import StorageError
from twittomatic.storage.formats import read_lines
from twittomatic.storage.paths import Layout


class _Profile(msgspec.Struct):
    id: str


_decode = msgspec.json.Decoder(_Profile).decode


def find_profiles(layout: Layout, user_ids: Iterable[str]) -> Iterator[tuple[str, bytes]]:
    """Look users up in all profiles of a dataset, the newest file first; blocks while it reads them.

    Args:
        layout: Of the dataset.
        user_ids: Decimal, without leading zeros.

    Yields:
        The id and the profile, as the network wrote it, of each user who is found, once.
    """
    wanted = set(user_ids)
    there = wanted and layout.output.exists()
    for path in sorted(layout.files("usr"), key=_written, reverse=True) if there else []:
        if not wanted:
            break
        try:
            for line in read_lines(path):
                user_id = _decode(line).id
                if user_id in wanted:
                    wanted.discard(user_id)
                    yield user_id, line
        except (StorageError, msgspec.MsgspecError):
            continue  # `verify` is who complains of it


def _written(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
