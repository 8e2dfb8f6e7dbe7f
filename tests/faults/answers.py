"""Crawl one user while the network's answers are damaged, and judge the result by what was served.

A case is a followers list and a timeline in small pages, and a plan: which mutation each request gets, which
pages are swapped, and how many empty pages come in between. The crawl runs in this process as the command
would run it, with the real state server, and is repeated until nothing changes any more. Then the oracle
compares files, journal and ledger with what the service served, using its own code.

    python tests/faults/answers.py [--first 1] [--cases 1000]
"""

from __future__ import annotations

import argparse
import asyncio
import collections
import gzip
import json
import logging
import random
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar
from unittest import mock

from aiohttp import web
from mutations import ENDS_EARLY, MUTATIONS, REFUSALS, Draft, Reply

from twittomatic.app import runtime
from twittomatic.app.connect import connected
from twittomatic.app.crawl import Crawl
from twittomatic.app.observer import Observer
from twittomatic.clock import SystemClock
from twittomatic.networks.registry import account_of
from twittomatic.networks.x import X
from twittomatic.planning.targets import Targets
from twittomatic.settings import Settings, load
from twittomatic.state.account import Account
from twittomatic.state.embedded.server import Role, embedded
from twittomatic.state.keys import NetworkKeys
from twittomatic.storage.verify import verify

Result = TypeVar("Result")

