"""The format of an output, from its name: `edges.csv.gz` is the table `edges` as compressed CSV."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePath
from typing import NamedTuple

from twittomatic.dataset.export.registry import GRAPH_KINDS, GRAPHS, KINDS, TABLES
from twittomatic.errors import SettingsError


class Format(NamedTuple):
    """Content and file format of an output.

    Attributes:
        content: Name of a table, or of a graph: `graph` or `interactions`.
        kind: File extension with its dot, such as `.csv.gz`.
    """

    content: str
    kind: str

    @property
    def is_graph(self) -> bool:
        """Whether it is a graph with nodes and edges in one file."""
        return self.kind in GRAPH_KINDS


def parse_format(name: str) -> Format:
    """Parse the name of an output: the stem is the table or graph, the extension the file format.

    Raises:
        SettingsError: the extension or the table is unknown; the message lists the known ones.
    """
    file = PurePath(name).name
    kind = extension(file, [*KINDS, *GRAPH_KINDS])
    if kind is None:
        graphs = f", or a graph: {listed(sorted(GRAPH_KINDS))}" if GRAPH_KINDS else ""
        raise SettingsError(f"{name!r}: its extension is unknown. A table can be {listed(KINDS)}{graphs}.")
    stem = file[: -len(kind)]
    if kind in GRAPH_KINDS:
        if stem in TABLES and stem not in (*GRAPHS, "edges"):
            raise SettingsError(f"{name!r}: {stem} is a table; give it an extension of {listed(KINDS)}.")
        return Format(stem if stem in GRAPHS else "graph", kind)
    if stem not in TABLES:
        raise SettingsError(
            f"{name!r}: {stem!r} is no table; name the file after one: {listed(TABLES)}"
            f"{', such as ' + repr(next(iter(TABLES)) + kind)}, or say which with --format."
        )
    return Format(stem, kind)


def extension(name: str, kinds: Iterable[str]) -> str | None:
    """Return the longest of the extensions that end a name, ignoring case; None if none does."""
    return max((kind for kind in kinds if name.lower().endswith(kind)), key=len, default=None)


def listed(names: Iterable[str]) -> str:
    """Return names as a list in a sentence: `a, b or c`."""
    *first, last = list(names)
    return f"{', '.join(first)} or {last}" if first else last
