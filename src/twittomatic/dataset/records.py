"""Profiles and posts: the network's own JSON as dicts, or one flat row each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import msgspec

from twittomatic.dataset.tables import Table, Tabular
from twittomatic.errors import CorruptFile
from twittomatic.model import NO_JSON
from twittomatic.storage.formats import read_lines

Record: TypeAlias = dict[str, Any]
"""A profile or a post: the network's own JSON, whose fields the network documents and may change."""

_decode = msgspec.json.Decoder(Record).decode


class Records(Tabular):
    """Profiles or posts of a dataset. Each iteration reads the files anew, and yields each record as a dict.

    As a table, or a data frame, they have one flat row each; of several profiles of a user, the newest. The
    columns are those of `twittomatic export`.

    Args:
        paths: Lists the files.
        tabulate: Makes a table of them.
    """

    def __init__(
        self, paths: Callable[[], Iterable[Path]], tabulate: Callable[[Callable[[], Iterable[Path]]], Table]
    ) -> None:
        self._paths = paths
        self._tabulate = tabulate

    def __iter__(self) -> Iterator[Record]:
        """Yield each record.

        Raises:
            CorruptFile: a file is broken; it is named.
            StorageUnavailable: a file cannot be read.
        """
        for path in self._paths():
            for number, line in enumerate(read_lines(path), start=1):
                try:
                    yield _decode(line)
                except NO_JSON:
                    raise CorruptFile(f"{path}: line {number} is not a JSON object.") from None

    def table(self) -> Table:
        """Return the records as a table, which is read in batches."""
        return self._tabulate(self._paths)
