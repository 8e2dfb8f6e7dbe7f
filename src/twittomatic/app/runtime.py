"""The composition root: the one place that names the concrete parts and puts them together."""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from twittomatic.app.runner import Releasing
from twittomatic.clock import SystemClock
from twittomatic.crawler.master import Master
from twittomatic.crawler.options import CrawlOptions, account_of
from twittomatic.crawler.pause import PausePolicy
from twittomatic.crawler.worker import Worker
from twittomatic.errors import SettingsError
from twittomatic.fetch.credentials import Credentials
from twittomatic.fetch.fetcher import Fetcher
from twittomatic.fetch.proxy import Proxies
from twittomatic.fetch.transport import Transport
from twittomatic.modules.context import Context
from twittomatic.modules.selection import Selection
from twittomatic.networks.x import X, limits
from twittomatic.networks.x.prices import Prices
from twittomatic.planning.profiles import ProfileBuyer
from twittomatic.planning.value import VALUE_PER_DOLLAR, value_per_dollar
from twittomatic.settings import Settings, is_x
from twittomatic.state.account import Money
from twittomatic.state.admission import admit
from twittomatic.state.client import client
from twittomatic.state.connection import Connection
from twittomatic.state.counts import KnownCounts
from twittomatic.state.crawl import CrawlState
from twittomatic.state.embedded.server import Role, embedded
from twittomatic.state.frontier import Frontier
from twittomatic.state.jobs import Jobs
from twittomatic.state.keys import CrawlKeys, NetworkKeys
from twittomatic.state.leadership import Leadership
from twittomatic.state.names import KnownNames
from twittomatic.state.recovery import Recovery
from twittomatic.state.spending import Spending
from twittomatic.state.stream import EventStream
from twittomatic.storage.bought import BoughtProfiles
from twittomatic.storage.completeness import CompleteLists
from twittomatic.storage.journal import Journal
from twittomatic.storage.paths import Layout

START_PATIENCE_S = 5.0  # for a server that does not answer when a command begins
_HORIZON = 4  # request timeouts after which a reservation that nobody settled is spent


def process_name(name: str) -> str:
    """Return a name for this process that no other ever had: `NAME@host.pid-random`."""
    host = "".join(letter if letter.isalnum() or letter == "-" else "-" for letter in socket.gethostname())
    return f"{name}@{host[:40]}.{os.getpid()}-{secrets.token_hex(3)}"


def network(settings: Settings, options: CrawlOptions | None = None) -> X:
    """Return the network to crawl, as the crawl's options have it, or as the settings alone do.

    Raises:
        SettingsError: a price or a limit of the configuration file is none.
    """
    chosen = options or settings
    return X(
        url=settings.x_api_url,
        expand_referenced=chosen.expand_referenced,
        prices=Prices.of(chosen.prices),
        documented=limits.of(chosen.limits),
    )


def selection(options: CrawlOptions, network: X) -> Selection:
    """Return what chooses and ranks the followers.

    Raises:
        SettingsError: SELECT or PRIORITY is none.
    """
    valued = options.priority.strip().lower() == VALUE_PER_DOLLAR
    scored = value_per_dollar(options, network) if valued else None
    return Selection(options.select, options.priority, network.lifted, scored=scored)


def layout(settings: Settings) -> Layout:
    """Return where the files are."""
    return Layout(settings.output_directory, settings.temporary_directory)


def spending(settings: Settings, process: str) -> Spending:
    """Return where the dataset's processes note what they pay, and on the ledgers of which server.

    Redis servers count as one, since an address has many names, but each database has its own ledger.
    """
    if settings.redis_url:
        database = client(settings.redis_url, process).connection_pool.connection_kwargs.get("db")
        server = f"redis/{database or 0}"
    else:
        place = os.fsencode(settings.state_directory.absolute())
        server = place.decode(errors="backslashreplace")
    return Spending(layout(settings).spending, process, server)


