"""Cost of an update of a large timeline, compared with rewriting the file.

Creates a .twt file of 100 MB compressed, prepends a page of new posts as `update` does (greatest id of the
first page, member, copy, sync, rename, sync), and compares this with (a) decompressing and compressing the
whole file again, and (b) a plain, synced copy of the file. Prints seconds and ratios, as medians of several
rounds in one run.

    python benchmarks/update_delta.py [--megabytes 100] [--rounds 5] [--directory DIR]
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import random
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from twittomatic.model import FileState
from twittomatic.storage.commit import commit, prepend
from twittomatic.storage.formats import member, read_lines
from twittomatic.storage.order import order_at_front
from twittomatic.storage.part import PartFile
from twittomatic.storage.paths import Layout

POSTS_OF_A_PAGE = 100
WORDS = [f"{number:x}" for number in range(4096, 12288)]


def page(newest: int) -> list[bytes]:
    """Return a page of posts with ids below `newest`, about as compressible as real ones."""
    return [
        json.dumps(
            {
                "id": str(newest - number),
                "text": " ".join(random.choices(WORDS, k=30)),
                "public_metrics": {"like_count": random.randrange(9999), "reply_count": random.randrange(99)},
            }
        ).encode()
        for number in range(POSTS_OF_A_PAGE)
    ]


def make(path: Path, size: int) -> FileState:
    """Write a timeline of at least `size` compressed bytes, one member per page."""
    pages = [page(1_000_000 - number * POSTS_OF_A_PAGE) for number in range(50)]
    members = [member(lines) for lines in pages]
    batch = b"".join(members)
    with PartFile.begin(path) as part:
        while part.state.size < size:
            part.append(batch, POSTS_OF_A_PAGE * len(members))
        return part.state


def sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)


def timed(work: Callable[[], None], rounds: int) -> float:
    """Return the median seconds of `work`, starting each round with an idle disk."""
    taken = []
    for _ in range(rounds):
        os.sync()
        began = time.perf_counter()
        work()
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)


def main() -> None:
    parser = argparse.ArgumentParser(description="Cost of an update of a large timeline.")
    parser.add_argument("--megabytes", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--directory", type=Path, default=None, help="where; default: the system's for temporary files"
    )
    arguments = parser.parse_args()
    random.seed(1)
    with tempfile.TemporaryDirectory(dir=arguments.directory) as name:
        layout = Layout(Path(name), Path(name, ".tmp"))
        layout.prepare()
        final, part_path, copy = layout.file("22", "twt"), layout.part("c", "s", "twt"), Path(name, "copy")
        known = make(part_path, arguments.megabytes * 1_000_000)
        commit(part_path, final)
        new = page(2_000_000)

        def add_delta(into: Path) -> FileState:
            assert order_at_front(final).kept
            with PartFile.begin(part_path) as part:
                part.append(member(new), len(new))
                state = prepend(part, final, known)
            commit(part_path, into)
            return state

        def update() -> None:
            add_delta(copy)

        def recompress() -> None:
            with gzip.open(copy, "wb", compresslevel=6) as target:
                target.write(b"\n".join(new) + b"\n")
                with gzip.open(final) as source:
                    shutil.copyfileobj(source, target, 1 << 20)
            sync(copy)

        def recompress_fast() -> None:
            with PartFile.begin(copy) as part:
                lines = list(new)
                for line in read_lines(final):
                    lines.append(line)
                    if len(lines) >= 20_000:
                        part.append(member(lines), len(lines))
                        lines = []
                part.append(member(lines), len(lines))

        def plain_copy() -> None:
            copy.unlink(missing_ok=True)
            shutil.copyfile(final, copy)
            sync(copy)

        def delta_alone() -> None:
            with PartFile.begin(part_path) as part:
                part.append(member(new), len(new))
            commit(part_path, copy)

        print(f"old file: {known.size / 1e6:.1f} MB, {known.lines} posts; delta: {len(new)} posts")
        ours = timed(update, arguments.rounds)
        for label, work, rounds in (
            ("the delta alone, no old file", delta_alone, arguments.rounds),
            ("cp + fsync", plain_copy, arguments.rounds),
            ("gunzip + gzip -6, whole", recompress, 1),
            ("gunzip + gzip, whole, with isal", recompress_fast, 1),
        ):
            took = timed(work, rounds)
            print(f"{label:35} {took:8.4f} s   {took / ours:8.2f} x the update")
        print(f"{'update (prepend, sync, commit)':35} {ours:8.4f} s")
        state = add_delta(final)
        assert next(read_lines(final)) == new[0]
        assert sum(1 for _ in read_lines(final)) == state.lines == known.lines + len(new)


if __name__ == "__main__":
    main()
