"""Time without a master: repeated kill -9 of the leader, with a standby ready.

A worker with default settings crawls lists of one follower each throughout. Measured for each failover: the
time from the kill until a standby leads under the next epoch, and until it feeds a target. The same number of
leaders is then stopped by SIGTERM. For comparison: a leadership that is not renewed lasts three seconds,
since a leader may merely be slow.

    python benchmarks/failover.py [--kills 20]
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import redis

from harness import verdict
from twittomatic.state.embedded import process as valkey
from twittomatic.state.embedded.launch import launch
from twittomatic.state.keys import CrawlKeys

TTL_S = 3.0
MOST_S = 5.0
_TARGETS = 200_000
_DEADLINE_S = 120.0
_COMMAND = (sys.executable, "-c", "from twittomatic.cli import main; main()")
_KEYS = CrawlKeys("default")


class Cluster:
    """An emulator, a state server, a worker, and changing masters.

    Args:
        directory: The working directory of the processes.
        targets: The number of lists.
        time_scale: The factor by which the emulator's windows are shorter than X's.
    """

    def __init__(self, directory: Path, *, targets: int = _TARGETS, time_scale: float = 36_000) -> None:
        self._directory = directory
        self._targets, self._time_scale = targets, time_scale
        self.environment = {
            name: value for name, value in os.environ.items() if not name.startswith("TWITTOMATIC_")
        }
        self.processes: list[subprocess.Popen[bytes]] = []
        self.redis: Any = None

    def start(self, *arguments: str) -> tuple[subprocess.Popen[bytes], Path]:
        """Start a command; return its process and the file with its output."""
        said = self._directory / f"said-{len(self.processes)}.log"
        with said.open("wb") as output:
            process = subprocess.Popen(
                [*_COMMAND, *arguments],
                cwd=self._directory,
                env=self.environment,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.processes.append(process)
        return process, said

    def begin(self, *, with_worker: bool = True) -> None:
        """Start everything except the masters."""
        users = range(1, self._targets + 1)
        graph = self._directory / "graph"
        graph.write_text("".join(f"{2 * user} {2 * user + 1}\n" for user in users))
        (self._directory / "seeds").write_text("".join(f"{2 * user}\n" for user in users))
        _, said = self.start(
            "emulator", "--port", "0", "--time-scale", str(self._time_scale), "--graph", str(graph)
        )
        wait(lambda: "A user to" in said.read_text())
        url = next(word for word in said.read_text().split() if word.startswith("http"))
        (self._directory / "server").mkdir()
        asyncio.run(launch(self._directory / "server"))
        server = asyncio.run(valkey.wait_until_ready(self._directory / "server"))
        self.redis = redis.Redis.from_url(server, decode_responses=True)
        self.environment |= {
            "TWITTOMATIC_REDIS_URL": server,
            "TWITTOMATIC_X_API_URL": url,
            "TWITTOMATIC_X_BEARER_TOKENS": "benchmark",
        }
        if with_worker:
            self.start("worker", "one", "--concurrency", "2")

    def master(self, *more: str) -> subprocess.Popen[bytes]:
        """Start a master with dfs, which continuously feeds one target at a time."""
        process, said = self.start("master", "-F", "--stream", "seeds", "--traversal", "dfs", *more)
        wait(lambda: "leads" in said.read_text())
        return process

    def look(self) -> tuple[int, int]:
        """Return the epoch of the leader, 0 if there is none, and the number of targets fed."""
        epoch, targets = self.redis.hget(_KEYS.leader, "epoch"), self.redis.hget(_KEYS.counters, "targets")
        return int(epoch or 0), int(targets or 0)

    def end(self) -> None:
        """End all processes."""
        for process in self.processes:
            process.kill()
            process.wait()
        os.kill(int((self._directory / "server" / "valkey.pid").read_text()), signal.SIGKILL)


def wait(condition: Callable[[], object]) -> None:
    """Wait for a condition until a deadline."""
    give_up_at = time.monotonic() + _DEADLINE_S
    while not condition():
        if time.monotonic() > give_up_at:
            raise TimeoutError("the condition never became true")
        time.sleep(0.001)


def failovers(cluster: Cluster, leader: Any, how: int, count: int) -> tuple[Any, list[float], list[float]]:
    """End leaders; return the last leader, the seconds until each next one led, and until it fed a target."""
    led, fed = [], []
    for _ in range(count):
        standby = cluster.master("--standby")
        epoch, before = cluster.look()
        wait(lambda before=before: cluster.look()[1] > before + 10)
        began_at = time.monotonic()
        leader.send_signal(how)
        wait(lambda epoch=epoch: cluster.look()[0] > epoch)
        led.append(time.monotonic() - began_at)
        before = cluster.look()[1]
        wait(lambda before=before: cluster.look()[1] > before)
        fed.append(time.monotonic() - began_at)
        leader.wait()
        leader = standby
    return leader, led, fed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--kills", type=int, default=20)
    kills = parser.parse_args().kills
    with tempfile.TemporaryDirectory(prefix="tw") as directory:
        cluster = Cluster(Path(directory))
        try:
            cluster.begin()
            leader = cluster.master()
            leader, led, fed = failovers(cluster, leader, signal.SIGKILL, kills)
            leader, left, left_fed = failovers(cluster, leader, signal.SIGTERM, kills)
            worker = cluster.processes[1]
            stayed = worker.poll() is None
        finally:
            cluster.end()
    for what, times in (
        ("kill -9 until the next one leads", led),
        ("kill -9 until it has fed a target", fed),
        ("SIGTERM until the next one leads", left),
        ("SIGTERM until it has fed a target", left_fed),
    ):
        print(
            f"{what:36} median {statistics.median(times):5.2f} s, maximum {max(times):5.2f} s, "
            f"{statistics.median(times) / TTL_S:4.0%} of an unrenewed leadership, {len(times)} times"
        )
    print(f"The worker, which stops without a master, {'worked throughout' if stayed else 'STOPPED'}.")
    verdict("kill -9 until it has fed a target, maximum", max(fed), MOST_S, most=True, unit=" s")


if __name__ == "__main__":
    main()
