"""Read lists with attempts that die, are cancelled or freeze at random: thousands of cheap, seeded cases.

A case is one user and a series of attempts, in this process, with the real state server and the emulator's
faults. Pages hold ten records and the ceiling is sixty, so a short list has every feature of a long one.
`chaos` covers what a real SIGKILL leaves behind.

    python tests/faults/attempts.py [--first 1] [--cases 1000]
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from unittest import mock

import oracle
from oracle import Oracle

from twittomatic import faultpoint
from twittomatic.app import runtime
from twittomatic.clock import SystemClock
from twittomatic.crawler.options import CrawlOptions
from twittomatic.emulator import ChangingWorld, Emulator, GraphWorld, parse_faults, serve
from twittomatic.emulator.x import timelines
from twittomatic.errors import CorruptFile, LeaseLost, NetworkError
from twittomatic.fetch.fetcher import Fetcher
from twittomatic.fetch.transport import Transport
from twittomatic.model import Ending, Module, modules_of
from twittomatic.modules import RUN
from twittomatic.modules.context import Context
from twittomatic.settings import load
from twittomatic.state.admin import JobAdmin, Reaper
from twittomatic.state.client import client
from twittomatic.state.connection import Connection
from twittomatic.state.embedded.server import Role, embedded
from twittomatic.state.jobs import Jobs
from twittomatic.state.leadership import Leadership
from twittomatic.storage.completeness import CompleteLists
from twittomatic.storage.journal import Entry, Journal, read_journal
from twittomatic.storage.verify import verify

STAR = 7
PAGE, CEILING = 10, 60
_TIME_SCALE = 36_000.0
_MOST_DEATHS = 12
_POSTS = (0, 1, 5, 9, 10, 11, 24, 45, 59, 60, 61, 75)
_FOLLOWERS = (0, 1, 9, 10, 11, 24, 45, 80)
_attempt: ContextVar[Attempt | None] = ContextVar("attempt", default=None)


class Died(BaseException):
    """Ends an attempt that dies; a BaseException, so that no handler of errors catches it."""


class HastyClock(SystemClock):
    """The machine's clock, without any wait between retries."""

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0)


@dataclass
class Attempt:
    """The random fate of an attempt.

    Attributes:
        points: Number of fault points that it passes first.
        how: `dies`, `is cut off` (cancelled while its thread writes on), `freezes`, or empty if it survives.
    """

    points: int
    how: str
    task: asyncio.Task[None] | None = None


