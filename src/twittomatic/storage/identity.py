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

from twittomatic.errors import SettingsError, StorageUnavailable
from twittomatic.storage.errors import translate_errors
from twittomatic.storage.io import sync_directory
from twittomatic.storage.paths import Layout

FILE = ".dataset"
_ID = re.compile(r"[0-9a-f]{32}")
_MOST_BYTES = 1024
_UNNAMED = "x"  # the network of a dataset that names none
_NO_LINKS = (
    errno.EPERM,
    errno.ENOTSUP,
    errno.ENOSYS,
    errno.EMLINK,
)  # what file systems without hard links say


def claim(layout: Layout, network: str) -> None:
    """Make sure that a dataset holds no other network than one; blocks.

    A dataset of X bears no name of a network. That of another one bears it behind its id, from its beginning.

    Raises:
        SettingsError: it is the dataset of another network.
        StorageUnavailable: it cannot be read, or the name cannot be written.
    """
    path = layout.output / FILE
    with translate_errors(path):
        is_there = path.exists()
        if not is_there and network != _UNNAMED and not any(layout.journals.glob("*")):
            if layout.journals.is_dir():
                _make(path, network)
                is_there = path.exists()
            else:  # nobody has written here
                return
        owner = _read(path)[1] if is_there else _UNNAMED
    if owner != network and (is_there or any(layout.journals.glob("*"))):
        raise SettingsError(
            f"OUTPUT_DIRECTORY: {layout.output} holds a dataset of the network {owner}, whose ids mean "
            f"other users; name another directory for {network}."
        )


def _read(path: Path) -> tuple[str, str]:
    """Return the id and the network that a dataset bears."""
    with path.open("rb") as file:
        found, _, network = file.read(_MOST_BYTES).decode(errors="replace").strip().partition("\n")
    return found, network or _UNNAMED


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
        found, _ = _read(path)
    if not _ID.fullmatch(found):
        raise StorageUnavailable(
            f"{path} does not hold the id of the dataset; put it back, or remove it to get a new one."
        )
    return found


def _make(path: Path, network: str = _UNNAMED) -> None:
    """Write a new id, unless another process is first."""
    draft = path.with_name(f"{FILE}.{uuid.uuid4().hex}")
    try:
        with draft.open("x") as file:
            file.write(f"{uuid.uuid4().hex}\n")
            if network != _UNNAMED:
                file.write(f"{network}\n")
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
