"""The end of a crawl: part files that nobody will ever go on with are removed."""

from __future__ import annotations

from collections.abc import Collection

from twittomatic.storage.failures import guarded
from twittomatic.storage.paths import Layout


def sweep(layout: Layout, crawl: str, keep: Collection[str]) -> int:
    """Remove the part files of a finished crawl.

    Args:
        layout: Where they are.
        crawl: Its name.
        keep: Stems of the part files on which checkpoints of dead jobs count.

    Returns:
        How many were removed.

    Raises:
        StorageUnavailable: the directory cannot be read or changed.
    """
    directory = layout.parts(crawl)
    removed = 0
    with guarded(directory):
        if directory.is_dir():
            for path in sorted(directory.iterdir()):
                if path.is_file() and path.stem not in keep:
                    path.unlink(missing_ok=True)
                    removed += 1
    return removed
