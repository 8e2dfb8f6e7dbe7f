"""Export the follow graph as Parquet, against what a researcher would write without this command.

The dataset has many short lists and a few long ones, with ids of up to 19 digits. Contenders, in turn, each
in a process of its own, medians of processor seconds:

- edges: `twittomatic export edges.parquet`.
- DuckDB: `COPY (SELECT ... FROM read_csv('data/*/*.fws', ...)) TO 'edges.parquet'`.
- pandas: `read_csv` for each file, `concat`, `to_parquet`.

Then the same dataset with a tenth of the lists, whose peak memory must be about the same, and `--dense`.

    python benchmarks/export.py [--edges 10000000] [--rounds 3] [--directory DIR]
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import tempfile
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from harness import alternate, verdict
from twittomatic.storage.formats import member
from twittomatic.storage.paths import Layout

PAGE = 1_000  # followers of X's pages
PER_LIST = 500  # followers, on average

_EDGES = """
import sys
from pathlib import Path
from twittomatic.dataset.export import Choice, Output, export, parse_format
from twittomatic.storage.paths import Layout
data, *outs = sys.argv[1:]
streams = [open(out, "wb") for out in outs]
outputs = [Output(parse_format(out), stream) for out, stream in zip(outs, streams)]
export(Layout(Path(data), Path(data, ".tmp")), outputs, Choice(dense=len(outs) > 1))
"""
_DUCKDB = r"""
import sys, duckdb
duckdb.execute('SET enable_progress_bar = false')
duckdb.execute(f'''COPY (
    SELECT follower, regexp_extract(filename, '([0-9]+)[.]fws$', 1)::BIGINT AS followed
    FROM read_csv('{sys.argv[1]}/*/*.fws', compression='gzip', header=false, columns={{'follower': 'BIGINT'}},
                  filename=true)) TO '{sys.argv[2]}' (COMPRESSION zstd)''')
"""
_PANDAS = """
import sys, pandas as pd
from pathlib import Path
pd.concat(
    pd.read_csv(path, compression="gzip", names=["follower"], dtype="int64").assign(followed=int(path.stem))
    for path in Path(sys.argv[1]).glob("*/*.fws")
).to_parquet(sys.argv[2], index=False)
"""


def make(directory: Path, edges: int) -> int:
    """Write about so many edges in lists of a heavy-tailed length; return how many there are.

    A user follows several others, as in a real graph: the numbers of users and edges are as one to five.
    """
    random = np.random.default_rng(1)
    layout = Layout(directory, directory / ".tmp")
    layout.prepare()
    users = max(PER_LIST, edges // 5)
    old = random.integers(1_000, 4 * 10**9, users * 3 // 10)
    ids = np.concatenate([old, random.integers(7 * 10**17, 195 * 10**16, users - len(old))])
    random.shuffle(ids)
    sizes = np.minimum((random.pareto(1.15, max(2, edges // PER_LIST)) + 1) * 20, users // 4)
    sizes = np.maximum(1, sizes * (edges / sizes.sum())).astype(np.int64)
    count = 0
    for number, size in enumerate(np.minimum(sizes, users // 2).tolist()):
        followers = ids[np.unique((random.random(size) ** 2.2 * users).astype(np.int64))]
        random.shuffle(followers)
        lines = [b"%d" % user for user in followers.tolist()]
        path = layout.file(str(ids[number]), "fws")
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"".join(member(lines[at : at + PAGE]) for at in range(0, len(lines), PAGE)))
        count += len(lines)
    return count


def cost(code: str, *arguments: Path) -> tuple[float, float]:
    """Run a program in a process of its own; return its processor seconds and its peak memory in MiB."""
    command = [sys.executable, "-c", code, *map(str, arguments)]
    process = os.posix_spawn(sys.executable, command, os.environ)
    _, status, used = os.wait4(process, 0)
    assert status == 0, command
    peak = used.ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1 << 10)
    return used.ru_utime + used.ru_stime, peak


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--edges", type=int, default=10_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--directory", type=Path)
    options = parser.parse_args()
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    with tempfile.TemporaryDirectory(dir=options.directory) as name:
        place = Path(name)
        small, large = place / "small", place / "large"
        small_count, count = make(small, options.edges // 10), make(large, options.edges)
        print(f"{count:,} edges; this process had {own:.0f} MiB before it made them")
        out = {contender: place / contender / "edges.parquet" for contender in ("edges", "DuckDB", "pandas")}
        for path in out.values():
            path.parent.mkdir()
        codes = {"edges": _EDGES, "DuckDB": _DUCKDB, "pandas": _PANDAS}
        peaks: dict[str, float] = {}

        def run(contender: str) -> float:
            seconds, peaks[contender] = cost(codes[contender], large, out[contender])
            assert pq.ParquetFile(out[contender]).metadata.num_rows == count, contender
            return seconds

        seconds = alternate({each: lambda each=each: run(each) for each in codes}, options.rounds)
        _, small_peak = cost(_EDGES, small, place / "edges.parquet")
        assert pq.ParquetFile(place / "edges.parquet").metadata.num_rows == small_count
        dense = place / "edges.parquet"
        dense_seconds, _ = cost(_EDGES, large, dense, place / "nodes.parquet")
        for contender, used in seconds.items():
            size = out[contender].stat().st_size / count
            print(
                f"{contender:10} {used:8.2f} s {count / used:14,.0f} edges/s {peaks[contender]:8.0f} MiB "
                f"{size:6.2f} bytes an edge"
            )
        print(f"--dense with nodes {dense_seconds:.2f} s")
        verdict("edges.parquet, million edges a processor second", count / seconds["edges"] / 1e6, 2)
        verdict("edges.parquet, against DuckDB", seconds["DuckDB"] / seconds["edges"], 1.5)
        verdict("edges.parquet, against pandas", seconds["pandas"] / seconds["edges"], 2)
        verdict("peak memory, MiB", peaks["edges"], 256, most=True)
        verdict("peak memory, against a tenth of the edges", peaks["edges"] / small_peak, 1.3, most=True)
        verdict("bytes an edge", out["edges"].stat().st_size / count, 7.4, most=True)
        verdict("bytes an edge, --dense", dense.stat().st_size / count, 2.0, most=True)


if __name__ == "__main__":
    main()
