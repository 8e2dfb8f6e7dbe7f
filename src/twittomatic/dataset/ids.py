"""User ids as the Python API gives them: NumPy int64, the type of every table and graph."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from twittomatic.errors import CorruptFile
from twittomatic.storage.formats import read_ids

UserIds: TypeAlias = npt.NDArray[np.int64]
"""User ids, one dimension."""

LARGEST_ID = 2**63 - 1


def read_user_ids(path: Path) -> Iterator[UserIds]:
    """Yield the ids of a `.fws` file in order, some ten thousand at a time.

    Raises:
        CorruptFile: the file is broken, or a line is not a user id.
        StorageUnavailable: the file cannot be read.
    """
    for unsigned in read_ids(path):
        ids = unsigned.view(np.int64)  # the same bytes: a number of 2**63 or more turns negative
        if ids.size and ids.min() < 0:
            raise CorruptFile(f"{path}: a line is not a user id, which is at most {LARGEST_ID}.")
        yield ids


def owner(path: Path) -> int:
    """Return the user whose file this is.

    Raises:
        CorruptFile: the name of the file is not a user id.
    """
    user_id = int(path.stem)
    if user_id > LARGEST_ID:
        raise CorruptFile(f"{path}: its name is not a user id, which is at most {LARGEST_ID}.")
    return user_id