def credentials(settings: Settings) -> Credentials:
    """Return the credentials.

    Raises:
        SettingsError: there is none, or they cannot be read.
    """
    found = Credentials.load(settings.x_bearer_tokens, settings.x_user_tokens)
    if not len(found):
        raise SettingsError(
            "X_BEARER_TOKENS, X_USER_TOKENS: no token was given; X accepts nobody without one."
        )
    return found


def proxies(settings: Settings) -> Proxies:
    """Return the proxies.

    Raises:
        SettingsError: PROXY or the environment names something that is no HTTP proxy.
    """
    found = Proxies(settings.proxy)
    found.for_url(settings.x_api_url)
    return found


def check_budget(settings: Settings, options: CrawlOptions | None = None) -> None:
    """Make sure that X itself is not asked without a budget, nor on the bill of something else.

    Args:
        settings: Of this process, which say whom it asks.
        options: Of the crawl, where another process began it, so that its budget counts.

    Raises:
        SettingsError: it would be.
    """
    if not is_x(settings.x_api_url):
        return
    if options is None and settings.budget_usd is None:
        raise SettingsError(
            "BUDGET_USD: X charges for every read; say what this may cost, such as --budget-usd 25."
        )
    if options and options.budget_usd is None:
        raise SettingsError(
            f"BUDGET_USD: crawl “{settings.crawl}” was begun without one, and this process would ask X, "
            "which charges for every read; begin it with one, or give X_API_URL as its master has it."
        )
    if options and options.account != account_of(settings):
        raise SettingsError(
            f"X_API_URL: crawl “{settings.crawl}” is on the account {options.account}, and this process "
            "would ask X; give X_API_URL as its master has it."
        )


@asynccontextmanager
async def connected(settings: Settings, role: Role, name: str) -> AsyncIterator[Connection]:
    """Be connected to the crawl's state server, which is started or joined where it is embedded.

    Args:
        settings: Of this process.
        role: What it wants of an embedded server.
        name: Of this process, shown to the server.

    Raises:
        StateError: no server, or it does not let us.
        SettingsError: the server cannot hold a crawl; see `state.admission`.
    """
    connection: Connection | None = None

    def give_up() -> None:
        if connection:
            connection.patience_s = 0.0

    async with AsyncExitStack() as stack:
        releasing = stack.enter_context(Releasing())
        url = settings.redis_url or await stack.enter_async_context(
            embedded(settings.state_directory, role, give_up)
        )
        connection = Connection(client(url, name), patience_s=START_PATIENCE_S)
        stack.push_async_callback(connection.close)
        if role is Role.VISIT:  # who only looks may look at any server
            await connection.call("PING")
        else:
            await admit(connection, allow_unchecked=settings.allow_unchecked_redis)
        connection.patience_s = max(60.0, 2 * settings.lease_s)
        stack.callback(releasing.begin)
        yield connection


