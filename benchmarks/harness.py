"""Shared parts of the benchmarks: pages to crawl, a fast server for them, a crawl, and verdicts.

This module measures nothing itself.
"""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import socket
import statistics
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import uvloop
from isal import igzip

from twittomatic.app.crawl import own_worker
from twittomatic.app.lead import leading
from twittomatic.app.runtime import Runtime
from twittomatic.crawler.master import Master
from twittomatic.crawler.worker import Worker
from twittomatic.emulator import Emulator, ProceduralWorld, serve
from twittomatic.settings import Settings, load

FOLLOWERS_PER_PAGE = 1_000
POSTS_PER_PAGE = 100

# The fields that twarc requests, so that all contenders get the same pages, realistic in structure and size.
_USER_FIELDS = (
    "created_at,description,entities,id,location,name,pinned_tweet_id,profile_image_url,protected,"
    "public_metrics,url,username,verified,verified_type,withheld"
)
_POST_FIELDS = (
    "attachments,author_id,context_annotations,conversation_id,created_at,edit_controls,"
    "edit_history_tweet_ids,entities,geo,id,in_reply_to_user_id,lang,possibly_sensitive,public_metrics,"
    "referenced_tweets,reply_settings,source,text,withheld"
)
_ID = b"\x00"  # placeholder for the id in a template
_START_S = 5.0


def user_id(ordinal: int) -> int:
    """Return one of 2^31 distinct ids: two in five are old and short, the others have 19 digits."""
    if ordinal % 5 < 2:
        return ordinal * 1_103_515_245 % (1 << 31)
    return 10**18 + ordinal * 2_654_435_761_123 % (1 << 59)


class Pages:
    """Pages in X's format, made from one page of the emulator by giving its records other ids.

    Args:
        records: The records of one page as JSON objects, repeated until the page is full.
        size: The number of records per page.
    """

    def __init__(self, records: Sequence[Mapping[str, Any]], size: int) -> None:
        encoded = [
            msgspec.json.encode({**records[place % len(records)], "id": "@"}).replace(
                b'"id":"@"', b'"id":"' + _ID + b'"', 1
            )
            for place in range(size)
        ]
        self._between = b",".join(encoded).split(_ID)
        self.size = size

    def body(self, ids: Sequence[int], next_token: str | None) -> bytes:
        """Return the JSON of a page with these ids."""
        pieces = [b'{"data":[', self._between[0]]
        for number, after in zip(ids, self._between[1:], strict=True):
            pieces += (b"%d" % number, after)
        meta: dict[str, Any] = {"result_count": len(ids)}
        if next_token:
            meta["next_token"] = next_token
        pieces += (b'],"meta":', msgspec.json.encode(meta), b"}")
        return b"".join(pieces)


async def make_pages() -> tuple[Pages, Pages]:
    """Return followers pages of about 550 KB, and timeline pages of about 130 KB."""
    world = ProceduralWorld(100_000, seed=7)
    people = [world.id_at(ordinal) for ordinal in range(2_000)]
    active = [person for person in people if (user := world.user(person)) and user.status == "active"]
    running = await serve(Emulator(world))
    try:
        async with aiohttp.ClientSession(headers={"Authorization": "Bearer benchmark"}) as session:

            async def records(path: str, **params: str) -> list[dict[str, Any]]:
                async with session.get(running.url + path, params=params) as answer:
                    return msgspec.json.decode(await answer.read())["data"]

            star = max(active, key=world.follower_count)
            writer = max(active, key=world.post_count)
            fields = {"user.fields": _USER_FIELDS, "max_results": "1000"}
            followers = await records(f"/2/users/{star}/followers", **fields)
            fields = {"tweet.fields": _POST_FIELDS, "max_results": "100"}
            posts = await records(f"/2/users/{writer}/tweets", **fields)
    finally:
        await running.close()
    return Pages(followers, FOLLOWERS_PER_PAGE), Pages(list(map(_annotated, posts)), POSTS_PER_PAGE)


def _annotated(post: dict[str, Any]) -> dict[str, Any]:
    """Add the annotations that X's classifier adds to half of all posts, which make up most of a page."""
    dice = random.Random(post["id"])
    domains = [
        {
            "domain": {
                "id": str(dice.randrange(3, 180)),
                "name": f"Unified Twitter Taxonomy {dice.randrange(50)}",
                "description": f"A taxonomy of user interests, part {dice.randrange(50)}. ",
            },
            "entity": {"id": str(dice.randrange(10**18, 10**19)), "name": f"Topic {dice.randrange(10_000)}"},
        }
        for _ in range(dice.choice((0, 2, 4, 8)))
    ]
    return {**post, "context_annotations": domains} if domains else post


