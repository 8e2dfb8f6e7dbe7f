"""Read the follow graph of a dataset, and build it, against other ways to read the same files.

The dataset has lists of every length, as in a real crawl: some 300 followers on average, the longest a
thirtieth of all, each list with one gzip member per page of 1,000. Rates are edges a second of processor
time, all threads counted; contenders run in turn, medians. Reading:

- edges: `for batch in tw.open(DIRECTORY).edges()`, pairs of NumPy int64 arrays.
- inflate: read and decompress each file, nothing else: what no reader can beat.
- DuckDB: one query over all files. It reads followers only.
- polars, pandas: each file with the reader for CSV, followers only, of every eighth file.
- lines: what a script does, `gzip.open` and `int` on each line, of every eighth file.
- completeness: rows of `completeness()` a second, over the dataset's journal.

Building the graph, each time in a process of its own: `graph()` without a cache, again with its cache, and
after one list in a hundred changed. Contenders' libraries are imported where they are used, so that they are
no part of the memory of this process.

    python benchmarks/dataset.py [--edges 10000000] [--rounds 3] [--directory DIR]
"""

from __future__ import annotations

import argparse
import gzip
import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import cast

import numpy as np
from isal import igzip

import twittomatic as tw
from twittomatic.dataset.ids import sorted_unique
from twittomatic.model import Ending, Module
from twittomatic.storage.formats import member
from twittomatic.storage.journal import Entry, Journal
from twittomatic.storage.paths import Layout

PAGE = 1_000  # followers of X's pages
SHORTEST = 60
SAMPLE = 8  # the slowest readers get every eighth file