@dataclass(frozen=True, kw_only=True)
class Runtime:
    """A crawl's parts, for the process that works on it.

    Attributes:
        name: Of the process.
        options: Of the crawl.
        crawl: The crawl as a whole.
        frontier: Its targets.
        recovery: Takes jobs back.
        money: Windows and ledger.
        fetcher: Asks the network.
        network: The network.
        counts: What profiles said of users' lists.
        lookup: Buys profiles before a crawl begins.
        layout: Where files are.
        known_files: What the journal says of them.
        connection: To the server.
        keys: Of the crawl.
    """

    name: str
    settings: Settings
    options: CrawlOptions
    crawl: CrawlState
    frontier: Frontier
    recovery: Recovery
    money: Money
    fetcher: Fetcher
    network: X
    counts: KnownCounts
    lookup: ProfileBuyer
    layout: Layout
    known_files: CompleteLists
    connection: Connection
    keys: CrawlKeys
    credentials: Credentials
    halt: asyncio.Event

    async def share_cap(self, leadership: Leadership) -> None:
        """Make the budget of this process the crawl's, and let the crawl remember on which ledger it spends.

        Raises:
            LeadershipLost: another master leads, and its cap stands.
        """
        await self.money.share_cap(leadership)
        await self.crawl.remember_ledger(self.options.account, self.money.ledger)

    def leadership(self) -> Leadership:
        """Return a claim to lead."""
        return Leadership(self.connection, self.keys, self.name)

    def master(self, leadership: Leadership) -> Master:
        """Return a master."""
        return Master(leadership, self.crawl, self.frontier, self.recovery, self.options, SystemClock())

    def pausing(self, *, leads: bool = False) -> PausePolicy:
        """Return what pauses the crawl for this process."""
        return PausePolicy(self.crawl, self.money, self.name, leads=leads)

    def worker(self, journal: Journal, selection: Selection, *, has_own_master: bool = False) -> Worker:
        """Return a worker of all the crawl's modules.

        Args:
            journal: Of this process.
            selection: Of the followers.
            has_own_master: Whether the master is in this process too, and so comes back where it was held up.
        """
        worker: Worker
        self.money.follow()

        def note(name: str, records: int, pages: int) -> None:
            worker.note(name, records, pages)

        context = Context(
            crawl=self.settings.crawl,
            worker=self.name,
            network=self.network,
            fetcher=self.fetcher,
            jobs=Jobs(self.connection, self.keys, self.name),
            frontier=self.frontier,
            layout=self.layout,
            journal=journal,
            counts=self.counts,
            known_files=self.known_files,
            clock=SystemClock(),
            halt=self.halt,
            selection=selection,
            max_followers=self.options.max_followers,
            max_posts=self.options.max_posts,
            refresh_older_than=self.options.refresh_older_than,
            shortfall=self.options.shortfall,
            modules=self.options.all_modules,
            note=note,
        )
        worker = Worker(
            context,
            self.pausing(leads=has_own_master),
            credentials=[credential.name for credential in self.credentials],
            modules=self.options.all_modules,
            slots=self.settings.concurrency,
            lease_s=self.options.lease_s,
            max_attempts=self.options.max_attempts,
            stops_without_master=self.settings.on_master_loss == "stop" and not has_own_master,
        )
        return worker


@asynccontextmanager
async def parts(
    settings: Settings, options: CrawlOptions, connection: Connection, credentials: Credentials, name: str
) -> AsyncIterator[Runtime]:
    """Put a crawl's parts together, the wire open.

    Args:
        settings: Of this process.
        options: Of the crawl.
        connection: To the state server.
        credentials: Of this process.
        name: Of this process.
    """
    x = network(settings, options)
    keys, shared = CrawlKeys(settings.crawl, options.modules), NetworkKeys(options.account)
    notes = spending(settings, name)
    money = Money(
        connection,
        shared,
        budget=options.budget_usd,
        horizon_s=_HORIZON * settings.request_timeout_s,
        crawl=settings.crawl,
        spending=notes,
    )
    halt = asyncio.Event()
    clock = SystemClock()
    crawl, counts, files = CrawlState(connection, keys), KnownCounts(connection, shared), layout(settings)
    bought = BoughtProfiles(files, settings.crawl, name)
    await money.open(await crawl.ledger(options.account))
    async with AsyncExitStack() as stack:
        stack.callback(bought.close)
        releasing = stack.enter_context(Releasing())
        stack.callback(notes.close)
        transport = await stack.enter_async_context(
            Transport(timeout_s=settings.request_timeout_s, proxies=proxies(settings))
        )
        stack.push_async_callback(credentials.settled)  # before the wire is closed
        fetcher = Fetcher(
            network=x,
            transport=transport,
            credentials=credentials,
            money=money,
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
            recovery=Recovery(connection, keys, lease_s=options.lease_s),
            money=money,
            fetcher=fetcher,
            network=x,
            counts=counts,
            lookup=ProfileBuyer(
                fetcher=fetcher,
                network=x,
                crawl=crawl,
                names=KnownNames(connection, shared),
                counts=counts,
                kept=bought,
                events=EventStream(connection, keys),
                clock=clock,
                refresh_older_than=options.refresh_older_than,
            ),
            layout=files,
            known_files=CompleteLists(files),
            connection=connection,
            keys=keys,
            credentials=credentials,
            halt=halt,
        )
