"""Pages per second through one worker with everything enabled, compared with twarc and a bare loop.

nginx serves compressed pages in X's format, with the fields that twarc requests: followers (1,000 users,
550 KB) and timelines (100 posts, 130 KB). Ours is a master and a worker as `crawl` runs them: a state
server that syncs every write, ledger, windows, deduplication, fsync, checkpoints, files, journal. twarc pages
through a list and writes JSON lines. The bare loop does the minimum that produces the same files: on the same
event loop, with as many lists in flight, it fetches, decompresses, splits a page into ids and records,
compresses and writes them; it has neither accounting nor windows, keeps duplicates, and loses everything in a
crash. Rounds alternate; figures are medians.

    python benchmarks/pages.py [--rounds 5] [--directory DIR]
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import json
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import requests
from isal import isal_zlib
from requests.adapters import HTTPAdapter
from twarc import Twarc2

from harness import (
    FOLLOWERS_PER_PAGE,
    POSTS_PER_PAGE,
    alternate,
    crawl,
    make_pages,
    nginx,
    run,
    settings,
    user_id,
    verdict,
)
from twittomatic.app import runtime
from twittomatic.app.crawl import run_together
from twittomatic.model import Phase

IN_FLIGHT = 8  # lists; the default of a worker


@dataclass(frozen=True)
class ListKind:
    """One type of list, and how much of it is fetched."""

    path: str
    module: str
    files: tuple[str, ...]
    pages: int  # per list
    lists: int
    lists_of_twarc: int
    goal: float  # our pages for each page of twarc


KINDS = (
    ListKind("followers", "F", ("fws", "usr"), pages=60, lists=16, lists_of_twarc=2, goal=3),
    ListKind(
        "tweets", "T", ("twt",), pages=32, lists=64, lists_of_twarc=8, goal=4
    ),  # 3,200 posts, the ceiling
)


def owners(count: int) -> list[int]:
    """Return the ids of those whose lists are fetched; twarc would look shorter ones up."""
    return [10**18 + number for number in range(count)]


class ToLoopback(HTTPAdapter):
    """Redirects requests for X to our server."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        assert request.url is not None
        request.url = self._url + request.url[request.url.index("/2/") :]
        return super().send(request, *args, **kwargs)


def with_twarc(url: str, kind: ListKind, directory: Path) -> int:
    """Fetch lists one after another, as twarc does; return the number of pages."""
    client = Twarc2(bearer_token="benchmark")
    client.client.trust_env = False
    client.client.mount("https://api.twitter.com", ToLoopback(url))
    client.client.mount("https://api.x.com", ToLoopback(url))
    listed = client.followers if kind.path == "followers" else client.timeline
    pages = 0
    for owner in owners(kind.lists_of_twarc):
        with (directory / f"{owner}.jsonl").open("w") as output:
            for page in listed(owner):
                output.write(json.dumps(page) + "\n")
                pages += 1
    client.client.close()
    return pages


class _Record(msgspec.Struct):
    id: str


class _Meta(msgspec.Struct):
    next_token: str | None = None


class _Body(msgspec.Struct):
    data: list[msgspec.Raw]
    meta: _Meta


_decode = msgspec.json.Decoder(_Body).decode
_decode_record = msgspec.json.Decoder(_Record).decode


async def with_bare_loop(url: str, kind: ListKind, directory: Path, *, compress: bool) -> int:
    """Fetch lists, several concurrently, and write their ids and records; return the number of pages."""
    waiting = iter(owners(kind.lists))
    async with aiohttp.ClientSession(auto_decompress=False, headers={"Accept-Encoding": "gzip"}) as session:

        async def one_after_another() -> int:
            return sum(
                [await _bare_list(session, url, kind, owner, directory, compress) for owner in waiting]
            )

        return sum(await asyncio.gather(*[one_after_another() for _ in range(IN_FLIGHT)]))


async def _bare_list(
    session: aiohttp.ClientSession, url: str, kind: ListKind, owner: int, directory: Path, compress: bool
) -> int:
    with ExitStack() as stack:
        outputs = [stack.enter_context((directory / f"{owner}.{ext}").open("wb")) for ext in kind.files]
        params: dict[str, str] = {"max_results": "1000"}
        pages = 0
        while True:
            async with session.get(f"{url}/2/users/{owner}/{kind.path}", params=params) as answer:
                body = _decode(isal_zlib.decompress(await answer.read(), 31))
            columns = [list(map(bytes, body.data))]
            if kind.path == "followers":
                columns.insert(0, [_decode_record(record).id.encode() for record in body.data])
            for output, lines in zip(outputs, columns, strict=True):
                text = b"\n".join([*lines, b""])
                output.write(isal_zlib.compress(text, 1, 31) if compress else text)
            pages += 1
            if body.meta.next_token is None:
                return pages
            params["pagination_token"] = body.meta.next_token


