"""Memory of the journal index per file, and the time to read it.

The memory is measured by tracemalloc after reading the whole journal, and compared with a dictionary of the
newest `Entry` of every file. The time is that of reading the journal into the index, compared with reading it
into that dictionary.

    python benchmarks/journal_index.py [--files 300000] [--directory DIR]
"""

from __future__ import annotations

import argparse
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from harness import verdict
from twittomatic.model import Ending, Module
from twittomatic.storage.index import JournalIndex
from twittomatic.storage.journal import Entry, latest, read_journal
from twittomatic.storage.paths import EXTENSIONS, Layout


def entries(count: int) -> Iterator[Entry]:
    """Yield one line for each of `count` files, three per user."""
    for number in range(count):
        user_id, ext = str(10**18 + number // 3 * 7_919), EXTENSIONS[number % 3]
        second = f"{number // 3_600 % 24:02}:{number // 60 % 60:02}:{number % 60:02}"
        yield Entry(
            file=f"{user_id[:2]}/{user_id}.{ext}",
            module=Module.FOLLOWER,
            user_id=user_id,
            lines=number,
            bytes=number * 7,
            crc32=f"{number:08x}",
            requests=2,
            cost_usd=0.5,
            began_at=f"2026-01-01T{second}.123Z",
            ended_at=f"2026-01-01T{second}.456Z",
            ending=Ending.COMPLETE,
            received=number,
            worker="default.local",
        )


def indexed(layout: Layout) -> JournalIndex:
    """Read a journal into the index."""
    index = JournalIndex(layout)
    index.refresh()
    return index


def bytes_of(read: Callable[[], object]) -> int:
    """Return the memory of a result in bytes."""
    tracemalloc.start()
    kept = read()
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    del kept
    return used


def seconds_of(read: Callable[[], object]) -> float:
    """Return the minimum CPU time of three runs, which other load affects least."""
    times = []
    for _ in range(3):
        began = time.process_time()
        read()
        times.append(time.process_time() - began)
    return min(times)


def main() -> None:
    parser = argparse.ArgumentParser(description="Memory and time of the journal's index.")
    parser.add_argument("--files", type=int, default=300_000)
    parser.add_argument(
        "--directory", type=Path, default=None, help="where; default: the system's for temporary files"
    )
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tw", dir=arguments.directory) as name:
        layout = Layout(Path(name), Path(name) / ".tmp")
        layout.prepare()
        with layout.journal("w").open("wb") as file:
            file.writelines(msgspec.json.encode(entry) + b"\n" for entry in entries(arguments.files))

        def plain() -> dict[str, Entry]:
            return latest(read_journal(layout))

        compact, loose = bytes_of(lambda: indexed(layout)), bytes_of(plain)
        ours, bare = seconds_of(lambda: indexed(layout)), seconds_of(plain)
    each, before = compact / arguments.files, loose / arguments.files
    print(f"{arguments.files:,} files: {each:.1f} bytes each, in a dictionary of entries {before:.0f}")
    verdict("bytes of the index for a file", each, 64, most=True)
    verdict("memory of a dictionary against the index", loose / compact, 10)
    verdict("time to read the index against a dictionary", ours / bare, 3, most=True)


if __name__ == "__main__":
    main()
