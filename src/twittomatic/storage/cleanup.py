"""The end of a crawl: part files that nobody will ever go on with are removed."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from twittomatic.storage.errors import guarded
from twittomatic.storage.paths import Layout


def part_files(layout: Layout, crawl: str) -> Sequence[Path]:
    """Return the part files of a crawl that are there now.

    Raises:
        StorageUnavailable: the directory cannot be read.
    """
    directory = layout.parts(crawl)
    with guarded(directory):
        return sorted(filter(Path.is_file, directory.iterdir())) if directory.is_dir() else []


def sweep(found: Collection[Path], keep: Collection[str]) -> int:
    """Remove part files of a crawl that was finished after they were found.

    Whoever is frozen in between may wake up when the crawl was begun again: what its jobs write now was not
    there then, and what they go on with stands in a checkpoint.

    Args:
        found: From `part_files`, before it was seen that the crawl is finished.
        keep: Stems of the part files on which a checkpoint counts, read after that.

    Returns:
        How many were removed.

    Raises:
        StorageUnavailable: one cannot be removed.
    """
    removed = 0
    for path in found:
        if path.stem not in keep:
            with guarded(path):
                path.unlink(missing_ok=True)
            removed += 1
    return removed
