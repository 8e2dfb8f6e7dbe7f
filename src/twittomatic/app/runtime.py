"""The composition root: the only place that names the concrete parts and puts them together."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from twittomatic.app.build import (
    check_budget,
    check_network,
    check_selection,
    credentials,
    given_credentials,
    layout,
    proxies,
    selection,
    spending,
)
from twittomatic.app.connect import connected, process_name
from twittomatic.app.logs import log_to
from twittomatic.app.stop import Releasing
from twittomatic.clock import SystemClock
from twittomatic.crawler.master import Master
from twittomatic.crawler.options import CrawlOptions
from twittomatic.crawler.pause import PausePolicy
from twittomatic.crawler.worker import Worker
from twittomatic.fetch.credentials import Credentials
from twittomatic.fetch.fetcher import Fetcher
from twittomatic.fetch.transport import Transport
from twittomatic.modules.context import Context
from twittomatic.modules.selection import Selection
from twittomatic.networks import registry
from twittomatic.networks.base import Counts, Network
from twittomatic.planning.estimate import TargetEstimate
from twittomatic.planning.known import KnownTargets
from twittomatic.planning.profiles import ProfileBuyer
from twittomatic.planning.quote import QuoteBuilder
from twittomatic.settings import Settings
from twittomatic.state.account import Account
from twittomatic.state.admin import JobAdmin, Reaper
from twittomatic.state.cache import CountCache, NameCache
from twittomatic.state.connection import Connection
from twittomatic.state.crawl import CrawlState
from twittomatic.state.embedded.server import Role
from twittomatic.state.frontier import Frontier
from twittomatic.state.jobs import Jobs
from twittomatic.state.keys import CrawlKeys, NetworkKeys
from twittomatic.state.leadership import Leadership
from twittomatic.state.stream import EventStream
from twittomatic.storage.completeness import CompleteLists
from twittomatic.storage.identity import claim
from twittomatic.storage.journal import Journal
from twittomatic.storage.paths import Layout
from twittomatic.storage.purchases import BoughtProfiles

_HORIZON = 4  # request timeouts after which an unsettled reservation counts as spent


@dataclass(frozen=True, kw_only=True)
class Runtime:
    """A crawl's parts, for the process that works on it.

    Attributes:
        name: This process's name.
        settings: This process's settings.
        options: The crawl's options.
        crawl: The state of the crawl.
        frontier: The targets that wait.
        admin: Inspects jobs, and queues them again.
        reaper: Takes jobs from dead workers.
        account: Windows and ledger of the account.
        fetcher: Sends requests.
        network: The network.
        counts: Lengths of users' lists, as their profiles claim.
        buyer: Buys profiles before a crawl begins.
        selection: Chooses and ranks the followers.
        layout: Places of the dataset's files.
        complete_lists: Lists that the journal proves complete.
        connection: Connection to the state server.
        keys: The crawl's keys.
        credentials: This process's credentials.
        halt: Stops requests while it is set.
    """

    name: str
    settings: Settings
    options: CrawlOptions
    crawl: CrawlState
    frontier: Frontier
    admin: JobAdmin
    reaper: Reaper
    account: Account
    fetcher: Fetcher
    network: Network
    counts: CountCache
    buyer: ProfileBuyer
    selection: Selection
    layout: Layout
    complete_lists: CompleteLists
    connection: Connection
    keys: CrawlKeys
    credentials: Credentials
    halt: asyncio.Event

    @staticmethod
    @asynccontextmanager
    async def open(
        settings: Settings,
        modules: str,
        process: str,
        *,
        needs_credentials: bool = True,
        log_warning: Callable[[str], None] | None = None,
    ) -> AsyncIterator[Runtime]:
        """Check the settings, connect to the state server, and yield the parts of a crawl.

        Args:
            settings: This process's settings.
            modules: Letters of what to do to each target.
            process: The kind of process, such as `master`.
            needs_credentials: Whether a credential is required.
            log_warning: Called when the log can no longer be written; None writes no log in LOG_DIRECTORY.

        Raises:
            SettingsError: a setting cannot be used.
            StateError: no server, or it does not admit us.
            StorageError: a directory cannot be used.
        """
        check_budget(settings)
        given = credentials(settings) if needs_credentials else given_credentials(settings)
        options = CrawlOptions.of(modules, settings)
        check_selection(settings, options)
        await asyncio.to_thread(layout(settings).prepare)
        if log_warning:
            log_to(settings.log_directory, f"{settings.crawl}.{process}", log_warning)
        name = process_name(process)
        async with (
            connected(settings, Role.OWN, name) as connection,
            Runtime.of(settings, options, connection, given, name) as runtime,
        ):
            yield runtime

    @staticmethod
    def of(
        settings: Settings, options: CrawlOptions, connection: Connection, credentials: Credentials, name: str
    ) -> AbstractAsyncContextManager[Runtime]:
        """Put a crawl's parts together over a connection.

        Args:
            settings: This process's settings.
            options: The crawl's options.
            connection: Connection to the state server.
            credentials: This process's credentials.
            name: This process's name.
        """
        return _assembled(settings, options, connection, credentials, name)

    def quote_builder(
        self,
        user_ids: Sequence[str],
        *,
        assumed: Counts | None = None,
        unresolved: Sequence[str] = (),
        remaining: Callable[[Sequence[TargetEstimate]], Awaitable[Sequence[TargetEstimate]]] | None = None,
    ) -> QuoteBuilder:
        """Return a builder of the crawl's quote; see `QuoteBuilder` for the arguments."""
        known = KnownTargets(
            self.options,
            network=self.network,
            counts=self.counts,
            layout=self.layout,
            complete_lists=self.complete_lists,
        )
        return QuoteBuilder(
            self.options,
            self.network,
            known,
            self.buyer,
            self.account,
            kinds=[credential.kind for credential in self.credentials],
            user_ids=user_ids,
            assumed=assumed,
            unresolved=unresolved,
            remaining=remaining,
        )

    async def share_cap(self, leadership: Leadership) -> None:
        """Make this process's budget the cap of the crawl, and record which ledger the crawl spends on.

        Raises:
            LeadershipLost: another master leads, and its cap holds.
        """
        await self.account.cap.share(leadership)
        await self.crawl.set_ledger(self.options.account, self.account.ledger.id)

    def leadership(self) -> Leadership:
        """Return a claim to lead, not yet made."""
        return Leadership(self.connection, self.keys, self.name)

    def master(self, leadership: Leadership) -> Master:
        """Return a master."""
        return Master(leadership, self.crawl, self.frontier, self.reaper, self.options, SystemClock())

    def pause_policy(self, *, leads: bool = False) -> PausePolicy:
        """Return the pause policy of this process."""
        return PausePolicy(self.crawl, self.account, self.name, self.options.written(), leads=leads)

    def context(self, journal: Journal, note: Callable[[str, int, int], None]) -> Context:
        """Return what this process's jobs need.

        Args:
            journal: This process's journal.
            note: Called with the name of a job, and its records and pages so far.
        """
        return Context(
            crawl=self.settings.crawl,
            worker=self.name,
            network=self.network,
            fetcher=self.fetcher,
            jobs=Jobs(self.connection, self.keys, self.name),
            frontier=self.frontier,
            layout=self.layout,
            journal=journal,
            counts=self.counts,
            complete_lists=self.complete_lists,
            clock=SystemClock(),
            halt=self.halt,
            selection=self.selection,
            max_followers=self.options.max_followers,
            max_posts=self.options.max_posts,
            refresh_older_than=self.options.refresh_older_than_s,
            shortfall=self.options.shortfall,
            modules=self.options.all_modules,
            note=note,
        )

    def worker(self, journal: Journal, *, has_own_master: bool = False) -> Worker:
        """Return a worker of all the crawl's modules.

        Args:
            journal: This process's journal.
            has_own_master: Whether the master is in this process too, so that it cannot be lost alone.
        """
        worker: Worker
        self.account.cap.follow()

        def note(name: str, records: int, pages: int) -> None:
            worker.note(name, records, pages)

        worker = Worker(
            self.context(journal, note),
            self.pause_policy(leads=has_own_master),
            credentials=[credential.name for credential in self.credentials],
            modules=self.options.all_modules,
            slots=self.settings.concurrency,
            lease_s=self.options.lease_s,
            max_attempts=self.options.max_attempts,
            stops_without_master=self.settings.on_master_loss == "stop" and not has_own_master,
        )
        return worker


