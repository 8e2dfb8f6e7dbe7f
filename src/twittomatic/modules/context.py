"""The dependencies of a job, provided by its worker."""

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
    """Shared dependencies of the jobs of one worker process.

    Attributes:
        crawl: Name of the crawl.
        worker: Name of this process in the journal.
        network: Makes requests and decodes responses.
        fetcher: Sends requests.
        jobs: Commits checkpoints and completes jobs.
        frontier: Receives the users that the analyzer finds.
        layout: The dataset's paths.
        journal: The journal file of this process.
        counts: Cached counts of users' lists, from their profiles.
        complete_lists: Index of the complete lists in the dataset.
        clock: Source of the time.
        halt: Set when jobs should stop after the current page.
        selection: SELECT and PRIORITY.
        max_followers: Greatest number of followers to keep per user, None for no limit.
        max_posts: Greatest number of posts to keep per user, None for no limit.
        refresh_older_than: Seconds after which a list is downloaded again, None for never.
        shortfall: Share of the claimed count that may be missing from a list.
        modules: The crawl's modules.
        note: Called by jobs to report progress to `status` and the monitor: job name, records, pages.
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
    complete_lists: CompleteLists
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

    def journal_time(self) -> str:
        """Return the time for the journal: RFC 3339, to the millisecond."""
        return rfc3339_ms(utc(self.clock.now()))

    def oldest(self) -> float | None:
        """Return the earliest acceptable end of an existing list, seconds since the epoch; None for any."""
        return None if self.refresh_older_than is None else self.clock.now() - self.refresh_older_than

    async def addressed(self, job: Job) -> Job:
        """Return the job with its user's address, which jobs of `update` and of a repair may lack.

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
        """Return the crawl's module that runs after another one on the same target, None if there is none."""
        return next((one for one in self.modules if MODULES[one].after is module), None)
