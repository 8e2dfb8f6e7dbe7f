"""Masters and workers that die, freeze, leave and come back, as separate processes over one server."""

import asyncio
import json
import os
import signal
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import pytest
import redis

from support.workspace import Workspace, alive
from twittomatic.state.embedded import process as valkey
from twittomatic.state.embedded.launch import launch
from twittomatic.state.keys import CrawlKeys

EDGES = [(a, b) for a in range(1, 100) for b in (2 * a, 2 * a + 1, a // 2) if b not in (0, a)]
FLAGS = ("-F", "-A", "--max-depth", "unlimited", "--stream", "seeds")
KEYS = CrawlKeys("default")


class Cluster:
    """A place with an emulator and a server that other processes share."""

    def __init__(self, place: Workspace, url: str) -> None:
        self.place = place
        self.emulator = place.emulating
        self.redis = redis.Redis.from_url(url, decode_responses=True)

    def start(self, *arguments: object) -> Any:
        return self.place.start(*arguments)

    def said(self, process: Any) -> str:
        text: str = self.place.said(process)
        return text

    def wait_for(self, condition: Callable[[], object], *processes: Any) -> None:
        deadline = monotonic() + 110
        while not condition():
            assert monotonic() < deadline, [self.said(process) for process in processes]
            sleep(0.005)

    def hears(self, process: Any, words: str) -> None:
        self.wait_for(lambda: words in self.said(process), process)

    def grows(self, by: int, *processes: Any) -> None:
        """Let the crawl complete `by` more lists, then stop the network, so that the crawl cannot end."""
        self.emulator.send_signal(signal.SIGCONT)
        self.until(len(self.place.files("fws")) + by, *processes)
        self.emulator.send_signal(signal.SIGSTOP)

    def until(self, goal: int, *processes: Any) -> None:
        self.wait_for(lambda: len(self.place.files("fws")) >= goal, *processes)

    def hold(self) -> None:
        """Pause the crawl by hand; masters keep leading, and workers come and go."""
        self.redis.hset(KEYS.crawl_hash, mapping={"phase": "paused", "paused_by": "user"})

    def go_on(self) -> None:
        self.redis.hset(KEYS.crawl_hash, "phase", "running")

    def change_options(self, **changes: int) -> None:
        """Change the options as another starting master does."""
        options = json.loads(str(self.redis.hget(KEYS.crawl_hash, "options")))
        self.redis.hset(KEYS.crawl_hash, "options", json.dumps(options | changes))

    def pids(self, name: str) -> list[int]:
        """Return the processes of the workers whose names begin so."""
        workers: Any = self.redis.hkeys(KEYS.workers)
        return [pid_of(one) for one in workers if one.startswith(name)]

    def holders(self) -> set[int]:
        """Return the processes of the workers that hold a job."""
        pending: Any = [
            item
            for name in self.redis.scan_iter(f"{KEYS.jobs_prefix}*")
            for item in self.redis.xpending_range(name, "workers", "-", "+", 100)  # type: ignore[union-attr]
        ]
        return {pid_of(item["consumer"]) for item in pending}

    def epoch(self) -> int:
        return int(self.redis.hget(KEYS.leader, "epoch") or 0)  # type: ignore[arg-type]

    def exact(self) -> None:
        edges = self.place.edges()
        assert len(edges) == len(set(edges))
        assert set(edges) == set(EDGES)
        assert self.place.run("verify").returncode == 0
        report = self.place.report()
        assert self.place.status()["spent_usd"] >= report["bill_usd"]
        assert report["violations"] == 0


@pytest.fixture
def cluster(place: Workspace) -> Iterator[Cluster]:
    place.emulator("--graph", place.graph(EDGES))
    place.write("seeds", "# where it begins\n1\n")
    with tempfile.TemporaryDirectory(prefix="tw") as directory:
        url = asyncio.run(_launched(Path(directory)))
        place.set(redis_url=url)
        cluster = Cluster(place, url)
        yield cluster
        cluster.redis.close()
        place.end()
        os.kill(int((Path(directory) / "valkey.pid").read_text()), signal.SIGKILL)


async def _launched(directory: Path) -> str:
    await launch(directory)
    return await valkey.wait_until_ready(directory)


def test_the_crawl_continues_as_masters_die_freeze_and_leave(cluster: Cluster) -> None:
    master = cluster.start("master", *FLAGS)
    standbys = [cluster.start("master", *FLAGS, "--standby") for _ in range(3)]
    for standby in standbys:
        cluster.hears(standby, "leads.")
    worker = cluster.start("worker", "one", "--concurrency", "2")  # which stops without a leader
    cluster.grows(20, master, worker)
    assert cluster.redis.zcard(KEYS.standbys) == 3

    master.send_signal(signal.SIGKILL)
    cluster.wait_for(lambda: cluster.epoch() == 2, *standbys)
    cluster.grows(20, *standbys, worker)
    [frozen] = [standby for standby in standbys if "epoch 2" in cluster.said(standby)]

    frozen.send_signal(signal.SIGSTOP)
    cluster.wait_for(lambda: cluster.epoch() == 3, *standbys)
    cluster.grows(20, *standbys, worker)
    [leaver] = [standby for standby in standbys if "epoch 3" in cluster.said(standby)]
    frozen.send_signal(signal.SIGCONT)
    assert frozen.wait(60) == 1, cluster.said(frozen)
    errors = [line for line in cluster.said(frozen).splitlines() if line.startswith("Error")]
    assert len(errors) == 1
    assert "This process no longer leads crawl “default”: another master took over" in errors[0]
    assert "Traceback" not in cluster.said(frozen)
    assert cluster.epoch() == 3

    leaver.send_signal(signal.SIGTERM)
    assert leaver.wait(60) == 130, cluster.said(leaver)
    cluster.wait_for(lambda: cluster.epoch() == 4, *standbys)
    [last] = [standby for standby in standbys if standby not in (frozen, leaver)]
    cluster.emulator.send_signal(signal.SIGCONT)
    assert last.wait(110) == 0, cluster.said(last)
    assert worker.wait(60) == 0, cluster.said(worker)
    cluster.exact()
    assert cluster.place.report()["repeated_pages"] == 0


def test_a_cap_holds_for_workers_from_the_moment_it_is_written(cluster: Cluster) -> None:
    """A standby keeps it, and a master that begins with less stops those who work with the old options."""

    def cap() -> str:
        [caps] = cluster.redis.scan_iter("tw:{net:*}:caps")
        epoch, micros, _ = str(cluster.redis.hget(caps, "default")).split(":")
        return f"{epoch}:{micros}"

    master = cluster.start("master", *FLAGS, "--budget-usd", "900")
    worker = cluster.start("worker", "one", "--concurrency", "2", "--on-master-loss", "wait")
    cluster.grows(20, master, worker)
    assert cap() == "1:900000000"
    standby = cluster.start("master", *FLAGS, "--standby", "--budget-usd", "7")
    cluster.hears(standby, "leads.")
    master.send_signal(signal.SIGKILL)
    cluster.wait_for(lambda: cap() == "2:900000000", standby)
    worker.send_signal(signal.SIGSTOP)  # it hears of no option
    standby.send_signal(signal.SIGKILL)
    second = cluster.start("master", *FLAGS, "--budget-usd", "0.25", "--until-spent")
    cluster.wait_for(lambda: cap() == "3:250000", second)
    status = cluster.place.status()
    used = status["spent_usd"] + status["reserved_usd"]
    cluster.redis.hset(KEYS.crawl_hash, "options", str(cluster.redis.hget(KEYS.crawl_hash, "asked:FA")))
    for process in (worker, cluster.emulator):
        process.send_signal(signal.SIGCONT)
    assert second.wait(110) == 3, cluster.said(second)
    assert "BUDGET_USD is used up" in cluster.said(second)
    status = cluster.place.status()
    assert 0.25 < status["spent_usd"] <= used
    assert status["spent_usd"] >= cluster.place.report()["bill_usd"]


def test_workers_without_a_master_stop_or_wait_as_configured(cluster: Cluster) -> None:
    master = cluster.start("master", *FLAGS)
    stops = cluster.start("worker", "stops", "--processes", "2", "--concurrency", "1")
    waits = cluster.start(
        "worker", "waits", "--processes", "2", "--concurrency", "1", "--on-master-loss", "wait"
    )
    cluster.wait_for(lambda: len(cluster.pids("")) == 4, master, stops, waits)
    cluster.until(20, master, stops, waits)

    cluster.hold()
    [killed] = cluster.pids("stops.1@")
    os.kill(killed, signal.SIGKILL)
    cluster.hears(stops, "stops.1 ended with signal SIGKILL; it restarts in 0.5 s.")
    cluster.wait_for(lambda: cluster.said(stops).count("works for") == 3, stops)
    cluster.go_on()
    master.send_signal(signal.SIGKILL)
    assert stops.wait(60) == 1, cluster.said(stops)
    assert "Nobody leads crawl “default” any more" in cluster.said(stops)
    assert cluster.said(stops).count("restarts") == 1
    cluster.wait_for(lambda: cluster.holders() <= {killed}, waits)
    assert waits.poll() is None

    cluster.hold()
    heir = cluster.start("master", *FLAGS, "--standby", "--max-attempts", "9")
    cluster.hears(heir, "It continues with the options that it started with")
    cluster.change_options(max_attempts=7)
    cluster.wait_for(lambda: cluster.said(waits).count("other options") == 2, heir, waits)
    cluster.wait_for(lambda: len(cluster.pids("waits.")) == 2, heir, waits)
    cluster.go_on()
    cluster.until(len(cluster.place.files("fws")) + 20, heir, waits)
    cluster.hold()
    pids = cluster.pids("waits.")
    waits.send_signal(signal.SIGKILL)
    cluster.wait_for(lambda: not any(map(alive, pids)), waits)
    assert cluster.said(waits).count("The parent of this process is gone") == 2

    last = cluster.start("worker", "last")
    cluster.hears(last, "works for")
    cluster.go_on()
    assert heir.wait(110) == 0, cluster.said(heir)
    assert last.wait(60) == 0, cluster.said(last)
    cluster.exact()
    assert cluster.place.report()["repeated_pages"] <= 1  # of the one that was killed


def pid_of(worker: str) -> int:
    return int(worker.rpartition(".")[2].partition("-")[0])