@asynccontextmanager
async def _assembled(
    settings: Settings, options: CrawlOptions, connection: Connection, credentials: Credentials, name: str
) -> AsyncIterator[Runtime]:
    """See `Runtime.of`."""
    check_network(settings, options)
    asked = registry.network(settings, options)
    keys, shared = CrawlKeys(settings.crawl, options.modules), NetworkKeys(options.account)
    notes = spending(settings, name)
    account = Account(
        connection,
        shared,
        budget=options.budget,
        horizon_s=_HORIZON * settings.request_timeout_s,
        crawl=settings.crawl,
        spending=notes,
    )
    halt = asyncio.Event()
    clock = SystemClock()
    crawl, counts, files = CrawlState(connection, keys), CountCache(connection, shared), layout(settings)
    bought = BoughtProfiles(files, settings.crawl, name, network=asked.name)
    await asyncio.to_thread(claim, files, asked.name)
    await account.open(await crawl.ledger(options.account))
    async with AsyncExitStack() as stack:
        stack.callback(bought.close)
        releasing = stack.enter_context(Releasing())
        stack.callback(notes.close)
        transport = await stack.enter_async_context(
            Transport(timeout_s=settings.request_timeout_s, proxies=proxies(settings))
        )
        stack.push_async_callback(credentials.settled)  # before the wire is closed
        fetcher = Fetcher(
            network=asked,
            transport=transport,
            credentials=credentials,
            account=account,
            crawl=settings.crawl,
            clock=clock,
            halt=halt,
            lease_s=options.lease_s,
        )
        stack.callback(releasing.begin)
        yield Runtime(
            name=name,
            settings=settings,
            options=options,
            crawl=crawl,
            frontier=Frontier(connection, keys),
            admin=JobAdmin(connection, keys),
            reaper=Reaper(connection, keys, lease_s=options.lease_s),
            account=account,
            fetcher=fetcher,
            network=asked,
            counts=counts,
            selection=selection(options, asked),
            buyer=ProfileBuyer(
                fetcher=fetcher,
                network=asked,
                crawl=crawl,
                names=NameCache(connection, shared),
                counts=counts,
                kept=bought,
                events=EventStream(connection, keys),
                clock=clock,
                refresh_older_than=options.refresh_older_than_s,
            ),
            layout=files,
            complete_lists=CompleteLists(files),
            connection=connection,
            keys=keys,
            credentials=credentials,
            halt=halt,
        )
