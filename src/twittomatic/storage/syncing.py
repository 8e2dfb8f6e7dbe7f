"""Makes names durable: a file that is created or renamed is safe once its directory is synced."""

from __future__ import annotations

import os
from pathlib import Path

from twittomatic.storage.errors import guarded


def sync_directory(directory: Path) -> None:
    """Return once the names in a directory would survive a power failure.

    Raises:
        StorageUnavailable: the system refuses.
    """
    with guarded(directory):
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
