"""Quarantine: moves files out of a dataset without deleting them."""

from __future__ import annotations

import os
from itertools import count
from pathlib import Path

from twittomatic.faultpoint import reach
from twittomatic.storage.errors import translate_errors
from twittomatic.storage.io import sync_directory
from twittomatic.storage.paths import Layout

_LONGEST_NAME = 200  # bytes; leaves room for a number on every file system


def set_aside(layout: Layout, path: Path, *, keep: bool = False) -> Path:
    """Move a file to `set-aside/<name>.<number>`, where no reader takes it for data; durable on return.

    Args:
        layout: The dataset.
        path: What to move: a file, or anything that occupies its name.
        keep: Also leave the file where it is, because its replacement will be renamed over it.

    Returns:
        The new path. A file that was set aside and kept before a crash is not set aside twice.

    Raises:
        StorageUnavailable: the file cannot be moved.
    """
    with translate_errors(layout.quarantine):
        layout.quarantine.mkdir(exist_ok=True)
    sync_directory(layout.output)
    name = os.fsdecode(os.fsencode(path.name)[:_LONGEST_NAME])
    with translate_errors(path):
        for number in count(1):
            target = layout.quarantine / f"{name}.{number}"
            if not os.path.lexists(target):
                break
            if keep and target.samefile(path):
                return target
        if keep:
            os.link(path, target)
        else:
            path.rename(target)
    reach("quarantine.moved")
    sync_directory(layout.quarantine)
    sync_directory(path.parent)
    return target
