"""Attack crawls at random, each from a seed; as a program, run many and print a table.

A trial is a world, a crawl of it, and attacks while it runs: workers killed with SIGKILL or stopped for
longer than their lease, masters killed or stopped, the state server killed, and a network with every
transient fault. Then the oracle judges the result.

    make chaos ARGS="[--first 1] [--trials 200] [--jobs 2]"
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import msgspec
from crew import Crew
from oracle import Oracle, Verdict
from scene import LEASE_S, Scene
from spawner import Spawner

from twittomatic.emulator import ChangingWorld, GraphWorld

_SLOW = "slow=0.25@0.15s"
_PASSING = (
    "5xx=0.02,reset=0.01,reset-billed=0.01,timeout=0.002@6s,timeout-billed=0.002@6s,cut=0.01,cut-gzip=0.005,"
    "html=0.01,junk=0.01,odd=0.05,429=0.004,401=0.002,short=0.02,empty=0.01,again=0.01,repeat=0.005,stale=0.004"
)
_WORLD = "protect=0.01,suspend=0.01,delete=0.01,arrive=0.05,leave=0.05,post=0.03"
_LOSES = ("reset-billed", "timeout-billed", "cut", "cut-gzip", "junk")
"""Faults after which a page that was already served is requested again."""
_REPEATS = ("again", "repeat", "stale", "short", "empty")
"""Faults that serve a page, or a part of it, twice, or make the crawler restart a list."""
_JOBS = 4  # that a worker holds of modules that page: two of each of two
_MOST_S = 240.0


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """The parameters of a trial, generated from a seed.

    Attributes:
        modules: Letters of the crawl.
        depth: MAX_DEPTH.
        faults: Faults of the emulator.
        budget: Whether the budget runs out in between.
        update: Whether an update of all timelines follows, also under attack.
        attacks: Weights of worker killed, worker stopped, master killed, master stopped, server killed.
        strikes: Number of attacks.
        pause: Mean time between them, in seconds.
    """

    seed: int
    modules: str
    depth: str
    faults: str
    budget: bool
    update: bool
    attacks: tuple[int, int, int, int, int]
    strikes: int
    pause: float


@dataclass
class Row:
    """The result of a trial.

    Attributes:
        kills: Processes killed with SIGKILL.
        freezes: Processes stopped for longer than a lease.
        failovers: Masters that took over.
        fired: Network faults that occurred.
        again: Pages requested twice, except those that network faults explain.
        over: Dollars in the ledger beyond the cost of the lists.
    """

    seed: int
    kills: int = 0
    freezes: int = 0
    failovers: int = 0
    fired: int = 0
    pauses: int = 0
    followers: int = 0
    posts: int = 0
    lost: int = 0
    extra: int = 0
    twice: int = 0
    again: int = 0
    over: float = 0.0
    seconds: float = 0.0
    problems: list[str] = field(default_factory=list)


def trial(seed: int) -> Trial:
    """Return the trial generated from a seed."""
    dice = random.Random(seed)
    faults = dice.choice([_SLOW, _SLOW, f"{_SLOW},{_PASSING}", f"{_SLOW},{_PASSING},{_WORLD}"])
    modules, depth = dice.choice([("TFA", "0"), ("TFA", "0"), ("FA", "unlimited"), ("TF", "0"), ("T", "0")])
    return Trial(
        seed=seed,
        modules=modules,
        depth="0" if _WORLD in faults else depth,
        faults=faults,
        budget=dice.random() < 0.2,
        update="T" in modules and dice.random() < 0.3,
        attacks=dice.choice([(6, 2, 1, 1, 1), (9, 0, 0, 0, 1), (2, 6, 1, 1, 0), (3, 1, 3, 1, 2)]),
        strikes=dice.randrange(8, 17),
        pause=dice.choice([0.3, 0.6, 1.0]),
    )


def world_of(seed: int, *, small: bool = False) -> ChangingWorld:
    """Make a world of some hundred lists: most short, some of several pages, some unreadable.

    Args:
        seed: Seed of the world.
        small: Whether it is small enough to crawl all users.
    """
    dice = random.Random(f"world {seed}")
    people = [dice.randrange(1, 10**6) for _ in range(100)]
    people += [10**18 + dice.randrange(10**17) for _ in range(100)]
    crowd = [2 * 10**18 + dice.randrange(10**17) for _ in range(300 if small else 3_000)]
    edges = []
    for place, person in enumerate(people):
        many = dice.randrange(len(crowd) // 3, len(crowd)) if place < 6 else dice.choice([0, 1, 2, 5, 20, 60])
        edges += [(person, one) for one in dice.sample(crowd, many)]
        edges += [(person, other) for other in dice.sample(people, 4) if other != person]
    statuses = {person: dice.choice(["protected", "suspended", "deleted"]) for person in people[20:32]}
    statuses |= {person: dice.choice(["protected", "suspended", "deleted"]) for person in crowd[:60]}
    known = {one for edge in edges for one in edge}
    posts = {person: dice.choice([0, 1, 4, 30, 99, 100, 101, 250, 420]) for person in people}
    posts[people[7]] = 3_300
    return ChangingWorld(
        GraphWorld(
            edges,
            seed=seed,
            statuses={one: status for one, status in statuses.items() if one in known},  # type: ignore[misc]
            post_counts={person: count for person, count in posts.items() if person in known},
        )
    )


def seeds_of(world: ChangingWorld, depth: str) -> list[int]:
    """Return the seeds of a crawl: all users with a list, or those from which the others are found."""
    people = [one for one in world.sample_ids(10_000) if world.follower_count(one)]
    return people if depth == "0" else people[:3]


def targets_of(world: ChangingWorld, seeds: list[int], depth: str) -> set[int]:
    """Return all users that a crawl reaches."""
    targets, new = set(seeds), list(seeds)
    while depth != "0" and new:
        found = {one for target in new for one in world.all_followers(target)} - targets
        targets |= found
        new = list(found)
    return targets


class Attack:
    """Attacks a crew at random moments."""

    def __init__(self, plan: Trial, scene: Scene, crew: Crew, row: Row) -> None:
        self._plan = plan
        self._scene = scene
        self._crew = crew
        self._row = row
        self._dice = random.Random(f"attack {plan.seed}")
        self._next_at = time.monotonic() + 1.0
        self._left = plan.strikes
        self._to_wake: list[tuple[float, Callable[[], None]]] = []

    def strike(self) -> None:
        """Carry out the attacks that are due."""
        now = time.monotonic()
        for at, wake in [due for due in self._to_wake if due[0] <= now]:
            self._to_wake.remove((at, wake))
            wake()
        if now < self._next_at or self._left == 0:
            return
        self._left -= 1
        self._next_at = now + self._dice.uniform(0.3, 1.7) * self._plan.pause
        place = self._dice.randrange(10)
        match self._dice.choices(range(5), self._plan.attacks)[0]:
            case 0:
                self._row.kills += self._crew.kill_worker(place)
            case 1:
                self._freeze(self._crew.freeze_worker(place))
            case 2:
                self._row.kills += self._crew.kill_master()
            case 3:
                self._freeze(self._crew.freeze_master())
            case _:
                self._scene.kill_server()
                self._row.kills += 1

    def _freeze(self, wake: Callable[[], None] | None) -> None:
        if wake:
            self._row.freezes += 1
            at = time.monotonic() + self._dice.uniform(1.5, 4.0) * LEASE_S
            self._to_wake.append((at, wake))


def run(seed: int, spawner: Spawner) -> Row:
    """Run a trial."""
    plan, row, began = trial(seed), Row(seed), time.monotonic()
    with tempfile.TemporaryDirectory(prefix="tw") as name:
        world = world_of(seed, small=plan.depth != "0")
        scene = Scene(Path(name), spawner, world, faults=plan.faults, seed=seed)
        try:
            _run(plan, scene, row)
        except Exception as error:  # noqa: BLE001 - a trial that breaks is a row of the table
            row.problems.append(f"{type(error).__name__}: {error}"[:2000])
        finally:
            scene.close()
    row.seconds = time.monotonic() - began
    return row


def _run(plan: Trial, scene: Scene, row: Row) -> None:
    world = scene.world
    seeds = seeds_of(world, plan.depth)
    targets = targets_of(world, seeds, plan.depth)
    stream = scene.write("seeds", seeds)
    flags = [*[f"-{letter}" for letter in plan.modules], "--max-depth", plan.depth, "--stream", stream]
    _crawl(plan, scene, [*flags, "--until-spent"], row)
    _judge(plan, scene, targets, plan.modules, row)
    if plan.update and not row.problems:
        for target in sorted(targets)[::3]:
            world.publish(target, 1 + target % 150)
        readable = {target for target in targets if (scene.directory / _twt(target)).exists()}
        stream = scene.write("again", sorted(readable))
        scene.environment["TWITTOMATIC_CRAWL"] = "update"
        since = world.revision
        _crawl(plan, scene, ["-U", "--stream", stream], row)
        _look(scene, Oracle(world, scene.directory / "data", since=since), readable, "U", row)


def _twt(target: int) -> str:
    return f"data/{str(target)[:2]}/{target}.twt"


def _crawl(plan: Trial, scene: Scene, flags: list[str], row: Row) -> None:
    budgets = iter([150.0, 400.0])
    crew = Crew(scene, flags, budget=(lambda: next(budgets, 10_000.0)) if plan.budget else None)
    attack = Attack(plan, scene, crew, row)
    deadline = time.monotonic() + _MOST_S
    while not crew.finished:
        attack.strike()
        crew.tend()
        time.sleep(0.01)
        if time.monotonic() > deadline:
            raise TimeoutError(f"the crawl does not end\n{scene.run('status')}\n{scene.said()}")
    crew.dismiss()
    row.pauses += crew.pauses


def _judge(plan: Trial, scene: Scene, targets: set[int], modules: str, row: Row) -> None:
    """Judge the files, the state and the ledger."""
    oracle = Oracle(scene.world, scene.directory / "data")
    _look(scene, oracle, targets, modules, row)
    status, report = scene.status(), scene.report()
    row.failovers = max(0, _epoch(scene) - 1)
    row.fired = sum(report["faults"].values())
    dead = [job for job in status["jobs"].values() if job["dead"]]
    if status["phase"] != "finished" or dead:
        row.problems.append(f"the crawl is {status['phase']}, dead: {dead}")
    spent, reserved, bill = status["spent_usd"], status["reserved_usd"], report["bill_usd"]
    if spent + reserved < bill:
        row.problems.append(f"ledger {spent} + {reserved} < bill {bill}")
    if plan.budget and spent + reserved > status["budget_usd"]:
        row.problems.append(f"ledger {spent} + {reserved} > budget {status['budget_usd']}")
    if report["violations"]:
        row.problems.append(f"{report['violations']} requests into empty windows")
    served = report["returned"]["follower"] * 0.01 + report["returned"]["post"] * 0.005
    row.over = spent - min(spent, row.followers * 0.01 + row.posts * 0.005)
    if spent + reserved < served - 1e-6:
        row.problems.append(f"ledger {spent} + {reserved} < what was served, {served}")
    explained = sum(report["faults"].get(kind, 0) for kind in _LOSES)
    row.again = max(0, report["repeated_pages"] - explained)
    if not any(report["faults"].get(kind) for kind in _REPEATS) and row.again > _JOBS * (
        row.kills + row.freezes
    ):
        row.problems.append(f"{row.again} pages asked twice in {row.kills} kills")
    if "A" in modules:
        found = oracle.found(targets)
        waiting = scene.frontier()
        if len(waiting) != len(set(waiting)) or set(waiting) != (found | targets) - targets:
            row.problems.append("the frontier is not what was found and not crawled")
        if status["seen"] != len(found | targets):
            row.problems.append(f"{status['seen']} seen, {len(found | targets)} found")


def _look(scene: Scene, oracle: Oracle, targets: set[int], modules: str, row: Row) -> None:
    verdict: Verdict = oracle.look(targets, modules, swept=not row.freezes)
    row.followers += verdict.followers
    row.posts = verdict.posts
    row.lost += verdict.lost
    row.extra += verdict.extra
    row.twice += verdict.twice
    row.problems += verdict.problems
    scene.run("verify")


def _epoch(scene: Scene) -> int:
    from redis import Redis

    with Redis.from_url(scene.redis_url, decode_responses=True) as redis:
        return int(redis.hget("tw:{default}:crawl", "epoch") or 0)  # type: ignore[arg-type]


_COLUMNS = ("kills", "freezes", "failovers", "fired", "pauses", "lost", "extra", "twice", "again", "over")
_TITLES = "   seed  kills freezes failovers  faults pauses   lost  extra  twice  pages again   $ over     s"


def _line(row: dict[str, Any], first: str) -> str:
    return (
        f"{first:>7} {row['kills']:6} {row['freezes']:7} {row['failovers']:9} {row['fired']:7} "
        f"{row['pauses']:6} {row['lost']:6} {row['extra']:6} {row['twice']:6} {row['again']:12} "
        f"{row['over']:8.2f} {row['seconds']:5.0f}"
    )


def _rows(first: int, trials: int, jobs: int) -> Iterator[dict[str, Any]]:
    """Run trials in parallel, each in its own process, and yield their rows as they end."""
    waiting = list(range(first, first + trials))
    running: dict[int, subprocess.Popen[bytes]] = {}
    while waiting or running:
        while waiting and len(running) < jobs:
            seed = waiting.pop(0)
            running[seed] = subprocess.Popen(
                [sys.executable, __file__, "--one", str(seed)], stdout=subprocess.PIPE
            )
        for seed, process in list(running.items()):
            if process.poll() is not None:
                assert process.stdout
                said = process.stdout.read()
                del running[seed]
                yield (
                    msgspec.json.decode(said)
                    if process.returncode == 0
                    else asdict(Row(seed, problems=[f"the trial itself ended with {process.returncode}"]))
                )
        time.sleep(0.05)


def main() -> None:
    parser = argparse.ArgumentParser(description="Crawls that are attacked at random.")
    parser.add_argument("--first", type=int, default=1, help="seed of the first one")
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--jobs", type=int, default=max(2, (os.cpu_count() or 2)), help="at a time")
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one is not None:
        spawner = Spawner()
        row = run(arguments.one, spawner)
        spawner.close()
        sys.stdout.buffer.write(msgspec.json.encode(asdict(row)))
        return
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("Told to end."))
    print(_TITLES)
    total: dict[str, Any] = asdict(Row(0))
    failed = []
    for row_of in _rows(arguments.first, arguments.trials, arguments.jobs):
        print(_line(row_of, str(row_of["seed"])), flush=True)
        for problem in row_of["problems"][:6]:
            print(f"        {problem[:1500]}", flush=True)
        for column in (*_COLUMNS, "seconds"):
            total[column] += row_of[column]
        if row_of["problems"] or row_of["lost"] or row_of["extra"] or row_of["twice"]:
            failed.append(row_of["seed"])
    print(_line(total, "all"))
    if failed:
        sys.exit(f"Seeds that failed: {', '.join(map(str, sorted(failed)))}")


if __name__ == "__main__":
    main()