STAR = 22
PAGE = 10
FOLLOWER_USD, POST_USD = 0.01, 0.005
_MOST_RUNS = 4  # of the same command
_MOST_REQUESTS = 400
DEADLINE_S = 60.0
_ALL = {**MUTATIONS, **REFUSALS}


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What goes wrong in one case.

    Attributes:
        followers: Number of the user's followers.
        posts: Number of the user's posts.
        pinned: Whether the timeline begins with its oldest post.
        spoiled: Mutation by list (`followers`, `tweets`) and number of the request, with a seed of its own.
        swapped: First of two neighbouring pages that are served in reverse order, by list.
        empty: Runs of empty pages by list: the page that each precedes, and its length; each page has its
            own token.
        claims: Whether the user's profile gives the lengths of the lists.
    """

    followers: int
    posts: int
    pinned: bool = False
    spoiled: Mapping[tuple[str, int], tuple[str, int]] = field(default_factory=dict)
    swapped: Mapping[str, int] = field(default_factory=dict)
    empty: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    claims: bool = True


@dataclass
class Answered:
    """The service's answer to one request for a page of a list.

    Attributes:
        kind: Endpoint, `followers` or `tweets`.
        mutation: Name of the mutation applied to it, empty for none.
        reply: The answer as sent.
    """

    kind: str
    mutation: str
    reply: Reply


class Service:
    """Serve X's API for one user on loopback, as the plan says.

    Attributes:
        lists: Present ids by endpoint.
        answers: Answers to requests for their pages, in order.
        profiles: Number of profiles served.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.lists = {
            "followers": [1000 + i for i in range(plan.followers)],
            "tweets": [1_700_000_000_000_000_000 + i for i in reversed(range(plan.posts))],
        }
        if plan.pinned and plan.posts:
            self.lists["tweets"].insert(0, self.lists["tweets"].pop())
        self.answers: list[Answered] = []
        self.profiles = 0
        self._count: dict[str, int] = collections.Counter()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer any request."""
        path, query = request.path, request.query
        if path == "/2/usage/tweets":
            return web.json_response({"data": {"project_cap": "3000000", "project_usage": "5"}})
        if path == "/2/users":
            self.profiles += 1
            return web.json_response({"data": [self._profile(int(i)) for i in query["ids"].split(",")]})
        kind = path.rpartition("/")[2]
        if kind not in self.lists:
            return web.json_response({"title": "Not Found", "status": 404}, status=404)
        return await self._page(request, kind)

    async def _page(self, request: web.Request, kind: str) -> web.StreamResponse:
        number = self._count[kind]
        self._count[kind] += 1
        if len(self.answers) > _MOST_REQUESTS:
            raise AssertionError("asked without end")
        draft = self._draft(kind, request.query)
        mutation, seed = self.plan.spoiled.get((kind, number), ("", 0))
        reply = _ALL[mutation](draft, random.Random(seed)) if mutation else draft.reply()
        self.answers.append(Answered(kind, mutation, reply))
        if reply.declared is None:
            response = web.Response(status=reply.status, body=reply.body)
            response.headers.update(reply.headers)
            return response
        stream = web.StreamResponse(status=reply.status, headers=reply.headers)
        stream.content_length = reply.declared
        await stream.prepare(request)
        await stream.write(reply.body)
        assert request.transport
        request.transport.close()
        return stream

    def _draft(self, kind: str, query: Mapping[str, str]) -> Draft:
        """Return the page that X would serve; a token is `p<place>` or `e<place>-<empty pages so far>`."""
        ids, size = self.lists[kind], int(query["max_results"])
        if kind == "tweets" and "since_id" in query:
            ids = [post for post in ids if post > int(query["since_id"])]
        token = query.get("pagination_token", "p0")
        place, _, empties = token[1:].partition("-")
        at, so_far = int(place), int(empties or 0)
        before, many = self.plan.empty.get(kind, (-1, 0))
        meta: dict[str, Any]
        if at == before * PAGE and so_far < many:
            meta = {"result_count": 0, "next_token": f"e{at}-{so_far + 1}"}
            return Draft(data=None, meta=meta, size=size)
        shown = at
        first = self.plan.swapped.get(kind)
        if first is not None and size == PAGE and len(ids) >= (first + 2) * PAGE:
            shown = {first * PAGE: at + PAGE, (first + 1) * PAGE: at - PAGE}.get(at, at)
        records = [
            self._profile(i) if kind == "followers" else self._post(i) for i in ids[shown : shown + size]
        ]
        meta = {"result_count": len(records)}
        if at + size < len(ids):
            meta["next_token"] = f"p{at + size}"
        return Draft(data=records or None, meta=meta, size=size)

    def _profile(self, user_id: int) -> dict[str, Any]:
        star = user_id == STAR
        metrics = {
            "followers_count": self.plan.followers if star else 3,
            "following_count": 1,
            "tweet_count": self.plan.posts if star else 0,
            "listed_count": 0,
        }
        profile: dict[str, Any] = {
            "id": str(user_id),
            "name": f"n{user_id}",
            "username": f"u{user_id}",
            "description": "some words",
            "created_at": "2010-01-01T00:00:00.000Z",
            "protected": False,
        }
        if not star or self.plan.claims:
            profile["public_metrics"] = metrics
        return profile

    def _post(self, post_id: int) -> dict[str, Any]:
        return {
            "id": str(post_id),
            "name": "",
            "text": f"some words {post_id}",
            "author_id": str(STAR),
            "created_at": "2023-09-08T00:00:00.000Z",
            "edit_history_tweet_ids": [str(post_id)],
            "public_metrics": {"like_count": 1, "reply_count": 0},
        }


class HastyClock(SystemClock):
    """A clock that never sleeps longer than a hundredth of a second."""

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(min(seconds, 0.01))


@contextmanager
def hasty() -> Iterator[None]:
    """Make crawls in this process use small pages and retry at once; their log ends with the block."""
    logger = logging.getLogger("twittomatic")
    with (
        mock.patch.object(runtime, "SystemClock", HastyClock),
        mock.patch.object(X, "followers_per_page", PAGE),
        mock.patch.object(X, "posts_per_page", PAGE),
    ):
        try:
            yield
        finally:
            for handler in list(logger.handlers):
                logger.removeHandler(handler)
                handler.close()
            logger.propagate = True


@asynccontextmanager
async def serving(service: Service) -> AsyncIterator[str]:
    application = web.Application()
    application.router.add_get("/{path:.*}", service.answer)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.01)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


class Notes(Observer):
    """Collect the sentences that a crawl reports."""

    def __init__(self) -> None:
        self.sentences: list[str] = []

    def info(self, sentence: str) -> None:
        self.sentences.append(sentence)

    warning = info


class Case:
    """Run one plan in a directory of its own."""

    def __init__(self, plan: Plan, redis_url: str, directory: Path, name: str) -> None:
        self.plan = plan
        self.service = Service(plan)
        self.complete: list[bool] = []
        self.said = Notes()
        self.endings: dict[str, str] = {}
        self._redis_url = redis_url
        self._directory = directory
        self._name = name

    async def run(self) -> list[str]:
        """Crawl until nothing changes any more; return a sentence for each problem."""
        async with asyncio.timeout(DEADLINE_S), serving(self.service) as url:
            settings = load(
                {
                    "crawl": self._name,
                    "output_directory": str(self._directory / "data"),
                    "log_directory": str(self._directory / "logs"),
                    "redis_url": self._redis_url,
                    "x_bearer_tokens": "token",
                    "x_api_url": url,
                    "budget_usd": "1000",
                    "max_attempts": "1",
                },
                {},
                nothing(self._directory),
            )
            self._layout = runtime.layout(settings)
            async with connected(settings, Role.OWN, "case") as connection:
                await connection.call("FLUSHALL")  # ports come again, and with them accounts
            wanted, asked = Targets(ids=[str(STAR)], names=()), -1
            while len(self.complete) < _MOST_RUNS and len(self.service.answers) > asked:
                asked = len(self.service.answers)
                self.said = Notes()
                async with Crawl(settings, "TF", observer=self.said) as crawl:
                    self.complete.append((await crawl.complete(wanted)).is_complete)
                if self.complete[-1]:
                    break
            await self._read_ledger(settings)
        return [*self._wrong("followers", "fws"), *self._wrong("tweets", "twt"), *self._wrong_money()]

    async def _read_ledger(self, settings: Settings) -> None:
        async with connected(settings, Role.OWN, "oracle") as connection:
            keys = NetworkKeys(account_of(settings))
            totals = await Account(connection, keys, budget=None, horizon_s=60).totals()
            self.spent, self.reserved = totals.spent / 1e6, totals.reserved / 1e6

    def _wrong(self, kind: str, ext: str) -> list[str]:
        path = self._directory / "data" / str(STAR)[:2] / f"{STAR}.{ext}"
        served: set[int] = set()
        for answer in self.service.answers:
            if answer.kind == kind:
                served |= answer.reply.readable
        truth = set(self.service.lists[kind])
        if not path.exists():
            return [] if not self.complete[-1] else [f"{ext}: no file, and the crawl is complete"]
        lines = gzip.decompress(path.read_bytes()).decode().splitlines()
        ids = [int(line) if ext == "fws" else int(json.loads(line)["id"]) for line in lines]
        journal = [line for line in self._journal() if str(line.get("file") or "").endswith(ext)]
        last = max(journal, key=lambda line: str(line["ended_at"]))
        ending = self.endings[ext] = str(last["ending"])
        problems = [f"verify: {problem}" for problem in verify(self._layout)] if ext == "twt" else []
        if len(ids) != len(set(ids)):
            problems.append(f"{ext}: {len(ids) - len(set(ids))} twice")
        if strangers := set(ids) - truth:
            problems.append(f"{ext}: {sorted(strangers)[:3]} were never there")
        if lost := served - set(ids):
            problems.append(f"{ext} ({ending}): {len(lost)} lost of those served whole, {sorted(lost)[:3]}")
        if ext == "twt" and ids != sorted(ids, reverse=True):
            problems.append("twt: not newest first")
        missing = truth - set(ids)
        if ending == "complete" and len(missing) >= 20 and len(missing) > len(truth) / 2 and self.plan.claims:
            problems.append(f"{ext}: complete, and {len(missing)} of {len(truth)} are missing")
        early = any(one.mutation in ENDS_EARLY and one.kind == kind for one in self.service.answers)
        unreadable = truth - served
        if ending == "complete" and not early and missing - unreadable:
            problems.append(f"{ext}: complete, and {len(missing - unreadable)} were left out")
        if ending != "complete" and self.complete[-1]:
            problems.append(f"{ext}: {ending}, and exit code 0")
        if ext == "fws":
            profiles = gzip.decompress(path.with_suffix(".usr").read_bytes()).decode().splitlines()
            told = [int(json.loads(line)["id"]) for line in profiles]
            if len(told) != len(set(told)) or not set(told) <= set(ids):
                problems.append("usr: profiles twice, or of nobody on the list")
        return problems

    def _wrong_money(self) -> list[str]:
        price = {"followers": FOLLOWER_USD, "tweets": POST_USD}
        least = sum(one.reply.at_least * price[one.kind] for one in self.service.answers)
        most = sum(one.reply.at_most * price[one.kind] for one in self.service.answers) + 0.01  # a profile
        problems = []
        if not least - 1e-9 <= self.spent <= most + 1e-9:
            problems.append(f"spent ${self.spent:.3f}, and X charges ${least:.3f} to ${most:.3f}")
        if self.reserved > 1e-9:
            problems.append(f"${self.reserved:.3f} is still reserved")
        return problems

    def _journal(self) -> list[dict[str, Any]]:
        lines: list[dict[str, Any]] = []
        for path in (self._directory / "data" / "journal").iterdir():
            lines += map(json.loads, path.read_bytes().splitlines())
        return lines

    def story(self) -> str:
        """Describe what happened, to explain a failure."""
        answers = [
            f"{one.kind} {one.mutation or 'as it is'}: {len(one.reply.readable)} readable"
            for one in self.service.answers
        ]
        return "\n  ".join([str(self.plan), f"complete: {self.complete}", *answers, *self.said.sentences])


def nothing(directory: Path) -> Path:
    path = directory / "nothing.toml"
    path.touch()
    return path


def drawn(seed: int) -> Plan:
    """Return the plan generated from a seed."""
    dice = random.Random(seed)
    spoiled = {}
    for kind in ("followers", "tweets"):
        for _ in range(dice.choice([0, 1, 1, 2, 4])):
            spoiled[kind, dice.randrange(9)] = (dice.choice(sorted(MUTATIONS)), dice.randrange(10**6))
    lists = ("followers", "tweets")
    return Plan(
        followers=dice.choice([0, 1, 3, 10, 25, 40, 60]),
        posts=dice.choice([0, 1, 3, 10, 25, 40, 60]),
        pinned=dice.random() < 0.2,
        spoiled=spoiled,
        swapped={kind: dice.randrange(4) for kind in lists if dice.random() < 0.2},
        empty={
            kind: (dice.randrange(1, 5), dice.choice([1, 3, 25])) for kind in lists if dice.random() < 0.2
        },
        claims=dice.random() < 0.7,
    )


async def run(plans: Mapping[str, Plan], redis_url: str, place: Path) -> Mapping[str, int]:
    """Run plans; return the number of lists by ending.

    Raises:
        AssertionError: a record was lost or duplicated, cost too much, or an ending is wrong.
    """
    counts: dict[str, int] = collections.Counter()
    with hasty():
        for name, plan in plans.items():
            with tempfile.TemporaryDirectory(dir=place) as directory:
                case = Case(plan, redis_url, Path(directory), name)
                try:
                    problems = await case.run()
                except BaseException:
                    print(name, case.story(), file=sys.stderr)
                    raise
                assert not problems, "\n  ".join([name, *problems, case.story()])
                for ending in case.endings.values():
                    counts[ending] += 1
    return counts


def carry_out(
    description: str, cases: int, work: Callable[[range, str, Path], Awaitable[Result]]
) -> tuple[Result, int, float]:
    """Run the cases selected on the command line, with a state server of their own.

    Args:
        description: Description of the program.
        cases: Default number of cases.
        work: Runs them, given the seeds, the server's URL and a directory.

    Returns:
        What `work` returned, the number of cases, and the seconds they took.
    """
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--first", type=int, default=1, help="seed of the first one")
    parser.add_argument("--cases", type=int, default=cases)
    arguments = parser.parse_args()
    seeds = range(arguments.first, arguments.first + arguments.cases)
    began = time.monotonic()

    async def all_of_them() -> Result:
        with tempfile.TemporaryDirectory(prefix="tw") as place:
            async with embedded(Path(place) / "state", Role.OWN) as url:
                return await work(seeds, url, Path(place))

    return asyncio.run(all_of_them()), len(seeds), time.monotonic() - began


def main() -> None:
    """Run the cases selected on the command line."""
    counts, _, seconds = carry_out(
        "Crawls whose answers are spoiled.",
        1000,
        lambda seeds, url, place: run({f"a{seed}": drawn(seed) for seed in seeds}, url, place),
    )
    print(dict(counts), f"{seconds:.1f} s")


if __name__ == "__main__":
    main()
