"""Crawl one user repeatedly into the same dataset while its lists grow and answers are damaged.

A case is a plan of damaged answers and some commands: the same crawl again, crawls with other names, updates,
with changing limits. After each command the dataset is compared with what was served so far.

    python tests/faults/sequences.py [--first 1] [--cases 300]
"""

from __future__ import annotations

import asyncio
import gzip
import json
import random
import sys
import tempfile
from pathlib import Path
from typing import Any

from answers import FOLLOWER_USD, POST_USD, STAR, Plan, Service, carry_out, hasty, nothing, serving
from mutations import ENDS_EARLY, MUTATIONS, REFUSALS

from twittomatic.app import runtime
from twittomatic.app.connect import connected
from twittomatic.app.crawl import Crawl
from twittomatic.errors import TwittomaticError
from twittomatic.networks.registry import account_of
from twittomatic.planning.targets import Targets
from twittomatic.settings import Settings, load
from twittomatic.state.account import Account
from twittomatic.state.embedded.server import Role
from twittomatic.state.keys import NetworkKeys
from twittomatic.storage.verify import verify

_LISTS = {"fws": "followers", "twt": "tweets"}
_LIMITS = {"fws": "max_followers", "twt": "max_posts"}
_WHOLE, _EARLY = ("complete", "ceiling"), ("short", "stalled")
_COMMANDS = [("TF", "a"), ("TF", "b"), ("TF", "c"), ("U", "a"), ("U", "u"), ("U", "v"), ("TFU", "b")]
_LENGTHS = [0, 3, 10, 25, 40, 60]
_TRIES = 3  # of each command
_BY_CHANCE = 10  # records that a continued list may bring again: a page
_DEADLINE_S = 120.0