@contextmanager
def nginx(files: Mapping[str, Sequence[bytes]]) -> Iterator[str]:
    """Serve precompressed lists of pages with nginx, and yield its URL.

    Every user has the same list; page N has the token `pN`. The reported rate limits are huge.

    Args:
        files: The pages of a list, by the last part of its path, such as `followers`.

    Raises:
        SystemExit: nginx is not installed; the message says how to install it.
    """
    program = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if not program:
        raise SystemExit("This benchmark needs nginx to serve its pages: apt-get install nginx")
    with tempfile.TemporaryDirectory(prefix="tw-nginx") as name:
        directory = Path(name)
        for kind, bodies in files.items():
            (directory / kind).mkdir()
            for number, body in enumerate(bodies):
                (directory / kind / f"p{number}").write_bytes(igzip.compress(body, 2))
        (directory / "usage").write_bytes(igzip.compress(b'{"data":{"project_usage":"0"}}'))
        port = free_port()
        configuration = directory / "nginx.conf"
        configuration.write_text(
            _CONFIGURATION.format(
                directory=directory, port=port, user=_nginx_user(), reset=int(time.time()) + _WINDOW_S
            )
        )
        server = subprocess.Popen([program, "-p", name, "-c", configuration, "-e", directory / "error.log"])
        try:
            _wait_for(port)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()
            server.wait()


_WINDOW_S = 86_400  # longer than any run
_CONFIGURATION = """
{user}
worker_processes 1;
daemon off;
pid {directory}/nginx.pid;
error_log {directory}/error.log;
events {{ worker_connections 256; }}
http {{
  access_log off;
  sendfile on;
  tcp_nopush on;
  keepalive_requests 1000000;
  open_file_cache max=10000 inactive=600s;
  open_file_cache_valid 600s;
  client_body_temp_path {directory}/body;
  proxy_temp_path {directory}/proxy;
  fastcgi_temp_path {directory}/fastcgi;
  uwsgi_temp_path {directory}/uwsgi;
  scgi_temp_path {directory}/scgi;
  map $arg_pagination_token $page {{ default $arg_pagination_token; "" p0; }}
  server {{
    listen 127.0.0.1:{port};
    root {directory};
    default_type "application/json; charset=utf-8";
    add_header Content-Encoding gzip;
    add_header x-rate-limit-limit 1000000000;
    add_header x-rate-limit-remaining 999999999;
    add_header x-rate-limit-reset {reset};
    location = /2/usage/tweets {{ try_files /usage =404; }}
    location ~ ^/2/users/[0-9]+/([a-z]+)$ {{ try_files /$1/$page =404; }}
  }}
}}
"""


def _nginx_user() -> str:
    return "user root;" if os.getuid() == 0 else ""


def free_port() -> int:
    """Return an unused loopback port."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + _START_S
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)


def settings(directory: Path, **options: str) -> Settings:
    """Return the default settings, with every path inside a directory."""
    config = directory / "none.toml"
    config.touch()
    places = {
        "output_directory": str(directory / "data"),
        "log_directory": str(directory / "logs"),
        "state_directory": str(directory / "state"),
        "x_bearer_tokens": "benchmark",
        "x_api_url": "http://127.0.0.1:9",
    }
    return load({**places, **options}, {}, config)


@asynccontextmanager
async def crawl(
    settings: Settings, modules: str, seeds: Sequence[int]
) -> AsyncIterator[tuple[Runtime, Master, Worker]]:
    """Open a crawl with its own state server and seed it; yield the runtime, the master and the worker."""
    async with Runtime.open(settings, modules, "benchmark") as parts, leading(parts) as leadership:
        options = parts.options
        await parts.crawl.begin(options.modules, options.written(), "2026-01-01T00:00:00Z")
        master = parts.master(leadership)
        await master.seed(list(map(str, seeds)))
        async with own_worker(parts, "benchmark") as worker:
            yield parts, master, worker


def run(main: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine on the event loop that the command uses."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(main)


def alternate(contenders: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, float]:
    """Run contenders in turn, so that other load affects all alike; return each one's median."""
    figures: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, contender in contenders.items():
            figures[name].append(contender())
    return {name: statistics.median(values) for name, values in figures.items()}


def verdict(what: str, figure: float, goal: float, *, most: bool = False, unit: str = "") -> None:
    """Print a figure and its goal: the minimum that is acceptable, or with `most` the maximum."""
    met = figure <= goal if most else figure >= goal
    sign = "<=" if most else ">="
    print(f"{what:58} {figure:12,.2f}{unit:10} goal {sign} {goal:,g}  {'goal met' if met else 'goal missed'}")
