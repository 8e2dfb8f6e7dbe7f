"""Stand by for a master: watch who leads a crawl, and take over when nobody does.

A standby ends as the crawl does that it has seen led: finished, or paused by the network. If the crawl has no
master when the standby starts, since it is finished, paused or not begun, the standby waits for one as
workers do. It begins a crawl that nobody else begins, and never restarts a finished one: that could buy
lists twice.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from enum import Enum, auto

import msgspec

from twittomatic.app.build import (
    another_network,
    check_budget,
    check_selection,
    given_credentials,
    layout,
)
from twittomatic.app.build import credentials as own_credentials
from twittomatic.app.connect import connected, process_name
from twittomatic.app.lead import seeds, tidy, watched
from twittomatic.app.logs import log_to
from twittomatic.app.observer import Observer
from twittomatic.app.outcome import Outcome, Result, undone
from twittomatic.app.runtime import Runtime
from twittomatic.app.start import before_work, begin
from twittomatic.app.stop import Releasing, on_stop
from twittomatic.clock import wait_event
from twittomatic.crawler.options import CrawlOptions
from twittomatic.errors import SettingsError, TwittomaticError
from twittomatic.model import Phase, only_updates
from twittomatic.planning.targets import Targets
from twittomatic.settings import Settings
from twittomatic.state.connection import Connection
from twittomatic.state.crawl import flags
from twittomatic.state.embedded.server import Role
from twittomatic.state.keys import CrawlKeys
from twittomatic.state.leadership import Leadership
from twittomatic.state.status import CrawlStatus, read_status

_POLL_S = 0.25  # a twelfth of the time that a silent leadership lasts
_log = logging.getLogger(__name__)


class Action(Enum):
    """The next step of a standby."""

    WAIT = auto()
    LEAD = auto()
    FINISH = auto()
    PAUSE = auto()


def decide(status: CrawlStatus, *, stood_by: bool, has_targets: bool, lonely: bool) -> tuple[Action, str]:
    """Return what a standby does next, and why in one sentence.

    Args:
        status: Status of the crawl.
        stood_by: Whether it has seen a master lead.
        has_targets: Whether it could begin the crawl.
        lonely: Whether nobody has led for as long as a master takes to start.
    """
    crawl = f"crawl “{status.crawl}”"
    if status.master:
        return Action.WAIT, f"Standing by; {status.master.name} leads."
    if status.phase is Phase.FINISHED:
        if stood_by:
            return Action.FINISH, f"{crawl.capitalize()} is finished."
        return Action.WAIT, f"Standing by; {crawl} is finished, unless a master begins it again."
    if status.phase is Phase.PAUSED and status.paused_by == "network":
        if stood_by:
            return Action.PAUSE, f"Paused: {status.reason}"
        return Action.WAIT, f"Standing by; {crawl} is paused until a master resumes it: {status.reason}"
    if status.phase is Phase.IDLE and not (has_targets and (stood_by or lonely)):
        return Action.WAIT, f"Standing by; nobody has begun {crawl}."
    if status.is_seeding and not has_targets:
        return Action.WAIT, f"Standing by; {crawl} lacks some of its targets, which its --stream names."
    return Action.LEAD, f"Nobody leads {crawl}."


async def stand_by(
    settings: Settings,
    modules: str,
    given: Targets,
    observer: Observer,
    *,
    until_spent: bool = False,
    logs: bool = False,
) -> Result:
    """Wait until nobody leads the crawl, then lead it until it ends; otherwise as `lead`."""
    check_budget(settings)
    credentials = own_credentials(settings) if given.names else given_credentials(settings)
    options = CrawlOptions.of(modules, settings)
    check_selection(settings, options)
    files = layout(settings)
    await asyncio.to_thread(files.prepare)
    name = process_name("master")
    if logs:
        log_to(settings.log_directory, f"{settings.crawl}.{name}", observer.warning)
    async with connected(settings, Role.JOIN, name) as connection:
        keys = CrawlKeys(settings.crawl, modules)
        leadership = Leadership(connection, keys, name)
        has_targets = bool(given) or only_updates(modules)
        standby = Standby(
            connection, keys, leadership, observer, network=settings.network, has_targets=has_targets
        )
        try:
            action, status = await standby.wait()
            if action is Action.FINISH:  # the last master may have died before it tidied
                await tidy(connection, keys, files)
                left = await undone(connection, keys, options.all_modules)
                return Result(outcome=Outcome.FINISHED, undone=left)
            if action is Action.PAUSE:
                return Result(outcome=Outcome.PAUSED, reason=status.reason)
            if action is not Action.LEAD:
                return Result(outcome=Outcome.INTERRUPTED)
            observer.info(f"{name} leads crawl “{settings.crawl}” (epoch {leadership.epoch}).")
            _log.info("leads", extra={"count": leadership.epoch})
            if status.options and status.options != options.written():
                observer.info(
                    "It continues with the options that it started with, not with those of this process."
                )
                options = CrawlOptions.read(status.options)
                check_budget(settings, options)
            async with Runtime.of(settings, options, connection, credentials, name) as runtime:
                await runtime.share_cap(leadership)  # the last master may have died before it did
                master = runtime.master(leadership)
                if status.is_seeding or not status.is_begun:
                    async with leadership.kept():
                        with before_work(runtime, observer):
                            ids = await seeds(runtime, given, observer)
                            if status.phase is Phase.PAUSED:
                                await master.seed(runtime.buyer.users(ids))
                            else:
                                await begin(
                                    runtime, master, leadership, ids, observer, until_spent=until_spent
                                )
                return await watched(runtime, observer, master.run(), master.leave)
        finally:
            with Releasing() as releasing, suppress(TwittomaticError):
                releasing.begin()
                await leadership.resign()


class Standby:
    """Watches a crawl until it must be led, or ends.

    Args:
        connection: Connection to the state server.
        keys: The crawl's keys, with the modules that it must have.
        leadership: This process's claim to lead.
        observer: Receives what the standby waits for.
        network: The network that this process would ask.
        has_targets: Whether it could begin the crawl.
    """

    lonely_s = 5.0  # for a master that starts at the same time to begin the crawl

    def __init__(
        self,
        connection: Connection,
        keys: CrawlKeys,
        leadership: Leadership,
        observer: Observer,
        *,
        network: str,
        has_targets: bool,
    ) -> None:
        self._connection = connection
        self._network = network
        self._keys = keys
        self._leadership = leadership
        self._observer = observer
        self._has_targets = has_targets
        self._stood_by = False
        self._reported = ""

    async def wait(self) -> tuple[Action, CrawlStatus]:
        """Wait until there is something to do; return that, and the crawl.

        Returns:
            LEAD if this process leads now, FINISH or PAUSE if the crawl has ended, WAIT if a stop came first.
        """
        loop = asyncio.get_running_loop()
        began_at = loop.time()
        with on_stop(lambda: None) as requested:
            while True:
                status = await read_status(self._connection, self._keys.crawl)
                self._stood_by = self._stood_by or status.master is not None
                action = self._decide(status, lonely=loop.time() - began_at > self.lonely_s)
                if action in (Action.FINISH, Action.PAUSE):
                    return action, status
                if (action is Action.LEAD or status.master) and await self._leadership.lead():
                    ours = msgspec.structs.replace(
                        await read_status(self._connection, self._keys.crawl), master=None
                    )
                    if self._decide(ours, lonely=action is Action.LEAD) is Action.LEAD:
                        return Action.LEAD, ours
                    await self._leadership.resign()  # it ended at this moment
                elif await wait_event(requested, _POLL_S):
                    return Action.WAIT, status

    def _decide(self, status: CrawlStatus, *, lonely: bool) -> Action:
        is_unfinished = status.phase in (Phase.RUNNING, Phase.PAUSED)
        if is_unfinished and status.network != self._network:
            raise another_network(status.crawl, status.network, self._network)
        if is_unfinished and status.traversal != self._keys.traversal:
            raise SettingsError(
                f"Crawl “{status.crawl}” does {flags(status.traversal)}, not {flags(self._keys.traversal)}; "
                "stand by with the same flags, or name another crawl with --crawl."
            )
        action, sentence = decide(
            status, stood_by=self._stood_by, has_targets=self._has_targets, lonely=lonely
        )
        if sentence != self._reported:
            report = self._observer.warning if action is Action.PAUSE else self._observer.info
            report(sentence)
            _log.info(sentence)
        self._reported = sentence
        return action
