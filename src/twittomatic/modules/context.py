"""What a worker lends to the jobs that it runs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import msgspec

from twittomatic.clock import Clock, rfc3339, rfc3339_ms, utc
from twittomatic.errors import RequestRefused
from twittomatic.fetch.fetcher import Fetcher
from twittomatic.model import MODULES, Job, Module, is_address
from twittomatic.modules.selection import Selection
from twittomatic.networks.base import Network
from twittomatic.state.cache import CountCache
from twittomatic.state.frontier import Frontier
from twittomatic.state.jobs import Jobs
from twittomatic.storage.completeness import CompleteLists
from twittomatic.storage.journal import Journal
from twittomatic.storage.paths import Layout
from twittomatic.storage.profiles import find_profiles


@dataclass(frozen=True, kw_only=True)
class Context:
    """The tools of one worker process, shared by its jobs.

    Attributes:
        crawl: Name of the crawl.
        worker: Name of this process in the journal.
        network: What can be asked.
        fetcher: Asks.
        jobs: Commits and completes.
        frontier: Takes what the analyzer finds.
        layout: Where files are.
        journal: Of this process.
        counts: What profiles said of users' lists.
        known_files: What the journal says of the lists that are there.
        clock: Tells the time.
        halt: Set when jobs should stop at the next page.
        selection: SELECT and PRIORITY.
        max_followers: Per user, None for no limit.
        max_posts: Per user, None for no limit.
        refresh_older_than: Seconds after which a list is downloaded again, None for never.
        shortfall: Share of the count that a profile claims that may be missing from a list.
        modules: Of the crawl.
        note: Told by a job how far it is, for `status` and the monitor: job name, records, pages.
    """

    crawl: str
    worker: str
    network: Network
    fetcher: Fetcher
    jobs: Jobs
    frontier: Frontier
    layout: Layout
    journal: Journal
    counts: CountCache
    known_files: CompleteLists
    clock: Clock
    halt: asyncio.Event
    selection: Selection
    max_followers: int | None
    max_posts: int | None
    refresh_older_than: float | None
    shortfall: float
    modules: Sequence[Module]
    note: Callable[[str, int, int], None] = lambda name, records, pages: None

    def now(self) -> str:
        """Return the time as RFC 3339."""
        return rfc3339(utc(self.clock.now()))

    def moment(self) -> str:
        """Return the time as the journal has it, to the millisecond."""
        return rfc3339_ms(utc(self.clock.now()))

    def oldest(self) -> float | None:
        """Return when a list must have ended not to be too old, seconds since the epoch; None for any age."""
        return None if self.refresh_older_than is None else self.clock.now() - self.refresh_older_than

    async def addressed(self, job: Job) -> Job:
        """Return the job with the address of its user, which a job of `update` or of a repair may lack.

        Raises:
            RequestRefused: the network needs an address, and no profile in the dataset has it.
        """
        if job.address or not self.network.needs_address:
            return job
        address = await asyncio.to_thread(self._known_address, job.user_id)
        if not is_address(address):
            raise RequestRefused(
                f"User {job.user_id} cannot be asked for at {self.network.title}: no profile in the dataset "
                "has the address; give the user as a target."
            )
        return msgspec.structs.replace(job, address=address)

    def _known_address(self, user_id: str) -> str:
        found = map(self.network.address_of, (one.record for one in find_profiles(self.layout, [user_id])))
        return next(found, "")

    def follows(self, module: Module) -> Module | None:
        """Return the module of the crawl that comes after one on the same target, None when none does."""
        return next((one for one in self.modules if MODULES[one].after is module), None)