async def with_worker(
    url: str,
    kind: ListKind,
    records: int,
    directory: Path,
    *,
    change: Callable[[runtime.Runtime], None] = lambda parts: None,
) -> float:
    """Crawl lists with everything on; return the seconds from start to finish, the files checked.

    Args:
        url: Of the server.
        kind: Of the lists.
        records: Of each.
        directory: Where.
        change: Takes out what is to be measured.
    """
    ours = settings(directory, x_api_url=url, concurrency=str(IN_FLIGHT))
    seeds = owners(kind.lists)
    async with crawl(ours, kind.module, seeds) as (parts, master, worker):
        await parts.fetcher.check()
        change(parts)
        began = time.perf_counter()
        progress = await run_together(master, worker)
        took = time.perf_counter() - began
        assert progress.phase is Phase.FINISHED
    for ext in kind.files:
        with gzip.open(parts.layout.file(str(seeds[0]), ext)) as file:
            assert sum(1 for _ in file) == records
    return took


def measure(url: str, kind: ListKind, records: int, rounds: int, place: Path | None) -> dict[str, float]:
    """Return the pages per second of each contender; a list has `records` records."""

    def timed(fetch: Callable[[Path], int | tuple[int, float]]) -> Callable[[], float]:
        def contender() -> float:
            with tempfile.TemporaryDirectory(prefix="tw", dir=place) as name:
                began = time.perf_counter()
                result = fetch(Path(name))
                pages, took = result if isinstance(result, tuple) else (result, time.perf_counter() - began)
                return pages / took

        return contender

    def ours(directory: Path) -> tuple[int, float]:
        return kind.lists * kind.pages, run(with_worker(url, kind, records, directory))

    def bare(compress: bool) -> Callable[[Path], int]:
        return lambda directory: run(with_bare_loop(url, kind, directory, compress=compress))

    contenders = {
        "ours": timed(ours),
        "twarc": timed(lambda directory: with_twarc(url, kind, directory)),
        "bare loop": timed(bare(compress=True)),
        "bare loop that does not compress": timed(bare(compress=False)),
    }
    return alternate(contenders, rounds)


async def bodies() -> dict[str, list[bytes]]:
    """Return the pages of one list of each type; all users have equal lists."""
    made = await make_pages()
    followers, posts = ([templates] * kind.pages for templates, kind in zip(made, KINDS, strict=True))

    def token(kind: ListKind, page: int) -> str | None:
        return f"p{page + 1}" if page + 1 < kind.pages else None

    return {
        "followers": [
            page.body(
                [user_id(1 + number * page.size + place) for place in range(page.size)],
                token(KINDS[0], number),
            )
            for number, page in enumerate(followers)
        ],
        "tweets": [
            page.body(
                [2 * 10**18 - number * page.size - place for place in range(page.size)],
                token(KINDS[1], number),
            )
            for number, page in enumerate(posts)
        ],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="Pages a second of one worker, of twarc, of a bare loop.")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--directory", type=Path, default=None, help="where; default: the system's for temporary files"
    )
    arguments = parser.parse_args()
    pages = run(bodies())
    with nginx(pages) as url:
        for kind in KINDS:
            size = FOLLOWERS_PER_PAGE if kind.path == "followers" else POSTS_PER_PAGE
            print(
                f"{kind.path}: {kind.lists} lists, {IN_FLIGHT} in flight, "
                f"of {kind.pages} pages of {len(pages[kind.path][0]) / 1000:.0f} KB"
            )
            speed = measure(url, kind, kind.pages * size, arguments.rounds, arguments.directory)
            for name, figure in speed.items():
                print(f"  {name:40} {figure:8.1f} pages/s")
            verdict(f"{kind.path}: ours / twarc", speed["ours"] / speed["twarc"], kind.goal, unit=" x")
            if kind.path == "followers":
                verdict(
                    "followers: ours / bare loop", 100 * speed["ours"] / speed["bare loop"], 50, unit=" %"
                )


if __name__ == "__main__":
    main()