class Case:
    """One seed: a world, its faults, and the fates of the attempts.

    Attributes:
        trail: Log of the case, printed when it fails.
        endings: Endings of the lists in the journal.
    """

    def __init__(self, seed: int, connection: Connection, redis_url: str, directory: Path) -> None:
        self.dice = random.Random(f"attempts {seed}")
        self.trail: list[str] = []
        self.endings: list[Ending] = []
        self._seed = seed
        self._connection = connection
        self._redis_url = redis_url
        self._directory = directory
        self._loop = asyncio.get_running_loop()
        self._frozen: list[tuple[int, threading.Event]] = []
        self._asleep: list[asyncio.Task[None]] = []
        self._deaths = 0
        self._names = iter(range(10_000))
        people = range(10**9, 10**9 + 120)
        edges = [(STAR, one) for one in people[: self.dice.choice(_FOLLOWERS)]] + [
            (one, people[0]) for one in people
        ]
        posts = {STAR: self.dice.choice(_POSTS)}
        self.world = ChangingWorld(GraphWorld([*edges, (STAR, 8)], seed=seed, post_counts=posts))

    async def run(self) -> list[str]:
        """Run the case; return the problems found at its end."""
        modules = self.dice.choice(["T", "T", "F", "TU", "TUU"])
        spec = self._faults()
        self.trail.append(f"{modules} {spec}")
        faults = parse_faults(spec, seed=self._seed, world=self.world)
        served = await serve(Emulator(self.world, time_scale=_TIME_SCALE, faults=faults))
        try:
            async with self._contexts(served.url) as make:
                problems: list[str] = []
                for letter in modules:
                    if letter == "U":
                        self.world.publish(STAR, self.dice.choice([1, 9, 10, 25, 45]))
                    since = self.world.revision
                    await self._list(letter, make)
                    problems += self._wrong(letter, since)
                return problems
        finally:
            for _, event in self._frozen:  # or the process would wait for its threads in vain
                event.set()
            await served.close()

    def _faults(self) -> str:
        rates = {
            kind: self.dice.choice([0, 0, most / 3, most])
            for kind, most in {
                "5xx": 0.05,
                "reset": 0.03,
                "reset-billed": 0.03,
                "cut": 0.03,
                "html": 0.03,
                "junk": 0.03,
                "odd": 0.2,
                "short": 0.2,
                "empty": 0.06,
                "again": 0.06,
                "repeat": 0.03,
                "stale": 0.06,
                "arrive": 0.08,
                "leave": 0.08,
                "post": 0.12,
                "protect": 0.006,
                "suspend": 0.006,
            }.items()
        }
        return ",".join(f"{kind}={rate:g}" for kind, rate in rates.items() if rate) or "none"

    @asynccontextmanager
    async def _contexts(self, url: str) -> AsyncIterator[Any]:
        settings = load(
            {
                "crawl": f"c{self._seed}",
                "output_directory": str(self._directory / "data"),
                "redis_url": self._redis_url,
                "x_bearer_tokens": "token",
                "x_api_url": url,
            },
            {},
            _nothing(self._directory),
        )
        options, credentials = CrawlOptions.of("TFU", settings), runtime.credentials(settings)
        async with (
            runtime.Runtime.of(settings, options, self._connection, credentials, "master") as parts,
            Transport(timeout_s=20) as transport,
        ):
            self.parts = parts
            parts.layout.prepare()
            parts.network.posts_per_page = parts.network.followers_per_page = PAGE  # type: ignore[misc]
            parts.network.timeline_ceiling = CEILING  # type: ignore[misc]
            self._reaper = Reaper(self._connection, parts.keys, lease_s=0)
            # Nothing renews it here, and a case may take minutes on a busy machine.
            self._leadership = Leadership(self._connection, parts.keys, "master", ttl_s=3600)
            await self._leadership.lead()
            halt = asyncio.Event()
            fetcher = Fetcher(
                network=parts.network,
                transport=transport,
                credentials=credentials,
                account=parts.account,
                crawl=settings.crawl,
                clock=HastyClock(),
                halt=halt,
                lease_s=30,
            )

            def make() -> Context:
                name = f"w{next(self._names)}"
                journal = Journal(parts.layout.journal(name))
                return replace(
                    parts.context(journal, lambda *_: None),
                    worker=name,
                    fetcher=fetcher,
                    jobs=Jobs(self._connection, parts.keys, name),
                    complete_lists=CompleteLists(parts.layout),
                    halt=halt,
                    max_posts=None,
                    modules=(),
                )

            yield make

    async def _list(self, letter: str, make: Any) -> None:
        """Run attempts at a list until its job is done; frozen ones wake up in between."""
        module, keys = modules_of(letter)[0], self.parts.keys
        await JobAdmin(self._connection, keys).queue(module, str(STAR), 0)
        journals = []
        while await self._is_there(module):
            context = make()
            journals.append(context.journal)
            await context.jobs.open([module])
            [job] = await context.jobs.lease(module, 1)
            attempt = self._drawn()
            task = asyncio.create_task(self._attempted(RUN[module], context, job, attempt))
            attempt.task = task
            if await self._ended(task):
                task.result()
            else:
                self._asleep.append(task)
            await self._reaper.reap(self._leadership, [module], "2026-01-01T00:00:00Z")
            await self._connection.call("HDEL", f"{keys.job}{module}:{STAR}", "crashes", "attempts")
        for _, event in self._frozen:
            event.set()
        await asyncio.gather(*self._asleep)
        self._frozen, self._asleep = [], []
        for journal in journals:
            journal.close()

    async def _is_there(self, module: Module) -> bool:
        return bool(await self._connection.call("EXISTS", f"{self.parts.keys.job}{module}:{STAR}")) or any(
            [
                await self._connection.call("XLEN", self.parts.keys.jobs(queue))
                for queue in (str(module), f"{module}:again")
            ]
        )

    def _drawn(self) -> Attempt:
        if self._deaths >= _MOST_DEATHS or self.dice.random() < 0.2:
            return Attempt(points=0, how="")
        self._deaths += 1
        return Attempt(
            points=int(self.dice.expovariate(1 / 9)),
            how=self.dice.choice(["dies", "dies", "is cut off", "freezes"]),
        )

    async def _ended(self, task: asyncio.Task[None]) -> bool:
        """Wait until an attempt ends or freezes; return False if it froze."""
        before = len(self._frozen)
        while not task.done():
            if len(self._frozen) > before:
                return False
            await asyncio.wait([task], timeout=0.002)
        return True

    async def _attempted(self, run: Any, context: Context, job: Any, attempt: Attempt) -> None:
        _attempt.set(attempt)
        self.trail.append(f"{context.worker}: {attempt.how or 'lives'} after {attempt.points}, {_said(job)}")
        try:
            await run(context, job)
        except (Died, asyncio.CancelledError):
            self.trail.append(f"{context.worker} is no more")
        except LeaseLost as error:
            self.trail.append(f"{context.worker}: {error}")
        except CorruptFile as error:  # a worker that froze may miss its part files, and may not bury the job
            self.trail.append(f"{context.worker}: {error}")
            if await context.jobs.release(job, "dead"):
                raise
        except NetworkError as error:
            self.trail.append(f"{context.worker}: {error}")
            await context.jobs.release(job, "ready")
        else:
            self.trail.append(f"{context.worker} is done")

    def reach(self, name: str) -> None:
        """Apply the fate of the attempt that reaches a fault point; may be called in any thread."""
        attempt = _attempt.get()
        for place, (left, event) in enumerate(self._frozen):
            self._frozen[place] = left - 1, event
            if left == 1:
                event.set()
        if attempt is None or not attempt.how:
            return
        attempt.points -= 1
        in_thread = threading.current_thread() is not threading.main_thread()
        if attempt.points >= 0 or (attempt.how == "freezes" and not in_thread):
            return
        how, attempt.how = attempt.how, ""
        self.trail.append(f"{how} at {name}")
        if how == "dies":
            raise Died
        if how == "is cut off":
            assert attempt.task
            self._loop.call_soon_threadsafe(attempt.task.cancel)
            return
        event = threading.Event()
        self._frozen.append((self.dice.randrange(1, 40), event))
        event.wait()
        self.trail.append(f"wakes up at {name}")

    def _wrong(self, letter: str, since: int) -> list[str]:
        verdict = Oracle(self.world, self._directory / "data", since=since).look([STAR], letter, swept=False)
        ending = self._ending("fws" if letter == "F" else "twt")
        if ending:
            self.endings.append(ending)
        problems = [*verdict.problems, *map(str, verify(self.parts.layout))]
        if verdict.twice:
            problems.append(f"{verdict.twice} twice")
        if ending is Ending.STALLED:  # which is what the network did, and the journal says so
            problems = [problem for problem in problems if " lost " not in problem]
        return problems

    def _ending(self, ext: str) -> Ending | None:
        entries: list[Entry] = [e for e in read_journal(self.parts.layout) if (e.file or "").endswith(ext)]
        return max(entries, key=lambda entry: entry.ended_at).ending if entries else None


