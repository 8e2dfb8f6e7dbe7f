"""Empty jobs per second through one worker process, compared with dramatiq.

Ours: a master and a worker as `crawl` runs them, with its state server; each job is fed from the frontier to
its stream, leased, run as a no-op, and completed with its counter. dramatiq: a no-op actor, its Redis broker
on a server with the same settings, and one process with its default of eight threads; its messages are queued
before the clock starts, as our targets are in the frontier. Rounds alternate; figures are medians.

dramatiq is installed from PyPI into a temporary directory for this run only.

    python benchmarks/dispatch.py [--jobs 20000] [--rounds 5] [--directory DIR]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from harness import alternate, crawl, run, settings, verdict
from twittomatic.app.crawl import run_together
from twittomatic.crawler.worker import Worker
from twittomatic.model import Job, Module, Phase
from twittomatic.modules.context import Context
from twittomatic.state.embedded.server import Role, embedded

PEER = "dramatiq[redis]==2.2.1"

# Run by a separate interpreter, so that its threads do not compete with ours for the GIL.
_DRAMATIQ = """
import json, sys, time
import dramatiq
from dramatiq.brokers.redis import RedisBroker

url, jobs = sys.argv[1], int(sys.argv[2])
broker = RedisBroker(url=url)
dramatiq.set_broker(broker)

@dramatiq.actor
def nothing():
    pass

for _ in range(jobs):
    nothing.send()
worker = dramatiq.Worker(broker)  # eight threads
began = time.perf_counter()
worker.start()
broker.join(nothing.queue_name)
worker.join()
print(json.dumps(time.perf_counter() - began))
worker.stop()
"""


async def nothing(context: Context, job: Job) -> None:
    """Complete a job without doing anything."""
    await context.jobs.complete(job)


async def with_worker(jobs: int, directory: Path) -> float:
    """Return the seconds for all jobs."""
    ours = settings(directory)
    async with crawl(ours, "F", range(1, jobs + 1)) as (parts, master, made):
        worker = Worker(
            made._context,
            parts.pause_policy(leads=True),
            credentials=[],
            modules=parts.options.all_modules,
            slots=ours.concurrency,
            lease_s=ours.lease_s,
            max_attempts=ours.max_attempts,
            stops_without_master=True,
            run={Module.FOLLOWER: nothing},
        )
        began = time.perf_counter()
        progress = await run_together(master, worker)
        took = time.perf_counter() - began
        assert progress.phase is Phase.FINISHED
        assert progress.counters["completed:follower"] == jobs
        return took


async def with_dramatiq(jobs: int, packages: str, directory: Path) -> float:
    """Return the seconds for all messages."""
    async with embedded(directory / "state", Role.OWN) as url:
        peer = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-c", _DRAMATIQ, url, str(jobs)),
            env={**os.environ, "PYTHONPATH": packages},
            stdout=asyncio.subprocess.PIPE,
        )
        said, _ = await peer.communicate()
    return float(json.loads(said))


def main() -> None:
    parser = argparse.ArgumentParser(description="Jobs per second through one worker and through dramatiq.")
    parser.add_argument("--jobs", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--directory", type=Path, default=None, help="where; default: the system's for temporary files"
    )
    arguments = parser.parse_args()

    with tempfile.TemporaryDirectory(prefix="tw") as packages:
        install = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        if subprocess.run([*install, "--target", packages, PEER]).returncode:
            raise SystemExit(f"This benchmark needs {PEER} from PyPI, which could not be installed.")

        def ours() -> float:
            with tempfile.TemporaryDirectory(prefix="tw", dir=arguments.directory) as name:
                return arguments.jobs / run(with_worker(arguments.jobs, Path(name)))

        def dramatiq() -> float:
            jobs = arguments.jobs // 4
            with tempfile.TemporaryDirectory(prefix="tw", dir=arguments.directory) as name:
                return jobs / run(with_dramatiq(jobs, packages, Path(name)))

        speed = alternate({"ours": ours, "dramatiq": dramatiq}, arguments.rounds)
    for name, jobs in speed.items():
        print(f"  {name:40} {jobs:8,.0f} jobs/s")
    verdict("ours / dramatiq", speed["ours"] / speed["dramatiq"], 5, unit=" x")


if __name__ == "__main__":
    main()