class Sequence:
    """The commands generated from a seed, run in a directory of their own."""

    def __init__(self, seed: int, redis_url: str, directory: Path) -> None:
        self._dice = dice = random.Random(seed)
        names = [*MUTATIONS, *list(REFUSALS) * 3]
        spoiled = {
            (kind, dice.randrange(14)): (dice.choice(names), dice.randrange(10**6))
            for kind in _LISTS.values()
            for _ in range(dice.choice([0, 1, 1, 2, 3]))
        }
        self.plan = Plan(
            followers=dice.choice(_LENGTHS),
            posts=dice.choice(_LENGTHS),
            pinned=dice.random() < 0.3,
            spoiled=spoiled,
            swapped={kind: dice.randrange(4) for kind in _LISTS.values() if dice.random() < 0.15},
            empty={
                kind: (dice.randrange(1, 5), dice.choice([1, 3, 25]))
                for kind in _LISTS.values()
                if dice.random() < 0.15
            },
            claims=dice.random() < 0.7,
        )
        self._service = Service(self.plan)
        self._redis_url = redis_url
        self._directory = directory
        self._limits: dict[str, str] = {}
        self._were_limits = False
        self._endings: dict[str, str] = {}
        self._newest = 1_700_000_000_000_001_000
        self.trail: list[str] = []
        self.problems: list[str] = []

    async def run(self) -> list[str]:
        """Run the commands until one goes wrong; return a sentence for each problem."""
        dice = self._dice
        for name in _LIMITS.values():
            if dice.random() < 0.4:
                self._limits[name] = str(dice.choice([1, 5, 10, 15, 30, 100]))
        async with asyncio.timeout(_DEADLINE_S), serving(self._service) as url:
            base = {
                "output_directory": str(self._directory / "data"),
                "log_directory": str(self._directory / "logs"),
                "redis_url": self._redis_url,
                "x_bearer_tokens": "token",
                "x_api_url": url,
                "budget_usd": "1000",
                "max_attempts": dice.choice(["1", "2"]),
                "shortfall": dice.choice(["0.5", "0.5", "0", "0.1", "1"]),
            }
            async with connected(self._settings(base), Role.OWN, "sequence") as connection:
                await connection.call("FLUSHALL")  # ports come again, and with them accounts
                for number in range(dice.randrange(2, 6)):
                    if number and dice.random() < 0.6:
                        self._grow()
                    if number and dice.random() < 0.3:
                        self._limits = dice.choice([{}, {"max_posts": "30", "max_followers": "30"}])
                    self._were_limits = self._were_limits or bool(self._limits)
                    modules, crawl = dice.choice(_COMMANDS) if number else ("TF", "a")
                    settings = self._settings({**base, **self._limits, "crawl": crawl})
                    await self._give(settings, modules)
                    if self.problems:
                        break
                money = Account(connection, NetworkKeys(account_of(settings)), budget=None, horizon_s=60)
                self._check_money(await money.totals())
        return self.problems

    def _settings(self, values: dict[str, str]) -> Settings:
        return load(values, {}, nothing(self._directory))

    def _grow(self) -> None:
        """Publish some posts, behind the pinned one if there is one, and add some followers."""
        dice, lists = self._dice, self._service.lists
        count = dice.choice([1, 3, 9, 10, 11, 25])
        at = 1 if self.plan.pinned and lists["tweets"] else 0
        lists["tweets"][at:at] = [self._newest + i for i in reversed(range(count))]
        self._newest += count + 3
        if dice.random() < 0.3:
            lists["followers"][:0] = [max([*lists["followers"], 999]) + i for i in (3, 2, 1)]
        self.trail.append(f"{count} new posts")

    async def _give(self, settings: Settings, modules: str) -> None:
        """Repeat a command until it exits with 0 or nothing changes any more."""
        wanted = Targets(ids=[str(STAR)], names=())
        for _ in range(_TRIES):
            asked, before = len(self._service.answers), {ext: self._ids(ext) for ext in _LISTS}
            try:
                async with Crawl(settings, modules) as crawl:
                    complete = (await crawl.complete(wanted)).is_complete
            except TwittomaticError as error:
                self.problems.append(str(error))
                return
            new = self._service.answers[asked:]
            told = "; ".join(f"{one.kind} {one.mutation or 'as it is'}" for one in new)
            self.trail.append(f"-{modules} --crawl {settings.crawl} {self._limits}: {complete}, {told}")
            self.problems += map(str, verify(runtime.layout(settings)))
            for ext in _LISTS:
                self._check(ext, modules, complete, new, before[ext])
            if complete or self.problems or not new:
                return

    def _ids(self, ext: str) -> list[int] | None:
        path = self._directory / "data" / str(STAR) / f"{STAR}.{ext}"
        if not path.exists():
            return None
        lines = gzip.decompress(path.read_bytes()).decode().splitlines()
        return [int(line) if ext == "fws" else int(json.loads(line)["id"]) for line in lines]

    def _check(
        self, ext: str, modules: str, complete: bool, new: list[Any], before: list[int] | None
    ) -> None:
        ids, kind, wrong = self._ids(ext), _LISTS[ext], self.problems
        if ids is None:
            return
        truth = set(self._service.lists[kind])
        if len(ids) != len(set(ids)):
            wrong.append(f"{ext}: {len(ids) - len(set(ids))} twice")
        if set(ids) - truth:
            wrong.append(f"{ext}: some were never there")
        if ext == "twt" and ids != sorted(ids, reverse=True):
            wrong.append("twt: not newest first")
        answers = [one for one in self._service.answers if one.kind == kind]
        served = set[int]().union(*[one.reply.readable for one in answers])
        ending, was = self._ending(ext), self._endings.get(ext, "")
        asked = [one for one in new if one.kind == kind]
        if complete and ending in _EARLY:
            wrong.append(f"{ext}: {ending}, and the crawl is complete")
        if not self._were_limits and complete:
            is_absent = any(one.mutation in ("protected", "gone") for one in answers)
            if ext == "twt" and not is_absent and (lost := served - set(ids)):
                wrong.append(f"twt ({ending}): {len(lost)} lost of those served whole")
            ends_early = is_absent or any(one.mutation in ENDS_EARLY for one in answers)
            if ending == "complete" and asked and not ends_early and (left := truth & served - set(ids)):
                wrong.append(f"{ext}: complete, and {len(left)} were left out")
            if ext == "twt" and before and set(before) - set(ids):
                wrong.append(f"twt ({ending}): some are gone that were there")
        if modules == "TF" and before is not None and asked and was in _WHOLE:
            wrong.append(f"{ext}: was {was}, and was asked for again")
        if "U" not in modules and before is not None and was in _EARLY:
            again = [i for one in asked if not one.mutation for i in one.reply.readable if i in before]
            if len(again) > _BY_CHANCE:
                wrong.append(f"{ext}: was {was}, and {len(again)} of it were bought again")
        if ext == "twt" and ending in ("cut", "ceiling") and (gone := set(before or ()) - set(ids)):
            wrong.append(f"twt ({ending}): {len(gone)} are gone that were bought before")
        limit = self._limits.get(_LIMITS[ext])
        # A timeline keeps the posts that it had, so the limit is for the new ones.
        count = len(set(ids) - set(before or ())) if ext == "twt" else len(ids)
        most = max(int(limit or 0), len(before or ()) if ext != "twt" else 0)
        if limit and "U" not in modules and asked and count > most:
            wrong.append(f"{ext}: {count} are more than {most}")
        self._endings[ext] = ending

    def _ending(self, ext: str) -> str:
        lines: list[dict[str, Any]] = []
        for path in (self._directory / "data" / "journal").iterdir():
            lines += map(json.loads, path.read_bytes().splitlines())
        about = [line for line in lines if str(line.get("file") or "").endswith(ext)]
        return str(max(about, key=lambda line: str(line["ended_at"]))["ending"])

    def _check_money(self, totals: Any) -> None:
        price = {"followers": FOLLOWER_USD, "tweets": POST_USD}
        least = sum(one.reply.at_least * price[one.kind] for one in self._service.answers)
        most = sum(one.reply.at_most * price[one.kind] for one in self._service.answers)
        most += self._service.profiles * FOLLOWER_USD
        if not least - 1e-9 <= totals.spent / 1e6 <= most + 1e-9:
            self.problems.append(
                f"spent ${totals.spent / 1e6:.3f}, and X charges ${least:.3f} to ${most:.3f}"
            )
        if totals.reserved:
            self.problems.append(f"${totals.reserved / 1e6:.3f} is still reserved")


async def run(seeds: range, redis_url: str, place: Path) -> int:
    """Run cases, print the problems, and return the number of cases that had any."""
    bad = 0
    with hasty():
        for seed in seeds:
            with tempfile.TemporaryDirectory(dir=place) as directory:
                case = Sequence(seed, redis_url, Path(directory))
                if problems := await case.run():
                    bad += 1
                    print("\n  ".join([f"seed {seed}", *problems, str(case.plan), *case.trail]))
    return bad


def main() -> None:
    """Run the cases selected on the command line."""
    bad, cases, seconds = carry_out("Crawls one after the other whose answers are spoiled.", 300, run)
    print(f"{cases - bad} of {cases} went well, {seconds:.1f} s")
    sys.exit(bool(bad))


if __name__ == "__main__":
    main()
