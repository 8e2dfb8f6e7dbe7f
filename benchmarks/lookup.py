"""Lookups per second of one process, and its memory growth with the number of known users.

A million profiles in X's format, made by the emulator, are added to a store in eight steps, in random order,
as a crawl finds them. For each step the process's private memory is printed: RssAnon, which excludes the
mapped file, whose pages the system can reclaim. A transaction holds the pages that it changes, and the more
users there are, the fewer of a thousand random ones share a page: so a doubling adds no more than the
previous one, until none share a page. Then wrk, a separate process, queries `twittomatic lookup` over HTTP
for random ids and names, in turn with a bare aiohttp handler that always returns the same answer. Linux only.

    python benchmarks/lookup.py [--users 1000000] [--seconds 5] [--directory DIR]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
from aiohttp import web

from harness import alternate, run, user_id, verdict
from twittomatic.emulator.madeup.profiles import ProfileCounts, ProfileMaker
from twittomatic.sinks.lookup.store import ProfileStore, Sighting

STEPS = 8
MANY = 50_000_000
SEEN_AT = 1_760_000_000
GOAL = 5_000  # single lookups per second
CONNECTIONS = 32
ROUNDS = 3
COMMAND = [sys.executable, "-c", "from twittomatic.cli import main; main()"]
ASK = """
math.randomseed(%d)
local ids, kind = {%s}, "%s"
request = function()
  return wrk.format("GET", "/lookup/" .. kind .. "/" .. ids[math.random(#ids)])
end
"""
_maker = ProfileMaker(1)


def fill(directory: Path, count: int) -> None:
    """Add users to a store, and print the figures of each step."""
    store, ordinals = ProfileStore(directory), list(range(count))
    random.Random(1).shuffle(ordinals)
    step = count // STEPS
    for start in range(0, count, step):
        began_at = time.perf_counter()
        assert store.add(map(sighting, ordinals[start : start + step])) == step
        took_s = time.perf_counter() - began_at
        size = sum(path.stat().st_blocks * 512 for path in directory.iterdir())
        print(json.dumps([start + step, anonymous(os.getpid()), size, step / took_s]), flush=True)
    store.close()


def sighting(ordinal: int) -> Sighting:
    """Return a synthetic profile."""
    profile = _maker.make(
        user_id(ordinal), ordinal, ProfileCounts(ordinal % 5_000, ordinal % 700, ordinal % 9_000)
    )
    return Sighting(
        user_id(ordinal),
        profile["username"],
        SEEN_AT + ordinal % 10_000_000,
        msgspec.json.encode(profile),
    )


def anonymous(pid: int) -> int:
    """Return the private memory of a process in bytes."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.findall(r"RssAnon:\s+(\d+) kB", status)[0]) * 1024


async def bare(port: int, body: bytes) -> None:
    """Return the same answer to every request until killed."""

    async def answer(request: web.Request) -> web.Response:
        return web.Response(body=body, content_type="application/json")

    application = web.Application()
    application.router.add_get("/lookup/id/{id}", answer)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    print(f" * Running on http://127.0.0.1:{runner.addresses[0][1]}/", flush=True)
    await asyncio.Event().wait()


@contextmanager
def started(command: list[str], directory: Path) -> Iterator[tuple[str, int]]:
    """Run a server for a block; yield its URL and pid."""
    with subprocess.Popen(command, cwd=directory, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout
            found = re.search(r"http://\S+", server.stdout.readline())
            assert found, "the server ended"
            yield found[0], server.pid
        finally:
            server.send_signal(signal.SIGKILL)


class Load:
    """wrk, querying random users by id or name."""

    def __init__(self, directory: Path, kind: str, values: list[str], seconds: int) -> None:
        self._script = directory / f"{kind}.lua"
        quoted = ",".join(f'"{value}"' for value in values)
        self._script.write_text(ASK % (1, quoted, kind))
        self._seconds = seconds

    def rate(self, url: str) -> float:
        """Return the answers per second, after a check that all were successful."""
        command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{self._seconds}", "-s", str(self._script), url]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        assert "Non-2xx" not in said, said
        return float(re.findall(r"Requests/sec:\s+([\d.]+)", said)[0])


def many(url: str, ids: list[str]) -> float:
    """Return the users per second of one request for ten thousand."""
    body = json.dumps({"ids": ids}).encode()
    request = urllib.request.Request(f"{url}lookup", body, {"Content-Type": "application/json"})
    began_at = time.perf_counter()
    with urllib.request.urlopen(request) as answer:
        results = json.load(answer)["results"]
    assert all(one["user"] for one in results)
    return len(ids) / (time.perf_counter() - began_at)


def growth(directory: Path, count: int) -> None:
    """Fill a store in a separate process, and print its memory growth."""
    command = [sys.executable, __file__, "--users", str(count), "--fill", str(directory)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    for users, memory, size, rate in rows:
        figures = f"{memory / 1e6:6.1f} MB its own  {size / users:5.0f} bytes a user  {rate:8,.0f}/s"
        print(f"{users:>10,} users  {figures}")
    before, half, whole = rows[STEPS // 4 - 1][1], rows[STEPS // 2 - 1][1], rows[-1][1]
    print(
        f"the last two doublings: {(half - before) / 1e6:+.1f} MB, {(whole - half) / 1e6:+.1f} MB of its own"
    )
    print(f"on the way from half to all: {(whole - half) / (count / 2):+.2f} bytes for each user")
    print(f"{rows[-1][2] / 1e9:.2f} GB on disk")
    verdict(
        "growth at the last doubling, against the one before",
        (whole - half) / (half - before),
        1.5,
        most=True,
    )
    more = max(0, whole - half) * math.log2(MANY / count)
    verdict(
        "its own memory with 50 million users, so doubling", (whole + more) / 1e6, 250, most=True, unit=" MB"
    )
    verdict("profiles made up and put in", rows[-1][3], 5_000, unit="/s")


def answers(directory: Path, count: int, seconds: int) -> None:
    """Query the command and a bare handler in turn."""
    dice = random.Random(2)
    chosen = [dice.randrange(count) for _ in range(10_000)]
    ids = [str(user_id(ordinal)) for ordinal in chosen]
    by_id = Load(directory, "id", ids, seconds)
    by_name = Load(directory, "name", [_maker.username(ordinal) for ordinal in chosen], seconds)
    lookup = [*COMMAND, "lookup", "--lookup-port", "0", "--lookup-directory", "store"]
    with started(lookup, directory) as (url, pid):
        with urllib.request.urlopen(f"{url}lookup/id/{ids[0]}") as answer:
            body = answer.read()
        (directory / "body").write_bytes(body)
        again = [sys.executable, __file__, "--bare", str(directory / "body")]
        with started(again, directory) as (bare_url, _):
            many(url, list(dict.fromkeys(ids)))  # the pages that are asked for are in memory once
            before = anonymous(pid)
            rates = alternate(
                {
                    "by id": lambda: by_id.rate(url),
                    "by name": lambda: by_name.rate(url),
                    "the same answer always": lambda: by_id.rate(bare_url),
                },
                ROUNDS,
            )
            after = anonymous(pid)
        for name, rate in rates.items():
            print(f"{name}: {rate:,.0f} answers of {len(body):,} bytes a second")
        print(f"its own memory: {before / 1e6:.1f} MB before, {after / 1e6:.1f} MB after")
        print(f"ten thousand in one request: {many(url, list(dict.fromkeys(ids))):,.0f} users a second")
    verdict("single lookups by id", rates["by id"], GOAL, unit="/s")
    verdict("single lookups by name", rates["by name"], GOAL, unit="/s")
    verdict("of what a bare handler answers", rates["by id"] / rates["the same answer always"], 0.2)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--users", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--directory", type=Path)
    parser.add_argument("--fill", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--bare", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.fill:
        fill(arguments.fill, arguments.users)
    elif arguments.bare:
        run(bare(0, arguments.bare.read_bytes()))
    elif not shutil.which("wrk"):
        sys.exit("wrk is not installed; `apt-get install wrk` brings it.")
    else:
        with tempfile.TemporaryDirectory(prefix="tw", dir=arguments.directory) as name:
            growth(Path(name) / "store", arguments.users)
            answers(Path(name), arguments.users, arguments.seconds)


if __name__ == "__main__":
    main()
