"""Memory for 5 million exactly deduplicated users, and the speed of discovering them.

Users are sent to the frontier as the analyzers of one worker send them: ten thousand per call, eight calls
concurrently, and in every other round one call after another. Two in five ids are old and short, the others
have 19 digits; a fifth of them are repeated. Every answer is checked against a Python set. The memory is the
server's own figure: that of the frontier is what is freed by deleting the list, that of `seen` is what
remains above the start.

    python benchmarks/seen.py [--ids 5000000] [--directory DIR]
"""

from __future__ import annotations

import argparse
import asyncio
import random
import statistics
import tempfile
import time
from pathlib import Path

from harness import run, settings, user_id, verdict
from twittomatic.app.connect import connected
from twittomatic.state.connection import Connection
from twittomatic.state.embedded.server import Role
from twittomatic.state.frontier import Frontier
from twittomatic.state.keys import CrawlKeys
from twittomatic.state.leadership import Leadership

CALL = 10_000
CALLS = 8  # concurrent analyzers of a worker by default
REPEATED = 5  # one in this many ids is repeated


async def used(connection: Connection) -> int:
    """Return the bytes of data of a server once it is idle."""
    for _ in range(600):
        persistence = await connection.redis.info("persistence")
        if not persistence["aof_rewrite_in_progress"] and not persistence["aof_rewrite_scheduled"]:
            break
        await asyncio.sleep(0.1)
    memory = await connection.redis.info("memory")
    return int(memory["used_memory"]) - int(memory["mem_clients_normal"]) - int(memory["mem_aof_buffer"])


def batches(known: set[int], count: int, dice: random.Random) -> list[list[str]]:
    """Return the ids of the next calls, shuffled: new ones and some earlier ones."""
    first = len(known)
    new = range(first, min(first + CALL * CALLS, count))
    ids = [user_id(ordinal) for ordinal in new]
    ids += [user_id(dice.randrange(new.stop)) for _ in range(len(ids) // REPEATED)]
    dice.shuffle(ids)
    known.update(ids)
    return [list(map(str, ids[start::CALLS])) for start in range(CALLS)]


async def measure(count: int, directory: Path) -> None:
    """Discover `count` users, and print the figures."""
    dice = random.Random(1)
    keys = CrawlKeys("benchmark", "FA")
    async with connected(settings(directory), Role.OWN, "benchmark") as connection:
        frontier = Frontier(connection, keys)
        await frontier.discover(["1"], 1)  # scripts are loaded, buffers are there
        leadership = Leadership(connection, keys, "benchmark")
        await leadership.lead()
        await frontier.forget(leadership, keep_waiting=False)
        await leadership.resign()
        start = await used(connection)
        known: set[int] = set()
        speeds: dict[bool, list[float]] = {True: [], False: []}
        exact, at_once = True, True
        while len(known) < count:
            before = len(known)
            calls = batches(known, count, dice)
            began = time.perf_counter()
            if at_once:
                found = sum(await asyncio.gather(*[frontier.discover(ids, 1) for ids in calls]))
            else:
                found = sum([await frontier.discover(ids, 1) for ids in calls])
            speeds[at_once].append(sum(map(len, calls)) / (time.perf_counter() - began))
            exact = exact and found == len(known) - before
            at_once = not at_once
        exact = exact and await frontier.seen() == len(known) == count
        waiting = [user async for some in frontier.export() for user in map(int, some)]
        exact = exact and len(waiting) == count and known == set(waiting)
        whole = await used(connection)
        await connection.call("DEL", f"{keys.frontier}list:1")
        seen = await used(connection)
    print(f"{count:,} ids: {'exact' if exact else 'NOT EXACT'}")
    verdict("seen: bytes an id", (seen - start) / count, 9, most=True)
    verdict("frontier: bytes a target", (whole - seen) / count, 15, most=True)
    verdict(f"discovered, {CALLS} calls at once: ids/s", statistics.median(speeds[True]), 150_000)
    verdict("discovered, one call after another: ids/s", statistics.median(speeds[False]), 150_000)


def main() -> None:
    parser = argparse.ArgumentParser(description="Memory and speed of seen and frontier.")
    parser.add_argument("--ids", type=int, default=5_000_000)
    parser.add_argument(
        "--directory", type=Path, default=None, help="where; default: the system's for temporary files"
    )
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tw", dir=arguments.directory) as name:
        run(measure(arguments.ids, Path(name)))


if __name__ == "__main__":
    main()
