"""Memory growth of a worker over one list of 5 million followers.

The worker is a separate process that includes a master, as `crawl` does, with everything enabled; another
process generates its pages (1,000 users, 550 KB, compressed) on request. The figures are VmRSS at the start,
and VmHWM, the peak, once the list is on disk. Linux only.

    python benchmarks/memory.py [--followers 5000000] [--directory DIR]
"""

from __future__ import annotations

import argparse
import asyncio
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from aiohttp import web
from isal import igzip

from harness import crawl, free_port, make_pages, run, settings, user_id, verdict
from twittomatic.app.crawl import run_together
from twittomatic.model import Phase

OWNER = 10**18
HEADERS = {
    "Content-Type": "application/json; charset=utf-8",
    "Content-Encoding": "gzip",
    "x-rate-limit-limit": "1000000000",
    "x-rate-limit-remaining": "999999999",
    "x-rate-limit-reset": f"{time.time() + 86_400:.0f}",
}


async def serve(port: int, count: int) -> None:
    """Serve the list until killed."""
    followers, _ = await make_pages()

    async def page(request: web.Request) -> web.Response:
        start = int(request.query.get("pagination_token", "p0")[1:])
        ids = [user_id(1 + ordinal) for ordinal in range(start, start + followers.size)]
        after = start + followers.size
        body = followers.body(ids, f"p{after}" if after < count else None)
        return web.Response(body=igzip.compress(body, 0), headers=HEADERS)

    application = web.Application()
    application.router.add_get("/2/users/{user}/followers", page)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    print("ready", flush=True)
    await asyncio.Event().wait()


async def work(url: str, count: int, directory: Path) -> None:
    """Crawl the list, and print the memory at the start and the most of it."""
    async with crawl(settings(directory, x_api_url=url), "F", [OWNER]) as (_, master, worker):
        start = memory("VmRSS")
        progress = await run_together(master, worker)
        assert progress.phase is Phase.FINISHED
        assert progress.counters["records:follower"] == count
        print(start, memory("VmHWM"))


def memory(field: str) -> int:
    """Return a field of /proc/self/status in bytes."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) * 1024
    raise SystemExit(f"This system does not report {field}.")


def main() -> None:
    parser = argparse.ArgumentParser(description="Memory of a worker over one long followers list.")
    parser.add_argument("--followers", type=int, default=5_000_000)
    parser.add_argument(
        "--directory", type=Path, default=None, help="where; default: the system's for temporary files"
    )
    parser.add_argument("--serve", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--work", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    count = arguments.followers
    if arguments.serve:
        run(serve(arguments.serve, count))
    elif arguments.work:
        run(work(arguments.work, count, arguments.directory))
    else:
        again = [sys.executable, __file__, "--followers", str(count)]
        port = free_port()
        with (
            tempfile.TemporaryDirectory(prefix="tw", dir=arguments.directory) as name,
            subprocess.Popen([*again, "--serve", str(port)], stdout=subprocess.PIPE) as server,
        ):
            try:
                assert server.stdout and server.stdout.readline(), "the server of pages ended"
                url = f"http://127.0.0.1:{port}"
                done = subprocess.run(
                    [*again, "--work", url, "--directory", name],
                    stdout=subprocess.PIPE,
                    text=True,
                    check=True,
                )
            finally:
                server.kill()
        start, most = (int(text) / 1e6 for text in done.stdout.split())
        print(f"{count:,} followers: {start:.0f} MB at the start, {most:.0f} MB at the most")
        verdict("growth of a worker", most - start, 100, most=True, unit=" MB")


if __name__ == "__main__":
    main()
