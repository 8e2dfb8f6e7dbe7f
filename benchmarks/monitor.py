"""Load of the monitor on the state server, compared with that of the crawl; one open page and ten.

A worker crawls an emulator at full speed, and the server reports its CPU time. Then the crawl is frozen, so
that the server works for the monitor alone: with one page open, with ten, and with one while the state has
200 workers, 50 credentials and a frontier of a million users. No browser is used: the load on the server
depends on which pages are open, not on who renders them.

    python benchmarks/monitor.py [--seconds 10]
"""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import signal
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
from redis.asyncio import Redis

from harness import verdict
from processes import Processes
from twittomatic.clock import rfc3339, utc
from twittomatic.state.embedded import process as valkey
from twittomatic.state.embedded.launch import launch
from twittomatic.state.keys import CrawlKeys, NetworkKeys

_KEYS = CrawlKeys("default", "FA")
_WORKERS, _JOBS, _CREDENTIALS, _FRONTIER = 200, 24, 50, 1_000_000


async def computed(redis: Redis, seconds: float) -> tuple[float, float]:
    """Return the server's average CPU time per second in microseconds, and its commands per second."""
    await redis.config_resetstat()
    began_at = time.monotonic()
    await asyncio.sleep(seconds)
    stats: dict[str, Any] = await redis.info("commandstats")
    took_s = time.monotonic() - began_at
    ours = ("cmdstat_config|resetstat", "cmdstat_info")
    others = [one for name, one in stats.items() if name not in ours]
    return sum(one["usec"] for one in others) / took_s, sum(one["calls"] for one in others) / took_s


@asynccontextmanager
async def pages(url: str, count: int) -> AsyncIterator[list[int]]:
    """Open pages for a block; yield the number of bytes of each update."""
    sizes: list[int] = []

    async def read(socket: aiohttp.ClientWebSocketResponse) -> None:
        async for message in socket:
            sizes.append(len(message.data))

    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(aiohttp.ClientSession())
        sockets = [await session.ws_connect(f"{url}api/live", max_msg_size=0) for _ in range(count)]
        reading = [asyncio.create_task(read(socket)) for socket in sockets]
        await asyncio.sleep(2)
        yield sizes
        for task in reading:
            task.cancel()
        await asyncio.gather(*reading, return_exceptions=True)


async def enlarge(redis: Redis, account: str) -> None:
    """Fill the state with that of a large crawl."""
    credentials = [f"app-{number:08x}" for number in range(_CREDENTIALS)]
    resets_at = int(time.time() * 1000) + 900_000
    for name in credentials:
        for endpoint in ("followers", "timeline", "users"):
            await redis.hset(
                f"{NetworkKeys(account).windows}{name}:{endpoint}",
                mapping={"limit": 300, "used": 30, "reset": resets_at},
            )
    jobs = [
        {
            "module": "follower",
            "user_id": str(10**18 + job),
            "depth": 1,
            "records": 99,
            "pages": 9,
            "for_s": 1,
        }
        for job in range(_JOBS)
    ]
    for number in range(_WORKERS):
        worker = {
            "slots": 8,
            "seen_at": rfc3339(utc(time.time())),
            "lease_s": 3600,
            "jobs": jobs,
            "credentials": credentials,
        }
        await redis.hset(_KEYS.workers, f"w{number}@host.1-abcdef", msgspec.json.encode(worker).decode())
    for start in range(0, _FRONTIER, 10_000):
        await redis.rpush(f"{_KEYS.frontier}list:9", *range(10**17 + start, 10**17 + start + 10_000))
    await redis.zadd(f"{_KEYS.frontier}depths", {"9": 9})


async def measure(scene: Processes, redis: Redis, seconds: float) -> None:
    """Run all measurements and print the figures."""
    said = scene.start(
        "emulator", "--port", "0", "--users", "100000", "--time-scale", "36000", until="A user to"
    )
    address = next(word for word in said.split() if word.startswith("http")).rstrip("/")
    name = re.findall(r"@(\w+)", said)[0]
    scene.set(x_api_url=address, x_bearer_tokens="benchmark", monitor_port="0")
    flags = ("-F", "-A", "--max-depth", "unlimited", "--max-followers", "50", "--traversal", "bfs")
    (scene.directory / "seeds").write_text(f"@{name}\n")
    scene.start("master", *flags, "--stream", "seeds", until="leads")
    scene.start("worker", "one", until="works for")
    crawl = scene.all[-2:]
    await asyncio.sleep(3)
    of_crawl, _ = await computed(redis, seconds)
    for process in crawl:
        process.send_signal(signal.SIGSTOP)
    await asyncio.sleep(3)
    said = scene.start("monitor", until="Running on")
    url = re.findall(r"http://\S+", said)[0]
    figures, calls = {}, {}
    for what, count, is_large in (
        ("closed", 0, False),
        ("one", 1, False),
        ("ten", 10, False),
        ("large", 1, True),
    ):
        if is_large:
            await enlarge(redis, "x@" + address.partition("://")[2])
        async with pages(url, count) as sizes:
            figures[what], calls[what] = await computed(redis, seconds)
        size = max(sizes, default=0)
        print(f"{what:7} {figures[what]:7.0f} us/s, {calls[what]:5.0f} commands/s, {size:7,} bytes a look")
    print(f"crawl   {of_crawl:7.0f} us/s by one worker process")
    verdict(
        "the monitor beside the crawl, one page open",
        100 * figures["one"] / of_crawl,
        1,
        most=True,
        unit=" %",
    )
    verdict("commands for ten pages beside those for one", calls["ten"] / calls["one"], 1.1, most=True)
    share = 100 * figures["large"] / of_crawl
    verdict("200 workers, 50 credentials, 1e6 users, beside ONE worker", share, 1, most=True, unit=" %")


async def main(seconds: float) -> None:
    """Start a server and measure."""
    with tempfile.TemporaryDirectory(prefix="tw") as name:
        directory = Path(name)
        await launch(directory)
        server = await valkey.wait_until_ready(directory)
        scene = Processes(directory)
        scene.set(redis_url=server)
        try:
            async with Redis.from_url(server, decode_responses=True) as redis:
                await measure(scene, redis, seconds)
        finally:
            scene.end()
            os.kill(int((directory / "valkey.pid").read_text()), signal.SIGKILL)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=10.0)
    asyncio.run(main(parser.parse_args().seconds))
