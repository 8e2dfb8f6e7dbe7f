"""Screen names of users whose own profiles a crawl bought, mainly its seeds.

A post contains only its author's id, unless the author was bought with it at extra cost.
"""

from __future__ import annotations

from pathlib import Path

from twittomatic.errors import StorageError
from twittomatic.model import NO_JSON
from twittomatic.networks.base import Records
from twittomatic.storage.formats import read_pages
from twittomatic.storage.paths import Layout
from twittomatic.storage.records import record_id


class Authors:
    """The names in the bought profiles of a dataset. Calls block.

    Args:
        layout: The dataset's layout.
        network: The network of the profiles.
    """

    def __init__(self, layout: Layout, network: Records) -> None:
        self._layout = layout
        self._network = network
        self._read: dict[Path, tuple[int, int]] = {}  # inode and size of each file when it was read
        self._names: dict[str, tuple[int, str]] = {}  # id -> when the profile came, the name in it

    def refresh(self) -> None:
        """Read the files that have changed since the last call; unreadable ones are ignored."""
        try:
            for crawl in self._layout.buyers():
                path = self._layout.bought(crawl)
                status = path.stat() if path.exists() else None
                if status and self._read.get(path) != (status.st_ino, status.st_size):
                    self._take(path)
                    self._read[path] = status.st_ino, status.st_size
        except (OSError, StorageError):
            return  # `verify` reports it

    def name_of(self, user_id: str) -> str:
        """Return a user's name in the most recently bought profile, in lower case; empty if there is none."""
        return self._names.get(user_id, (0, ""))[1]

    def _take(self, path: Path) -> None:
        for at, lines in read_pages(path):
            for line in lines:
                try:
                    user_id = record_id(line)
                except NO_JSON:
                    continue
                name = self._network.name_of(line).lower()
                if name and at >= self._names.get(user_id, (0, ""))[0]:
                    self._names[user_id] = at, name
