"""The random id of a dataset, in `.dataset` in OUTPUT_DIRECTORY.

The first process that needs it creates it, and it moves with the directory. What a dataset owns elsewhere,
such as its indices in a search server, is marked with it.
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
_NETWORK = re.compile(r"[a-z][a-z0-9-]{0,31}")
_MOST_BYTES = 1024
_UNNAMED = "x"  # the network of a dataset that names none
_NO_LINKS = (
    errno.EPERM,
    errno.ENOTSUP,
    errno.ENOSYS,
    errno.EMLINK,
)  # errors of file systems without hard links


def claim(layout: Layout, network: str) -> None:
    """Make sure that a dataset holds only one network; blocks.

    A dataset of X names no network. Any other dataset names its network in the line after its id, from the
    start.

    Raises:
        SettingsError: the dataset belongs to another network.
        StorageUnavailable: the file cannot be read or written.
    """
    path = layout.output / FILE
    with translate_errors(path):
        is_there = path.exists()
        if not is_there and network != _UNNAMED and not any(layout.journals.glob("*")):
            if layout.journals.is_dir():
                _make(path, network)
                is_there = path.exists()
            else:  # nothing was written here yet
                return
        owner = _read(path)[1] if is_there else _UNNAMED
    if owner != network and (is_there or any(layout.journals.glob("*"))):
        raise SettingsError(
            f"OUTPUT_DIRECTORY: {layout.output} holds a dataset of the network {owner}, whose ids mean "
            f"other users; name another directory for {network}."
        )


def _read(path: Path) -> tuple[str, str]:
    """Return the id and the network in a `.dataset` file.

    Raises:
        StorageUnavailable: the file is damaged, so it does not show to which network the dataset belongs.
    """
    with path.open("rb") as file:
        found, *network = file.read(_MOST_BYTES).decode(errors="replace").splitlines() or [""]
    if not _ID.fullmatch(found) or len(network) > 1 or not all(map(_NETWORK.fullmatch, network)):
        raise StorageUnavailable(
            f"{path} does not hold the id of the dataset; put it back, or, in a dataset of X, remove it "
            "to get a new one."
        )
    return found, network[0] if network else _UNNAMED


def identity(layout: Layout) -> str:
    """Return the id of a dataset, 32 hexadecimal digits; blocks.

    Raises:
        StorageUnavailable: there is no dataset, or its id cannot be read or created.
    """
    if not layout.journals.is_dir():
        raise StorageUnavailable(
            f"{layout.output}: no crawl wrote here; mount it, or name the crawl's OUTPUT_DIRECTORY."
        )
    path = layout.output / FILE
    with translate_errors(path):
        if not path.exists():
            _make(path)
        return _read(path)[0]


def _make(path: Path, network: str = _UNNAMED) -> None:
    """Create the file with a new id, unless another process does so first."""
    draft = path.with_name(f"{FILE}.{uuid.uuid4().hex}")
    try:
        with draft.open("x") as file:
            file.write(f"{uuid.uuid4().hex}\n")
            if network != _UNNAMED:
                file.write(f"{network}\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)  # unlike a rename, it never replaces another file
        except FileExistsError:
            pass
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            draft.rename(path)
    finally:
        draft.unlink(missing_ok=True)
    sync_directory(path.parent)
