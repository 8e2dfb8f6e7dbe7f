"""Read the follow graph with `tw.open(...).edges()`, against bare loops over the same files.

The dataset has lists of every length, as in a real crawl: many short ones, a few of a million followers, each
with one gzip member per page of 1,000. Contenders, in turn, medians:

- edges: `for batch in tw.open(DIRECTORY).edges()`, pairs of NumPy int64 arrays.
- columns: the bare column-wise loop, `read_ids` on each file: gzip and digits, no pairs.
- lines: what a script does, `gzip.open` and `int` on each line, into one array per file.
- completeness: rows of `completeness()` a second, over the dataset's journal.

    python benchmarks/dataset.py [--edges 10000000] [--rounds 5] [--directory DIR]
"""

from __future__ import annotations

import argparse
import gzip
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

import twittomatic as tw
from harness import alternate, verdict
from twittomatic.model import Ending, Module
from twittomatic.storage.formats import member, read_ids
from twittomatic.storage.journal import Entry, Journal
from twittomatic.storage.paths import Layout

PAGE = 1_000  # followers of X's pages
GOAL = 0.8  # of the bare column-wise loop


def make(directory: Path, edges: int) -> int:
    """Write a dataset of about so many edges; return how many there are."""
    random = np.random.default_rng(1)
    layout = Layout(directory, directory / ".tmp")
    layout.prepare()
    journal = Journal(layout.journal("default.local"))
    written = 0
    while written < edges:
        user_id = str(random.integers(10**17, 2 * 10**18))
        count = min(int(random.pareto(0.8) * 200), 1_000_000, edges - written + 1)
        ids = [b"%d" % number for number in random.integers(10**8, 2 * 10**18, count)]
        path = layout.file(user_id, "fws")
        path.parent.mkdir(exist_ok=True)
        pages = [member(ids[start : start + PAGE]) for start in range(0, count, PAGE)]
        path.write_bytes(b"".join(pages) or member([]))
        moment = "2026-01-01T12:00:00Z"
        journal.append(
            Entry(
                file=layout.relative(path),
                module=Module.FOLLOWER,
                user_id=user_id,
                lines=count,
                bytes=path.stat().st_size,
                began_at=moment,
                ended_at=moment,
                ending=Ending.COMPLETE,
                worker="default.local",
            )
        )
        written += count
    journal.close()
    return written


def rate(count: int, read: Callable[[Path], int], directory: Path) -> float:
    """Return how many a second a contender reads, which must be all of them."""
    started = time.perf_counter()
    found = read(directory)
    assert found == count, (found, count)
    return found / (time.perf_counter() - started)


def by_edges(directory: Path) -> int:
    return sum(len(batch) for batch in tw.open(directory).edges())


def by_columns(directory: Path) -> int:
    return sum(len(ids) for path in directory.glob("*/*.fws") for ids in read_ids(path))


def by_lines(directory: Path) -> int:
    count = 0
    for path in directory.glob("*/*.fws"):
        with gzip.open(path) as file:
            count += len(np.array([int(line) for line in file], np.int64))
    return count


def by_completeness(directory: Path) -> int:
    return sum(1 for _ in tw.open(directory).completeness())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--edges", type=int, default=10_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--directory", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.directory) as name:
        directory = Path(name)
        count = make(directory, options.edges)
        lists = by_completeness(directory)
        print(f"{count:,} edges in {lists:,} lists")
        figures = alternate(
            {
                "edges": lambda: rate(count, by_edges, directory),
                "columns": lambda: rate(count, by_columns, directory),
                "lines": lambda: rate(count, by_lines, directory),
                "completeness": lambda: rate(lists, by_completeness, directory),
            },
            options.rounds,
        )
    for contender, figure in figures.items():
        print(f"{contender:14} {figure:14,.0f} {'rows' if contender == 'completeness' else 'edges'}/s")
    verdict("edges(), against the bare column-wise loop", figures["edges"] / figures["columns"], GOAL)
    verdict("edges(), against gzip and int, line by line", figures["edges"] / figures["lines"], 1)


if __name__ == "__main__":
    main()
