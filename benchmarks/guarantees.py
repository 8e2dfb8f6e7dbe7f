"""Cost of the guarantees: pages through one worker with all of them, and with none.

Pages and crawl are those of `pages.py`: followers, 1,000 users in 550 KB, and timelines, 100 posts in 130 KB.
Each step removes more:

- without file syncs: fsync is a no-op for part files, journals and directories.
- without syncs: in addition, the state server keeps its state in memory only (`appendonly no`). What survives
  a crash of the machine is a matter of luck.
- without any: in addition, no checkpoint is written, leases are neither renewed nor reaped, and the fence
  lets every worker pass. Any crash loses whole lists, and two workers may write the same one.

What remains in every case is what a crawl cannot do without: permits, windows, ledger and files. The four
take turns in one run; the figure is the median of the rounds' ratios. The duration of a sync depends on the
disk, and is printed.

    python benchmarks/guarantees.py [--rounds 7] [--directory DIR]
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any
from unittest.mock import patch

from harness import FOLLOWERS_PER_PAGE, POSTS_PER_PAGE, alternate, nginx, run, verdict
from pages import IN_FLIGHT, KINDS, ListKind, bodies, with_worker
from twittomatic.model import Job, WorkerReport
from twittomatic.state import connection, scripts
from twittomatic.state.admin import Reaper
from twittomatic.state.embedded import launch
from twittomatic.state.jobs import HeartbeatReply, Jobs

GOAL = 80  # percent
_SYNCS, _BYTES = 100, 100_000  # about what a page of followers becomes
_FENCE = scripts.source("lib/fence")
_OPEN_FENCE = "local function owns(stream, entry, consumer)\n  return true\nend"


@contextmanager
def without_file_syncs() -> Iterator[None]:
    """Make no file of this process durable."""
    with patch.object(os, "fsync", lambda descriptor: None):
        yield


@contextmanager
def without_syncs() -> Iterator[None]:
    """Make nothing durable that this process or its state server writes."""
    with without_file_syncs(), patch.dict(launch._CONFIGURATION, appendonly="no"):
        yield


@contextmanager
def without_any() -> Iterator[None]:
    """Make nothing durable, no job recoverable, and no worker fenced."""
    heartbeat = Jobs.heartbeat

    async def look(self: Jobs, held: Sequence[Job], report: WorkerReport) -> HeartbeatReply:
        return await heartbeat(self, [], report)

    async def nothing(*_: Any) -> None:
        pass

    async def nobody(*_: Any) -> list[str]:
        return []

    with (
        without_syncs(),
        patch.object(Jobs, "commit", nothing),
        patch.object(Jobs, "heartbeat", look),
        patch.object(Reaper, "reap", nobody),
        patch.object(connection, "source", _unfenced),
    ):
        yield


def _unfenced(name: str) -> str:
    return scripts.source(name).replace(_FENCE, _OPEN_FENCE)


def contender(
    url: str,
    kind: ListKind,
    records: int,
    place: Path | None,
    taken_away: Callable[[], AbstractContextManager[None]],
) -> Callable[[], float]:
    """Return a function that crawls all lists of a kind once and returns the pages per second."""

    def once() -> float:
        with tempfile.TemporaryDirectory(prefix="tw", dir=place) as name, taken_away():
            took: float = run(with_worker(url, kind, records, Path(name)))
            return kind.lists * kind.pages / took

    return once


STEPS: Mapping[str, Callable[[], AbstractContextManager[None]]] = {
    "with all": nullcontext,
    "without any": without_any,  # next to the one it is compared with, since other load changes over time
    "without syncs": without_syncs,
    "without file syncs": without_file_syncs,
}


def milliseconds_of_a_sync(place: Path | None) -> float:
    """Return the median duration of making a page of followers durable."""
    times = []
    with tempfile.TemporaryFile(dir=place) as file:
        for _ in range(_SYNCS):
            file.write(os.urandom(_BYTES))
            file.flush()
            began = time.perf_counter()
            os.fsync(file.fileno())
            times.append(time.perf_counter() - began)
    return 1000 * statistics.median(times)


def main() -> None:
    parser = argparse.ArgumentParser(description="Pages per second with all guarantees, and with none.")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument(
        "--directory", type=Path, default=None, help="where; default: the system's for temporary files"
    )
    arguments = parser.parse_args()
    with nginx(run(bodies())) as url:
        for kind in KINDS:
            records = kind.pages * (FOLLOWERS_PER_PAGE if kind.path == "followers" else POSTS_PER_PAGE)
            contenders = {
                name: contender(url, kind, records, arguments.directory, taken_away)
                for name, taken_away in STEPS.items()
            }
            rounds = [alternate(contenders, 1) for _ in range(arguments.rounds)]
            sync = milliseconds_of_a_sync(arguments.directory)
            print(
                f"{kind.path}: {kind.lists} lists of {kind.pages} pages, {IN_FLIGHT} in flight; "
                f"a sync takes {sync:.1f} ms"
            )
            for name in STEPS:
                speed = statistics.median(speeds[name] for speeds in rounds)
                print(f"  {name:40} {speed:8.1f} pages/s")
            shares = [100 * speeds["with all"] / speeds["without any"] for speeds in rounds]
            print(f"  with all / without any, by round: {', '.join(f'{share:.0f} %' for share in shares)}")
            share = statistics.median(shares)
            verdict(f"{kind.path}: with all guarantees / without any", share, GOAL, unit=" %")


if __name__ == "__main__":
    main()
