"""Kill a worker, or freeze it for longer than its lease, at every durable boundary of every module.

In one crawl one worker after the other falls, each at another point, and the next one continues its work.
Frozen workers wake up when everything is done, and must not be able to change anything.
"""

import re
import signal
import tempfile
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import pytest
from oracle import Oracle
from redis import Redis
from scene import Scene
from spawner import Running, Spawner

import twittomatic
from twittomatic.emulator import ChangingWorld, GraphWorld
from twittomatic.model import Checkpoint
from twittomatic.state.keys import CrawlKeys

# Points of pages and of endings alternate: a page in between resets the crash count of a job.
OF_LISTS = [
    "permit.granted",
    "commit.renamed",
    "page.fetched",
    "commit.directory_synced",
    "part.written",
    "journal.written",
    "part.synced",
    "journal.synced",
    "page.committed",
    "part.taken_over",
    "job.closed",
    "job.completed",
]
OF_ANALYZER = [
    "permit.granted",
    "commit.renamed",
    "part.written",
    "commit.directory_synced",
    "part.synced",
    "journal.written",
    "targets.discovered",
    "journal.synced",
    "part.taken_over",
    "job.closed",
    "job.completed",
]
ELSEWHERE = {
    "purchases.placed": "tests/unit/storage/test_storage_purchases.py",
    "purchases.proved": "tests/unit/storage/test_storage_purchases.py",
    "token.stored": "tests/integration/fetch/test_fetch_usertokens.py",
    "repair.begun_anew": "tests/acceptance/test_acceptance_disk.py",
    **dict.fromkeys(["order.sorted", "order.committed"], "tests/integration/modules/test_modules_order.py"),
    **dict.fromkeys(
        ["graph_cache.written", "graph_cache.renamed"], "tests/unit/dataset/test_dataset_graph_cache.py"
    ),
    **dict.fromkeys(["sink.handled", "sink.acknowledged"], "tests/acceptance/test_acceptance_lookup.py"),
    **dict.fromkeys(
        ["indexer.sent", "indexer.fed", "indexer.deleted"], "tests/acceptance/test_acceptance_indexer.py"
    ),
    **dict.fromkeys(
        ["rebuild.read", "rebuild.filled", "rebuild.held", "rebuild.switched"],
        "tests/integration/sinks/indexer/test_sinks_indexer_rebuild.py",
    ),
    **dict.fromkeys(
        [
            "rewrite.drafted",
            "quarantine.moved",
            "rewrite.replaced",
            "repair.files_done",
            "repair.dataset_done",
            "repair.requeued",
        ],
        "tests/acceptance/test_acceptance_repair.py",
    ),
}
"""Points that jobs do not reach, and the tests that arm them."""

JOBS = 2  # that a worker has in flight per module when it falls
PEOPLE = range(1, 51)
CROWD = range(10**18, 10**18 + 1_200)


def made_world() -> ChangingWorld:
    """Users with two pages of followers and three of posts each, so a killed worker leaves work undone."""
    edges = [(person, one) for person in PEOPLE for one in CROWD[person : person + 1_100]]
    return ChangingWorld(GraphWorld(edges, seed=1, post_counts=dict.fromkeys(PEOPLE, 210)))


def test_every_point_of_the_code_is_here() -> None:
    source = Path(twittomatic.__file__).parent
    found = {
        name
        for path in source.rglob("*.py")
        for name in re.findall(r"\breach\(\"([a-z_.]+)\"\)", path.read_text(encoding="utf-8"))
    }
    assert found == {*OF_LISTS, *OF_ANALYZER, *ELSEWHERE}
    root = Path(__file__).parents[2]
    for point, test in ELSEWHERE.items():
        assert point in (root / test).read_text(encoding="utf-8")