def _said(job: Any) -> str:
    checkpoint = job.checkpoint
    return (
        f"{checkpoint.files} {checkpoint.ended or ''} first {checkpoint.first_id} since {checkpoint.since_id}"
    )


def _nothing(directory: Path) -> Path:
    path = directory / "nothing.toml"
    path.touch()
    return path


@contextmanager
def small() -> Iterator[None]:
    """Lower the ceiling to what a list of six pages reaches."""
    with mock.patch.object(timelines, "CEILING", CEILING), mock.patch.object(oracle, "CEILING", CEILING):
        yield


async def run(seeds: range, *, seconds: float = float("inf")) -> Mapping[str, int]:
    """Run cases until the time is up, and stop at the first failure.

    Returns:
        The number of cases, and of lists by ending.

    Raises:
        AssertionError: a record was lost or duplicated, or a file is not what the journal says.
    """
    counts: dict[str, int] = {"cases": 0}
    until = time.monotonic() + seconds
    with tempfile.TemporaryDirectory(prefix="tw") as name, small():
        async with embedded(Path(name) / "state", Role.OWN) as url:
            connection = Connection(client(url, "attempts"))
            try:
                for seed in seeds:
                    if time.monotonic() > until:
                        break
                    with tempfile.TemporaryDirectory(prefix="tw", dir=name) as place:
                        case = Case(seed, connection, url, Path(place))
                        faultpoint.arm(case.reach)
                        try:
                            problems = await case.run()
                        except BaseException:
                            print(f"seed {seed}", *case.trail, sep="\n  ", file=sys.stderr)
                            raise
                        finally:
                            faultpoint.arm(None)
                        assert not problems, "\n  ".join([f"seed {seed}", *problems, *case.trail])
                    counts["cases"] += 1
                    for ending in case.endings:
                        counts[ending] = counts.get(ending, 0) + 1
            finally:
                await connection.close()
    return counts


def main() -> None:
    parser = argparse.ArgumentParser(description="Lists read by attempts that die.")
    parser.add_argument("--first", type=int, default=1, help="seed of the first one")
    parser.add_argument("--cases", type=int, default=1000)
    arguments = parser.parse_args()
    began = time.monotonic()
    counts = asyncio.run(run(range(arguments.first, arguments.first + arguments.cases)))
    print(dict(counts), f"{time.monotonic() - began:.1f} s")


if __name__ == "__main__":
    main()
