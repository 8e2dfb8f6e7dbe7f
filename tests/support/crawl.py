"""Crawls in the process of a test, put together as the command does it: state server, master, worker."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from msgspec.structs import replace

from twittomatic.app import build
from twittomatic.app.crawl import own_worker, run_together
from twittomatic.app.lead import leading, tidy
from twittomatic.app.runtime import Runtime
from twittomatic.crawler.worker import Worker
from twittomatic.emulator import Emulator
from twittomatic.model import Ending, Phase
from twittomatic.planning import targets
from twittomatic.settings import Settings
from twittomatic.state.admin import JobAdmin
from twittomatic.state.jobs import Try
from twittomatic.state.status import CrawlStatus
from twittomatic.storage.journal import Entry, read_journal
from twittomatic.storage.paths import Layout
from twittomatic.storage.verify import verify

DEADLINE_S = 60.0

Emulate: TypeAlias = Callable[..., Awaitable[Emulator]]
"""Serves a world to the next crawls: `emulator = await emulate(world)`."""

Page: TypeAlias = tuple[int, dict[str, Any]]
"""A response: its status and its JSON."""

MakePage: TypeAlias = Callable[..., Page]
"""Makes a response with followers: `page(ids, next_token)`."""

Script: TypeAlias = Callable[[dict[str, Page | list[Page]]], Awaitable[list[str]]]
"""Serves responses by pagination token: `requested = await script({token: page})`."""


@dataclass
class LocalCrawl:
    """Runs crawls in the directories of one test, and reads what they left there.

    Attributes:
        settings: The settings of the next crawl.
        before: Called before the targets of a crawl are seeded.
        again: Whether a crawl continues lists that ended too early.
        dead: Dead jobs of the last crawl, with what failed.
        early: Lists of the last crawl that ended too early: ending, records, claimed, whether there is more.
        spent: Micro-dollars that the account has spent.
        seen: Users ever discovered.
        waiting: Users in the frontier.
    """

    settings: Settings
    before: Callable[[Runtime], Awaitable[None]] | None = None
    again: bool = False
    dead: dict[str, list[Try]] = field(default_factory=dict)
    early: dict[str, tuple[Ending, int, int | None, bool]] = field(default_factory=dict)
    spent: int = 0
    seen: int = 0
    waiting: set[str] = field(default_factory=set)

    @property
    def layout(self) -> Layout:
        return build.layout(self.settings)

    def lines(self, user_id: int | str, ext: str) -> list[str]:
        with gzip.open(self.layout.file(str(user_id), ext), "rt") as file:
            return file.read().splitlines()

    def followers(self, user_id: int | str) -> list[int]:
        return [int(line) for line in self.lines(user_id, "fws")]

    def posts(self, user_id: int | str) -> list[int]:
        return [int(json.loads(line)["id"]) for line in self.lines(user_id, "twt")]

    def exists(self, user_id: int | str, ext: str) -> bool:
        return self.layout.file(str(user_id), ext).exists()

    def journal(self, user_id: int | str | None = None, ext: str | None = None) -> list[Entry]:
        return [
            entry
            for entry in sorted(read_journal(self.layout), key=lambda entry: entry.ended_at)
            if (user_id is None or entry.user_id == str(user_id))
            and (ext is None or (entry.file or "").endswith(ext))
        ]

    def parts(self) -> list[Path]:
        return [path for path in self.layout.temporary.rglob("[!.]*") if path.is_file()]

    async def crawl(
        self,
        modules: str,
        seeds: Sequence[int | str],
        *,
        during: Callable[[Runtime, Worker], Coroutine[None, None, None]] | None = None,
        **changes: object,
    ) -> CrawlStatus:
        """Crawl until the crawl ends.

        Args:
            modules: Letters, such as `TFA`.
            seeds: The targets.
            during: Runs beside the crawl, with its parts and its worker.
            changes: Settings of this crawl alone.
        """
        settings = replace(self.settings, **changes)
        async with (
            asyncio.timeout(DEADLINE_S),
            Runtime.open(settings, modules, "test") as parts,
            leading(parts) as leadership,
        ):
            options, connection = parts.options, parts.connection
            await parts.account.accept()
            master = parts.master(leadership)
            what = await parts.crawl.begin(options.modules, options.written(), "2026-01-01T00:00:00Z")
            if what == "again" and options.repeats:
                await parts.frontier.forget(leadership, keep_waiting=False)
            if self.before:
                await self.before(parts)
            admin = JobAdmin(connection, parts.keys)
            if self.again:
                await admin.retry_early_ends(options.all_modules)
            await master.seed(targets.read(map(str, seeds)).ids)
            async with own_worker(parts, "test") as worker:
                beside = asyncio.ensure_future(during(parts, worker)) if during else None
                try:
                    progress = await run_together(master, worker)
                finally:
                    if beside:
                        beside.cancel()
                        await asyncio.gather(beside, return_exceptions=True)
            self.dead = await parts.admin.dead()
            self.early = {
                name: (end.ending, end.lines, end.claimed, end.more)
                async for name, end in admin.early_ends(options.all_modules)
            }
            self.spent = (await parts.account.totals()).spent
            self.seen = await parts.frontier.seen()
            self.waiting = {user_id async for ids in parts.frontier.export() for user_id in ids}
            if progress.phase is Phase.FINISHED:
                await tidy(connection, parts.keys, self.layout)
            return progress

    def check(self) -> None:
        """Assert that the dataset is as the journal says, and that no job is dead."""
        assert [str(problem) for problem in verify(self.layout)] == []
        assert self.dead == {}