class Falling:
    """Workers that are killed or stopped one after the other, each at a fault point."""

    def __init__(self, scene: Scene, points: Sequence[str], how: str) -> None:
        self._scene = scene
        self._points = points
        self._how = how
        self._note = scene.directory / "fired"
        self._note.touch()
        self.fallen: list[Running] = []

    @property
    def fired(self) -> list[str]:
        """The points at which a worker was killed or stopped."""
        return [line.split()[2] for line in self._note.read_text().splitlines()]

    def run(self, master: Running) -> None:
        for before, point in pairwise(["", *self._points]):
            while point == "part.taken_over" and not self._leaves_parts():
                self._fall(before, master)
            self._fall(point, master)
        assert list(dict.fromkeys(self.fired)) == self._points

    def _fall(self, point: str, master: Running) -> None:
        """Let one worker fall at a point."""
        armed = {"point": point, "nth": 1, "how": self._how, "note": str(self._note)}
        count, name = len(self.fired), f"falls-{len(self.fallen)}"
        worker = self._scene.start(name, "worker", name, armed=armed)
        self.fallen.append(worker)
        self._scene.until(
            lambda: len(self.fired) > count or master.returncode is not None, f"nobody comes to {point}"
        )
        assert self.fired[count:] == [point]
        if self._how == "kill":
            worker.wait(60)

    def _leaves_parts(self) -> bool:
        """Return whether the fallen left a list half read, whose part file the next worker takes over.

        If each had come to the last page of a list, the next one would find nothing to take over: on a busy
        machine leases expire between two falls, so that workers finish what others left instead of beginning
        lists.
        """
        keys = CrawlKeys(self._scene.environment.get("TWITTOMATIC_CRAWL", "default"))
        with Redis.from_url(self._scene.redis_url, decode_responses=True) as server:
            jobs = list(server.scan_iter(f"{keys.job}*"))
            texts = [server.hget(job, "checkpoint") for job in jobs if server.type(job) == "hash"]
        checkpoints = [msgspec.json.decode(text, type=Checkpoint) for text in texts if isinstance(text, str)]
        return any(one.part and one.ended is None for one in checkpoints)

    def wake(self) -> None:
        for worker in self.fallen:
            worker.send_signal(signal.SIGCONT)
        for worker in self.fallen:
            assert worker.ended(60), worker.said()


@pytest.mark.parametrize("how", ["kill", "stop"])
@pytest.mark.parametrize("module", ["F", "T", "U", "A"])
def test_nothing_is_lost_nor_twice(spawner: Spawner, module: str, how: str) -> None:
    with tempfile.TemporaryDirectory(prefix="tw") as name:
        scene = Scene(Path(name), spawner, made_world())
        try:
            survives(scene, module, how)
        finally:
            scene.close()


def survives(scene: Scene, module: str, how: str) -> None:
    targets, since, flags = set(PEOPLE), 0, ["--max-depth", "0"]
    stream = scene.write("seeds", sorted(targets))
    if module in "UA":  # first there must be something to update or to analyze
        crawled(scene, "-T" if module == "U" else "-F", stream)
        scene.environment["TWITTOMATIC_CRAWL"] = "second"
    if module == "U":
        since = scene.world.revision
        for person in PEOPLE:
            scene.world.publish(person, 210)
    if module == "A":
        for path in (scene.directory / "data").glob("*/*.usr"):
            path.unlink()  # so that profiles must be bought
        flags += ["--select", "followers_count >= 0"]
    before = scene.report()
    master = scene.start("master", "master", f"-{module}", *flags, "--stream", stream)
    falling = Falling(scene, OF_ANALYZER if module == "A" else OF_LISTS, how)
    falling.run(master)
    last = scene.start("last", "worker", "last")
    assert master.wait(100) == 0, scene.said()
    if "works for" not in last.said():  # nothing was left for it to do, and it would wait for another crawl
        last.terminate()
    assert last.wait(60) in (0, 130), last.said()
    report = scene.report()
    falling.wake()
    asked = sum(scene.report()["requests"].values()) - sum(report["requests"].values())
    # A worker can freeze between the check of a lease and the sending: one page per job in flight, no more.
    assert asked <= JOBS * len(falling.fallen), "workers that woke up bought pages"

    oracle = Oracle(scene.world, scene.directory / "data", since=since)
    verdict = oracle.look(targets, {"A": "F"}.get(module, module), swept=how == "kill")
    assert verdict.is_content, verdict
    scene.run("verify")
    status = scene.status()
    assert status["phase"] == "finished"
    assert status["spent_usd"] + status["reserved_usd"] >= report["bill_usd"]
    assert report["violations"] == 0
    assert report["repeated_pages"] - before["repeated_pages"] <= JOBS * len(falling.fallen)
    if module == "A":
        assert status["seen"] == len(targets | oracle.found(targets))


def crawled(scene: Scene, module: str, stream: str) -> None:
    master = scene.start("first", "master", module, "--stream", stream)
    worker: Any = scene.start("before", "worker", "before")
    assert master.wait(100) == 0, scene.said()
    assert worker.wait(60) == 0, worker.said()
