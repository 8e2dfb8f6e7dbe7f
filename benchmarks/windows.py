"""Use of rate-limit windows: a master and eight worker processes on four tokens, and twarc on one.

The emulator's windows are 90 times shorter than X's, ten seconds, and allow 300 requests, as X's do for
followers; every user has one follower, which is the most work per request. Measured for ten windows of each
token: how much of them was used, how long after the announced reset the next one was opened, and how often an
exhausted one was used. twarc pages through the same lists at the same time, from a separate emulator.

    python benchmarks/windows.py [--graph FILE] [--tokens 4] [--processes 8] [--windows 10]
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import math
import os
import statistics
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from twarc import Twarc2

from harness import run, verdict
from pages import ToLoopback
from twittomatic.emulator import Emulator, GraphWorld, RunningEmulator, serve

TIME_SCALE = 90.0
WINDOW_S = 900 / TIME_SCALE
LIMIT = 300
_COMMAND = (sys.executable, "-c", "from twittomatic.cli import main; main()")


class Watched:
    """An emulator that records the times of followers requests by token."""

    def __init__(self, world: GraphWorld) -> None:
        self.emulator = Emulator(world, time_scale=TIME_SCALE)
        self.asked: dict[str, list[float]] = defaultdict(list)
        take = self.emulator._limits.take

        def noted(credential: str, endpoint: str, **options: Any) -> Any:
            verdict = take(credential, endpoint, **options)
            if endpoint == "followers" and verdict.allowed:
                self.asked[credential].append(time.time())
            return verdict

        self.emulator._limits.take = noted  # type: ignore[method-assign]

    def windows(self) -> list[list[tuple[float, int]]]:
        """Return, for each token, when each window was opened and how many requests it had."""
        found = []
        for moments in self.asked.values():
            windows: list[tuple[float, int]] = []
            for moment in moments:
                if not windows or moment >= windows[-1][0] + WINDOW_S:
                    windows.append((moment, 0))
                windows[-1] = (windows[-1][0], windows[-1][1] + 1)
            found.append(windows)
        return found

    def full(self) -> int:
        """Return the number of windows that every token has completed."""
        return min((len(windows) - 1 for windows in self.windows()), default=0)


def with_twarc(url: str, users: Sequence[int], stop: threading.Event) -> None:
    """Page through lists with one token until cancelled."""
    client = Twarc2(bearer_token="twarc")
    client.client.trust_env = False
    for address in ("https://api.twitter.com", "https://api.x.com"):
        client.client.mount(address, ToLoopback(url))
    for user in users:
        for _ in client.followers(10**18 + user):
            if stop.is_set():
                return


async def ours(
    url: str, users: Sequence[int], tokens: int, processes: int, enough: asyncio.Event, place: Path
) -> None:
    """Crawl with a master and workers until enough windows are complete."""
    (place / "users").write_text("\n".join(map(str, users)))
    environment = {
        **os.environ,
        "TWITTOMATIC_X_API_URL": url,
        "TWITTOMATIC_X_BEARER_TOKENS": ",".join(f"benchmark-{number}" for number in range(tokens)),
    }

    async def start(*arguments: str) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            *_COMMAND,
            *arguments,
            cwd=place,
            env=environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )

    master = await start("master", "-F", "--stream", "users")
    assert master.stdout
    await master.stdout.readline()
    worker = await start("worker", "bench", "--processes", str(processes))
    ended = asyncio.create_task(master.wait())
    await asyncio.wait([ended, asyncio.create_task(enough.wait())], return_when=asyncio.FIRST_COMPLETED)
    for process in (worker, master):
        if process.returncode is None:
            process.terminate()
        await process.communicate()


def ring(users: int) -> GraphWorld:
    """Return a world in which every user has one follower."""
    with tempfile.NamedTemporaryFile("w", prefix="tw") as graph:
        graph.writelines(f"{user} {user % users + 1}\n" for user in range(1, users + 1))
        graph.flush()
        return GraphWorld.read(Path(graph.name))


async def measure(graph: Path | None, tokens: int, processes: int, windows: int) -> None:
    world = GraphWorld.read(graph) if graph else ring(tokens * LIMIT * (windows + 3))
    users = [int(user) for user in world.user_ids]
    watched, other = Watched(world), Watched(world)
    running: list[RunningEmulator] = [await serve(watched.emulator), await serve(other.emulator)]
    stop, enough = threading.Event(), asyncio.Event()
    peer = asyncio.create_task(asyncio.to_thread(with_twarc, running[1].url, users, stop))
    with tempfile.TemporaryDirectory(prefix="tw") as name:
        crawl = asyncio.create_task(ours(running[0].url, users, tokens, processes, enough, Path(name)))
        while not (len(watched.asked) == tokens and watched.full() >= windows) and not crawl.done():
            await asyncio.wait([crawl], timeout=0.1)
        enough.set()
        stop.set()
        await crawl
    tell(f"ours, {tokens} tokens, {processes} processes", watched, windows, goal=True)
    await peer
    tell("twarc, 1 token", other, windows, goal=False)
    for one in running:
        await one.close()


def tell(name: str, watched: Watched, most: int, *, goal: bool) -> None:
    """Print how much of the windows was used."""
    found = watched.windows()
    used = [count for windows in found for _, count in windows[:-1][:most]]
    late = [
        later[0] - math.ceil(earlier[0] + WINDOW_S)
        for windows in found
        for earlier, later in itertools.pairwise(windows[: most + 1])
    ]
    violations = watched.emulator.report()["violations"]
    print(f"{name}: {len(used)} complete windows, {sum(used)} requests, {violations} violations")
    if not used:
        return
    percent = 100 * sum(used) / (LIMIT * len(used))
    print(
        f"  the next one opens {statistics.median(late):.2f} s (median) after the reset, "
        f"{max(late):.2f} s (maximum)"
    )
    if goal:
        verdict("  of the requests allowed are made", percent, 99, unit=" %")
        verdict("  violations", violations, 0, most=True)
    else:
        print(f"  of the requests allowed are made {percent:.1f} %")


def main() -> None:
    parser = argparse.ArgumentParser(description="How well rate-limit windows are used.")
    parser.add_argument("--graph", type=Path, default=None, help="another one, with lists enough")
    parser.add_argument("--tokens", type=int, default=4)
    parser.add_argument("--processes", type=int, default=8)
    parser.add_argument("--windows", type=int, default=10)
    arguments = parser.parse_args()
    run(measure(arguments.graph, arguments.tokens, arguments.processes, arguments.windows))


if __name__ == "__main__":
    main()
