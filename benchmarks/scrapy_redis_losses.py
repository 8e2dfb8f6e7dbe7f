"""Losses when workers are killed: ours and scrapy-redis in the same trial.

Both fetch the same followers lists, of one page each, from the same slow emulator, with the same kind of
state server, which syncs every write, and three processes with eight requests in flight each. A busy process
is repeatedly killed with SIGKILL and restarted. The moments follow from a seed: a number of served pages plus
a few milliseconds.

- scrapy-redis, set up as in its README: a `RedisSpider` takes URLs from Redis, requests go through its
  scheduler, dupefilter and queue there, and items go to Redis through its `RedisPipeline`. It has finished
  when nothing is waiting in Redis and nothing has been served for some seconds.
- ours: `twittomatic master` and three `twittomatic worker`, with default settings. A list is the content of
  its file.

A list is lost if one of its followers is missing at the end, and duplicated if one occurs twice. Pages served
again are counted as well: they are the price of losing none.

scrapy-redis is installed from PyPI into a temporary directory for this run only, with a Scrapy release of its
time, and releases of Twisted and w3lib that this Scrapy can still import.

    python benchmarks/scrapy_redis_losses.py [--lists 1200] [--kills 20] [--seed 1]
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import redis

from harness import free_port, verdict
from twittomatic.emulator import ChangingWorld, GraphWorld, World

sys.path.extend(str(Path(__file__).parents[1] / "tests" / room) for room in ("faults", "services"))
from scene import Scene
from spawner import Running, Spawner

PEER = ("scrapy-redis==0.9.1", "scrapy==2.11.2", "twisted==24.3.0", "w3lib==2.2.1")
WORKERS, IN_FLIGHT = 3, 8
FOLLOWERS = 20  # of each list
TAKES_S = 0.3  # a page
_QUIET_S = 5.0  # longer than a page takes, and than a spider that is idle needs to look again
_MOST_S = 170.0
_OUR_COMMAND = "from twittomatic.cli import main; main()"
_SPIDER = """
import sys
from scrapy.crawler import CrawlerProcess
from scrapy_redis.spiders import RedisSpider

class Followers(RedisSpider):
    name = "followers"

    def parse(self, response):
        ids = [int(user["id"]) for user in response.json()["data"]]
        yield {"list": response.meta["list"], "followers": ids}

