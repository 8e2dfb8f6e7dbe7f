"""Random id of a dataset, which tells it from every other one: `.dataset` in OUTPUT_DIRECTORY.

It is made once, by the first process that asks, and goes where the directory goes. What a dataset owns
elsewhere, such as its indices in a search server, bears it.
"""

from __future__ import annotations

import errno
import os
import re
import uuid
from pathlib import Path

from twittomatic.errors import StorageUnavailable
from twittomatic.storage.errors import translate_errors
from twittomatic.storage.io import sync_directory
from twittomatic.storage.paths import Layout

FILE = ".dataset"
_ID = re.compile(r"[0-9a-f]{32}")
_MOST_BYTES = 1024
_NO_LINKS = (
    errno.EPERM,
    errno.ENOTSUP,
    errno.ENOSYS,
    errno.EMLINK,
)  # what file systems without hard links say


def identity(layout: Layout) -> str:
    """Return the id of a dataset, 32 hexadecimal digits; blocks.

    Raises:
        StorageUnavailable: there is no dataset, or its id cannot be read or made.
    """
    if not layout.journals.is_dir():
        raise StorageUnavailable(
            f"{layout.output}: no crawl wrote here; mount it, or name the crawl's OUTPUT_DIRECTORY."
        )
    path = layout.output / FILE
    with translate_errors(path):
        if not path.exists():
            _make(path)
        with path.open("rb") as file:
            found = file.read(_MOST_BYTES).decode(errors="replace").strip()
    if not _ID.fullmatch(found):
        raise StorageUnavailable(
            f"{path} does not hold the id of the dataset; put it back, or remove it to get a new one."
        )
    return found


def _make(path: Path) -> None:
    """Write a new id, unless another process is first."""
    draft = path.with_name(f"{FILE}.{uuid.uuid4().hex}")
    try:
        with draft.open("x") as file:
            file.write(f"{uuid.uuid4().hex}\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)  # which, unlike a rename, never takes the place of another one
        except FileExistsError:
            pass
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            draft.rename(path)
    finally:
        draft.unlink(missing_ok=True)
    sync_directory(path.parent)
