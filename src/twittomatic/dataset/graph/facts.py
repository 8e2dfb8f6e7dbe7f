"""Journal data about the lists of a graph, cached in the dataset until the graph or the journal changes."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from twittomatic.dataset.completeness import read_completeness
from twittomatic.dataset.graph.arrayfile import ArrayFile, ArrayWriter
from twittomatic.dataset.graph.cache import GraphCache
from twittomatic.dataset.graph.graph import ENDINGS, GraphLists, Nodes
from twittomatic.dataset.lists import OnDefect
from twittomatic.errors import CorruptFile
from twittomatic.storage.errors import translate_errors
from twittomatic.storage.paths import Layout

_FILE = "lists"
_COLUMNS = {
    "lines": "<i8",
    "endings": "|u1",
    "claimed": "<i8",
    "began_at": "<i8",
    "ended_at": "<i8",
    "depth": "<i4",
}


def read_facts(
    layout: Layout, cache: GraphCache, graph: ArrayFile, nodes: Nodes, on_defect: OnDefect | None = None
) -> GraphLists:
    """Return the journal data about the lists of a graph.

    Args:
        layout: The dataset's directories.
        cache: The dataset's cache.
        graph: Array file of the graph.
        nodes: Nodes that have a list, sorted (int32).

    Raises:
        StorageUnavailable: the journal cannot be read.
    """
    about = {
        "graph": graph.about["version"],
        "journal": _journal(layout),
        "endings": list(ENDINGS),
    }
    file = cache.open(_FILE)
    if file is None or any(file.about.get(name) != value for name, value in about.items()):
        broken: list[str] = []
        arrays = _read(layout, graph, lambda error: broken.append(str(error)))

        def fill(writer: ArrayWriter, _: Path) -> dict[str, object]:
            for name, kind in _COLUMNS.items():
                writer.add(name, arrays[name], kind)
            return {**about, "broken": broken}

        file = cache.write(_FILE, fill)
    if on_defect is not None:
        for sentence in file.about.get("broken", ()):
            on_defect(CorruptFile(sentence))
    return GraphLists(nodes, **{name: file[name] for name in _COLUMNS})


def _journal(layout: Layout) -> list[list[object]]:
    """Return name, size, mtime and inode of each journal file; they change when a line is written."""
    found: list[list[object]] = []
    with translate_errors(layout.journals):
        for path in sorted(layout.journals.glob("*.jsonl")):
            status = path.stat()
            found.append([path.name, status.st_size, status.st_mtime_ns, status.st_ino])
    return found


def _read(layout: Layout, graph: ArrayFile, on_defect: OnDefect) -> dict[str, np.ndarray]:
    table = graph["lists"].reshape(-1, 5)
    arrays = {name: np.zeros(len(table), kind) for name, kind in _COLUMNS.items()}
    arrays["lines"][:] = table[:, 4]
    arrays["claimed"][:] = -1
    arrays["depth"][:] = -1
    rows = {user: row for row, user in enumerate(table[:, 0].tolist())}
    for one in read_completeness(layout, on_defect):
        row = rows.get(one.user_id)
        if row is None or one.list != "followers" or one.file is None:
            continue
        if one.records == table[row, 4]:
            arrays["endings"][row] = ENDINGS.index(one.ending)
        arrays["claimed"][row] = -1 if one.claimed is None else one.claimed
        arrays["began_at"][row] = round(one.began_at.timestamp() * 1e6)
        arrays["ended_at"][row] = round(one.ended_at.timestamp() * 1e6)
        arrays["depth"][row] = one.depth
    return arrays