process = CrawlerProcess({
    "REDIS_URL": sys.argv[1],
    "SCHEDULER": "scrapy_redis.scheduler.Scheduler",
    "SCHEDULER_PERSIST": True,
    "DUPEFILTER_CLASS": "scrapy_redis.dupefilter.RFPDupeFilter",
    "ITEM_PIPELINES": {"scrapy_redis.pipelines.RedisPipeline": 300},
    "DEFAULT_REQUEST_HEADERS": {"Authorization": "Bearer benchmark"},
    "CONCURRENT_REQUESTS": int(sys.argv[2]),
    "COOKIES_ENABLED": False,
    "TELNETCONSOLE_ENABLED": False,
    "LOG_LEVEL": "INFO",
    "REQUEST_FINGERPRINTER_IMPLEMENTATION": "2.7",
})
process.crawl(Followers)
process.start()
"""


class Workers:
    """Processes of one kind, each restarted when it ends.

    Args:
        directory: Theirs.
        command: After the interpreter; a word `{name}` becomes a name that no other process has.
        environment: All of it.
        word: What one says when it is at work.
    """

    def __init__(self, directory: Path, command: list[str], environment: dict[str, str], word: str) -> None:
        self._directory = directory
        self._command = command
        self._environment = environment
        self._word = word
        self._started = 0
        self._running = [self._start() for _ in range(WORKERS)]

    def is_at_work(self, place: int) -> bool:
        """Return whether a process has reached this point."""
        process, said = self._running[place]
        return process.poll() is None and self._word in said.read_text(errors="replace")

    def kill(self, place: int) -> None:
        """Kill a process with SIGKILL and start another in its place."""
        process, _ = self._running[place]
        process.kill()
        process.wait()
        self._running[place] = self._start()

    def check(self) -> None:
        """Check that no process has crashed by itself.

        Raises:
            RuntimeError: one did; says with which words.
        """
        for process, said in self._running:
            if process.poll():
                raise RuntimeError(f"a worker crashed\n{said.read_text(errors='replace')[-2000:]}")

    def end(self) -> None:
        """Wait for all processes to end, and check that they do."""
        for process, _ in self._running:
            process.send_signal(signal.SIGTERM)
        for process, _ in self._running:
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _start(self) -> tuple[subprocess.Popen[bytes], Path]:
        self._started += 1
        name = f"w{self._started}"
        said = self._directory / f"{name}.said"
        with said.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, *(name if word == "{name}" else word for word in self._command)],
                cwd=self._directory,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        return process, said


class Contender(ABC):
    """A crawl of all lists in a scene."""

    workers: Workers

    @abstractmethod
    def has_finished(self) -> bool:
        """Return whether the crawl has finished."""

    @abstractmethod
    def delivered(self) -> Iterator[tuple[int, list[int]]]:
        """Yield the downloaded lists: owner and ids."""


class ScrapyRedis(Contender):
    def __init__(self, scene: Scene, lists: list[int], packages: str) -> None:
        self._scene = scene
        port = free_port()
        with redis.Redis.from_url(scene.redis_url) as server:
            server.config_set("bind", "127.0.0.1")
            server.config_set("port", port)  # its settings do not fit a unix socket
        self._redis = redis.Redis(port=port, decode_responses=True)
        base = scene.environment["TWITTOMATIC_X_API_URL"]
        for user in lists:
            url = f"{base}/2/users/{user}/followers?max_results=1000"
            self._redis.rpush("followers:start_urls", json.dumps({"url": url, "meta": {"list": user}}))
        self._before: object = None
        self._since = time.monotonic()
        self.workers = Workers(
            scene.directory,
            ["-c", _SPIDER, f"redis://127.0.0.1:{port}", str(IN_FLIGHT)],
            {"PATH": os.environ["PATH"], "PYTHONPATH": packages},
            "Spider opened",
        )

    def has_finished(self) -> bool:
        waiting = self._redis.llen("followers:start_urls") + self._redis.zcard("followers:requests")
        now = (served(self._scene), self._redis.llen("followers:items"))
        if waiting or now != self._before:
            self._before, self._since = now, time.monotonic()
        return time.monotonic() - self._since > _QUIET_S

    def delivered(self) -> Iterator[tuple[int, list[int]]]:
        for item in map(json.loads, self._redis.lrange("followers:items", 0, -1)):
            yield item["list"], item["followers"]


class Ours(Contender):
    def __init__(self, scene: Scene, lists: list[int]) -> None:
        self._scene = scene
        self._lists = lists
        wanted = ("PATH", "TWITTOMATIC_X_API_URL", "TWITTOMATIC_X_BEARER_TOKENS", "TWITTOMATIC_REDIS_URL")
        scene.environment = {name: scene.environment[name] for name in wanted}
        self._master: Running = scene.start("master", "master", "-F", "--stream", scene.write("lists", lists))
        path = os.environ.get("PYTHONPATH", "")
        self.workers = Workers(
            scene.directory,
            ["-c", _OUR_COMMAND, "worker", "{name}", "--concurrency", str(IN_FLIGHT)],
            {**scene.environment, "PYTHONPATH": path},
            "works for crawl",
        )

    def has_finished(self) -> bool:
        if self._master.returncode:
            raise RuntimeError(self._master.said())
        return self._master.returncode == 0

    def delivered(self) -> Iterator[tuple[int, list[int]]]:
        for user in self._lists:
            path = self._scene.directory / "data" / str(user)[:2] / f"{user}.fws"
            if path.exists():
                with gzip.open(path, "rt") as lines:
                    yield user, [int(line) for line in lines]


@dataclass(frozen=True, kw_only=True)
class Row:
    """The result of a trial."""

    kills: int
    lost: int
    twice: int
    again: int
    seconds: float

    def __str__(self) -> str:
        figures = (self.lost, self.twice, self.again)
        per_kill = "".join(f"{figure:8} {figure / max(1, self.kills):9.2f}" for figure in figures)
        return f"{self.kills:6}{per_kill} {self.seconds:6.0f}"


_TITLES = "   kills    lost  per kill   twice  per kill   again  per kill      s"


def served(scene: Scene) -> int:
    """Return the number of requested followers pages."""
    return int(scene.report()["requests"].get("followers", 0))


def attack(contender: Contender, scene: Scene, moments: list[int], dice: random.Random) -> int:
    """Kill workers until the crawl has finished; return how many were killed while busy."""
    give_up_at = time.monotonic() + _MOST_S
    kills = 0
    while not contender.has_finished():
        place = dice.randrange(WORKERS)
        if kills < len(moments) and served(scene) >= moments[kills] and contender.workers.is_at_work(place):
            time.sleep(dice.uniform(0.0, 2 * TAKES_S))
            contender.workers.kill(place)
            kills += 1
        contender.workers.check()
        time.sleep(0.01)
        if time.monotonic() > give_up_at:
            raise TimeoutError(f"the crawl does not end within {_MOST_S} s, after {kills} kills")
    return kills


def judge(contender: Contender, world: World, lists: list[int]) -> tuple[int, int]:
    """Return the numbers of lists with a missing and with a duplicate follower."""
    found: dict[int, Counter[int]] = {user: Counter() for user in lists}
    for user, ids in contender.delivered():
        found[user].update(ids)
    lost = sum(not found[user].keys() >= set(world.all_followers(user)) for user in lists)
    return lost, sum(max(ids.values(), default=0) > 1 for ids in found.values())


def trial(kind: str, lists: int, kills: int, seed: int, packages: str) -> Row:
    """Let a contender crawl all lists under attack, and compare the result with the truth."""
    dice = random.Random(seed)
    users = dice.sample(range(10**18, 10**18 + 10**15), lists)
    crowd = range(2 * 10**18, 2 * 10**18 + 10**6)
    edges = [(user, follower) for user in users for follower in dice.sample(crowd, FOLLOWERS)]
    world = ChangingWorld(GraphWorld(edges, seed=seed))
    moments = sorted(dice.sample(range(lists // 20, lists * 4 // 5), kills))
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="tw") as name, closing(Spawner()) as spawner:
        scene = Scene(Path(name), spawner, world, faults=f"slow=1@{TAKES_S}s")
        try:
            contender = ScrapyRedis(scene, users, packages) if kind == PEER[0] else Ours(scene, users)
            try:
                killed = attack(contender, scene, moments, dice)
            finally:
                contender.workers.end()
            lost, twice = judge(contender, world, users)
            again = scene.report()["repeated_pages"]
        finally:
            scene.close()
    return Row(kills=killed, lost=lost, twice=twice, again=again, seconds=time.monotonic() - began)


def main() -> None:
    parser = argparse.ArgumentParser(description="Lists lost when workers are killed: scrapy-redis and ours.")
    parser.add_argument("--lists", type=int, default=1_200)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tw") as packages:
        install = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        if subprocess.run([*install, "--target", packages, *PEER]).returncode:
            raise SystemExit(f"This benchmark needs {PEER[0]} from PyPI, which could not be installed.")
        print(
            f"{arguments.lists} lists of one page, which takes {TAKES_S} s; {WORKERS} processes "
            f"with {IN_FLIGHT} in flight; seed {arguments.seed}"
        )
        print(f"{'':20}{_TITLES}")
        rows = {}
        for kind in (PEER[0], "ours"):
            rows[kind] = trial(kind, arguments.lists, arguments.kills, arguments.seed, packages)
            print(f"{kind:20}{rows[kind]}", flush=True)
    verdict("ours: lists lost and twice", rows["ours"].lost + rows["ours"].twice, 0, most=True)


if __name__ == "__main__":
    main()