def make(directory: Path, edges: int) -> int:
    """Write a dataset of about so many edges; return how many there are."""
    random = np.random.default_rng(1)
    layout = Layout(directory, directory / ".tmp")
    layout.prepare()
    journal = Journal(layout.journal("default.local"))
    users = np.concatenate(
        [random.integers(1_000, 2**32, edges // 18), random.integers(10**17, 2 * 10**18, edges // 9)]
    )
    written = 0
    while written < edges:
        user_id = str(users[random.integers(len(users))])
        path = layout.file(user_id, "fws")
        if path.exists():
            continue
        count = min(int((random.pareto(1.15) + 1) * SHORTEST), max(edges // 30, SHORTEST))
        count = write(path, users[(random.random(count) ** 2 * len(users)).astype(np.int64)])
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


def write(path: Path, ids: np.ndarray) -> int:
    """Write a list of followers, each once; return how many there are."""
    ids = np.random.default_rng(2).permutation(sorted_unique(ids))
    lines = [b"%d" % number for number in ids.tolist()]
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"".join(member(lines[start : start + PAGE]) for start in range(0, len(lines), PAGE)))
    return len(lines)


def rate(read: Callable[[Path], int], directory: Path) -> float:
    """Return how many a contender reads in a second of processor time."""
    started = time.process_time()
    return read(directory) / (time.process_time() - started)


def by_edges(directory: Path) -> int:
    return sum(len(batch) for batch in tw.open(directory).edges())


def by_inflate(directory: Path) -> int:
    inflate = cast("Callable[[bytes], bytes]", igzip.decompress)
    return sum(inflate(path.read_bytes()).count(b"\n") for path in directory.glob("*/*.fws"))


def by_duckdb(directory: Path) -> int:
    import duckdb

    [[count, _]] = duckdb.execute(
        "select count(*), bit_xor(id) from read_csv(?, header=false, compression='gzip', "
        "columns={'id': 'BIGINT'}, auto_detect=false, delim=',', filename=true)",
        [f"{directory}/*/*.fws"],
    ).fetchall()
    return int(count)


def by_polars(directory: Path) -> int:
    import polars as pl

    schema = {"id": pl.Int64}
    return sum(len(pl.read_csv(path, has_header=False, schema=schema)) for path in sample(directory))


def by_pandas(directory: Path) -> int:
    import pandas as pd

    return sum(
        len(pd.read_csv(path, compression="gzip", header=None, dtype=np.int64)) for path in sample(directory)
    )


def by_lines(directory: Path) -> int:
    count = 0
    for path in sample(directory):
        with gzip.open(path) as file:
            count += len(np.array([int(line) for line in file], np.int64))
    return count


def sample(directory: Path) -> list[Path]:
    return sorted(directory.glob("*/*.fws"))[::SAMPLE]


def by_completeness(directory: Path) -> int:
    return sum(1 for _ in tw.open(directory).completeness())


def build(directory: Path) -> dict[str, float]:
    """Get the graph in a new process; return its size, and what it took."""
    command = [sys.executable, __file__, "--build", str(directory)]
    return dict(json.loads(subprocess.run(command, check=True, capture_output=True).stdout))


def built(directory: Path) -> dict[str, float]:
    """Get the graph in this process."""
    elapsed, used = time.perf_counter(), time.process_time()
    graph = tw.open(directory).graph()
    return {
        "nodes": graph.node_count,
        "edges": graph.edge_count,
        "elapsed_s": time.perf_counter() - elapsed,
        "cpu_s": time.process_time() - used,
        "peak_mib": peak_mib(),
    }


def peak_mib() -> float:
    """Return the most memory that this process had; `getrusage` counts what its parent had, too."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found
    return int(found[1]) / 1024


def reading(directory: Path, rounds: int) -> None:
    from harness import alternate, verdict

    contenders = {
        "edges": by_edges,
        "inflate": by_inflate,
        "DuckDB": by_duckdb,
        "polars": by_polars,
        "pandas": by_pandas,
        "lines": by_lines,
        "completeness": by_completeness,
    }
    figures = alternate({name: partial(rate, read, directory) for name, read in contenders.items()}, rounds)
    for contender, figure in figures.items():
        what = "rows" if contender == "completeness" else "edges"
        print(f"{contender:14} {figure:14,.0f} {what} per CPU second")
    verdict("edges(), million edges per CPU second", figures["edges"] / 1e6, 3)
    verdict("edges(), against inflate alone", figures["edges"] / figures["inflate"], 0.3)
    verdict("edges(), against DuckDB", figures["edges"] / figures["DuckDB"], 2.5)
    verdict("edges(), against polars", figures["edges"] / figures["polars"], 2.5)
    verdict("edges(), against pandas", figures["edges"] / figures["pandas"], 2.5)
    verdict("edges(), against gzip and int, line by line", figures["edges"] / figures["lines"], 2.5)


def building(directory: Path) -> None:
    from harness import verdict

    shutil.rmtree(directory / ".graph", ignore_errors=True)
    first = build(directory)
    again = build(directory)
    for path in sorted(directory.glob("*/*.fws"))[::100]:
        write(path, np.arange(10**18, 10**18 + SHORTEST))
    changed = build(directory)
    print(f"{first['edges']:,.0f} edges, {first['nodes']:,.0f} nodes")
    allowed = 12 * first["nodes"] / 2**20 + 256
    verdict("graph(), million edges per CPU second", first["edges"] / first["cpu_s"] / 1e6, 1)
    verdict("graph(), peak memory", first["peak_mib"], allowed, most=True, unit=" MiB")
    verdict("graph() again, ready after", again["elapsed_s"], 1, most=True, unit=" s")
    verdict(
        "graph() after a hundredth changed, CPU against all",
        changed["cpu_s"] / first["cpu_s"],
        0.5,
        most=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--edges", type=int, default=10_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--directory", type=Path)
    parser.add_argument("--build", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.build:
        print(json.dumps(built(options.build)))
        return
    with tempfile.TemporaryDirectory(dir=options.directory) as name:
        directory = Path(name)
        count = make(directory, options.edges)
        print(f"{count:,} edges in {by_completeness(directory):,} lists")
        reading(directory, options.rounds)
        building(directory)


if __name__ == "__main__":
    main()
