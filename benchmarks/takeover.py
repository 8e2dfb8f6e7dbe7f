"""Time until another worker takes over: kill -9 and SIGSTOP of a worker, with an idle one running.

Eight lists wait for a window to open, all leased by one worker; the other one is idle. Measured: the time
from the signal until the other has leased all eight. After kill -9 the system closes the dead worker's
connection, which the master notices; a stopped worker keeps it, like a machine that has lost its network, so
that only its lease expires.

    python benchmarks/takeover.py [--kills 20] [--stops 5] [--lease 5]
"""

from __future__ import annotations

import argparse
import signal
import statistics
import tempfile
import time
from pathlib import Path

from failover import Cluster, wait
from harness import verdict
from twittomatic.state.keys import GROUP, CrawlKeys

_JOBS = 8
_REQUESTS = 300  # per window
_KEYS = CrawlKeys("default")
_QUEUES = [_KEYS.jobs("follower"), _KEYS.jobs("follower:again")]


def held(cluster: Cluster) -> dict[str, int]:
    """Return the number of jobs leased by each consumer."""
    found: dict[str, int] = {}
    for queue in _QUEUES:
        if cluster.redis.exists(queue):
            for consumer in cluster.redis.xinfo_consumers(queue, GROUP):
                found[consumer["name"]] = found.get(consumer["name"], 0) + consumer["pending"]
    return {name: count for name, count in found.items() if count}


def takeovers(cluster: Cluster, how: int, count: int, lease: float) -> list[float]:
    """Return the seconds from the end of a worker until another has all its jobs, for each repetition."""
    took = []
    options = ("--concurrency", str(_JOBS), "--lease-s", str(lease), "--on-master-loss", "wait")
    worker, _ = cluster.start("worker", "first", *options)
    wait(lambda: cluster.redis.hget(_KEYS.counters, "completed:follower") == str(_REQUESTS))
    wait(lambda: list(held(cluster).values()) == [_JOBS])
    for number in range(count):
        (holder,) = held(cluster)
        other, said = cluster.start("worker", f"{how}-{number}", *options)
        wait(lambda said=said: "works for" in said.read_text())
        for job in cluster.redis.scan_iter(f"{_KEYS.job}*"):
            cluster.redis.hdel(job, "crashes")  # a second crash within one page would delay the job
        began_at = time.monotonic()
        worker.send_signal(how)
        wait(lambda holder=holder: sum(n for name, n in held(cluster).items() if name != holder) == _JOBS)
        took.append(time.monotonic() - began_at)
        worker.kill()
        worker.wait()
        worker = other
    worker.kill()
    worker.wait()
    wait(lambda: not cluster.redis.hlen(_KEYS.workers))
    return took


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--stops", type=int, default=5)
    parser.add_argument("--lease", type=float, default=5.0, help="LEASE_S")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tw") as directory:
        cluster = Cluster(Path(directory), targets=_REQUESTS + _JOBS, time_scale=1)
        try:
            cluster.begin(with_worker=False)
            cluster.master("--lease-s", str(arguments.lease))
            killed = takeovers(cluster, signal.SIGKILL, arguments.kills, arguments.lease)
            stopped = takeovers(cluster, signal.SIGSTOP, arguments.stops, arguments.lease)
        finally:
            cluster.end()
    for what, times in (("kill -9", killed), ("SIGSTOP", stopped)):
        print(
            f"{what}: all {_JOBS} jobs taken over after {statistics.median(times):.2f} s (median), "
            f"{max(times):.2f} s (maximum), {len(times)} times; LEASE_S is {arguments.lease:g}"
        )
    verdict("kill -9, the median", statistics.median(killed), 2.0, most=True, unit=" s")
    verdict("SIGSTOP, the longest beyond LEASE_S", max(stopped) - arguments.lease, 1.0, most=True, unit=" s")


if __name__ == "__main__":
    main()
