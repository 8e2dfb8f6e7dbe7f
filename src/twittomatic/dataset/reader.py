"""Reads a dataset: users, followers, profiles, posts, edges, and the journal that says how complete."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from twittomatic.errors import CorruptFile, SettingsError
from twittomatic.model import NO_JSON
from twittomatic.storage.errors import guarded
from twittomatic.storage.formats import Ids, read_ids, read_lines
from twittomatic.storage.journal import Entry, read_journal
from twittomatic.storage.paths import EXTENSIONS, Layout

_CONTENTS = {"fws": "followers", "usr": "profiles", "twt": "timeline"}


class Dataset:
    """The files that a crawl left in a directory. A crawl may go on meanwhile: files there are always whole.

    Args:
        directory: OUTPUT_DIRECTORY of the crawl.

    Raises:
        SettingsError: there is no such directory.
    """

    def __init__(self, directory: Path | str) -> None:
        directory = Path(directory)
        if not directory.is_dir():
            raise SettingsError(
                f"{directory}: there is no such directory; name the OUTPUT_DIRECTORY of a crawl."
            )
        self._layout = Layout(directory, directory / ".tmp")

    def users(self) -> list[str]:
        """Return the ids of all users with any file, in numeric order.

        Raises:
            StorageUnavailable: a directory cannot be listed.
        """
        return sorted({path.stem for ext in EXTENSIONS for path in self._layout.files(ext)}, key=int)

    def followers(self, user_id: str) -> Ids:
        """Return the ids of a user's followers in the network's order, as unsigned 64-bit integers.

        Raises:
            SettingsError: there is no follower list of this user here.
            CorruptFile: it is broken.
            StorageUnavailable: it cannot be read.
        """
        return _all_ids(self._path(user_id, "fws"))

    def profiles(self, user_id: str) -> Iterator[dict[str, Any]]:
        """Yield the profiles of a user's followers, as the network wrote them.

        Raises:
            SettingsError: there are no profiles of this user's followers here.
            CorruptFile: the file is broken.
            StorageUnavailable: it cannot be read.
        """
        return _records(self._path(user_id, "usr"))

    def posts(self, user_id: str) -> Iterator[dict[str, Any]]:
        """Yield a user's posts, newest first, as the network wrote them, in the flattened shape of twarc.

        Raises:
            SettingsError: there is no timeline of this user here.
            CorruptFile: the file is broken.
            StorageUnavailable: it cannot be read.
        """
        return _records(self._path(user_id, "twt"))

    def edges(self) -> Iterator[tuple[str, Ids]]:
        """Yield every crawled user with the ids of all that follow him; one list is in memory at a time.

        Raises:
            CorruptFile: a file is broken.
            StorageUnavailable: a file cannot be read.
        """
        for path in self._layout.files("fws"):
            yield path.stem, _all_ids(path)

    def journal(self) -> Iterator[Entry]:
        """Yield the journal's entries; lines that are none are passed over (`verify` names them)."""
        return read_journal(self._layout)

    def _path(self, user_id: str, ext: str) -> Path:
        try:
            path = self._layout.file(user_id, ext)
        except ValueError as error:
            raise SettingsError(f"{error}.") from None
        with guarded(path):
            present = path.is_file()
        if not present:
            raise SettingsError(f"{path}: there is no {_CONTENTS[ext]} file of user {user_id}.")
        return path


def _all_ids(path: Path) -> Ids:
    return np.concatenate([np.empty(0, np.uint64), *read_ids(path)])


def _records(path: Path) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(read_lines(path), start=1):
        try:
            yield _decode(line)
        except NO_JSON:
            raise CorruptFile(f"{path}: line {number} is not a JSON object.") from None


_decode = msgspec.json.Decoder(dict[str, Any]).decode
