"""A standby's session: it watches who leads, and takes over a crawl that nobody leads any more.

A standby shares the fate of the crawl that it stood by for: finished, it ends with 0, or with 1 where jobs
are dead; stopped by the network, with 3. One that comes to a crawl without a master, since it is finished,
paused or not begun, waits for one as workers do. It begins what nobody else begins, and never anew what is
finished: that could buy twice.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from enum import Enum, auto

import click
import msgspec

from twittomatic.app import runtime
from twittomatic.app.runner import Releasing, log_to, on_signals
from twittomatic.app.signals import INTERRUPTED
from twittomatic.cli import sessions
from twittomatic.cli.beginning import begin
from twittomatic.cli.commands import PAUSED
from twittomatic.cli.outcome import conclude
from twittomatic.cli.preparing import preparing
from twittomatic.clock import wait_event
from twittomatic.crawler.options import CrawlOptions
from twittomatic.errors import SettingsError, TwittomaticError
from twittomatic.model import Phase, only_updates
from twittomatic.planning import targets
from twittomatic.settings import Settings
from twittomatic.state.connection import Connection
from twittomatic.state.crawl import flags
from twittomatic.state.embedded.server import Role
from twittomatic.state.keys import CrawlKeys
from twittomatic.state.leadership import Leadership
from twittomatic.state.status import CrawlStatus, read_status

_GLANCE_S = 0.25  # a twelfth of the time that a silent leadership lasts
_LONELY_S = 5.0  # for a master that starts at the same time to begin the crawl
_log = logging.getLogger(__name__)


class Action(Enum):
    """What a standby does next."""

    WAIT = auto()
    LEAD = auto()
    FINISH = auto()
    PAUSE = auto()


def stance(status: CrawlStatus, *, stood_by: bool, has_targets: bool, lonely: bool) -> tuple[Action, str]:
    """Decide what a standby does, and say why in one sentence.

    Args:
        status: How the crawl stands.
        stood_by: Whether it ever saw somebody lead.
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
        return Action.WAIT, f"Standing by; {crawl} is paused until a master goes on with it: {status.reason}"
    if status.phase is Phase.IDLE and not (has_targets and (stood_by or lonely)):
        return Action.WAIT, f"Standing by; nobody has begun {crawl}."
    if status.is_seeding and not has_targets:
        return Action.WAIT, f"Standing by; {crawl} lacks some of its targets, which its --stream names."
    return Action.LEAD, f"Nobody leads {crawl}."


async def stand_by(settings: Settings, modules: str, wanted: targets.Targets, *, until_spent: bool) -> int:
    """Wait until nobody leads the crawl, lead it, and return the exit code. Otherwise as `sessions.lead`."""
    runtime.check_budget(settings)
    credentials = sessions.credentials_for(settings, wanted)
    options = CrawlOptions.of(modules, settings)
    runtime.selection(options, runtime.network(settings, options))
    layout = runtime.layout(settings)
    await asyncio.to_thread(layout.prepare)
    name = runtime.process_name("master")
    log_to(settings.log_directory, f"{settings.crawl}.{name}")
    async with runtime.connected(settings, Role.JOIN, name) as connection:
        keys = CrawlKeys(settings.crawl, modules)
        leadership = Leadership(connection, keys, name)
        standby = Standby(connection, keys, leadership, has_targets=bool(wanted) or only_updates(modules))
        try:
            found = await standby.wait()
            if found == 0:  # whoever led may have died over it
                await sessions.tidy(connection, keys, layout)
                return await conclude(connection, keys, options.all_modules)
            if isinstance(found, int):
                return found
            click.echo(f"{name} leads crawl “{settings.crawl}” (epoch {leadership.epoch}).")
            _log.info("leads", extra={"count": leadership.epoch})
            if found.options and found.options != options.written():
                click.echo("It goes on with the options that it was begun with, not with those of this one.")
                options = CrawlOptions.read(found.options)
                runtime.check_budget(settings, options)
            async with runtime.parts(settings, options, connection, credentials, name) as parts:
                await parts.share_cap(leadership)  # who led may have died before he could
                master = parts.master(leadership)
                if found.is_seeding or not found.is_begun:
                    async with leadership.kept():
                        with preparing(parts):
                            ids = await sessions.ids_of(parts, modules, wanted)
                            if found.phase is Phase.PAUSED:
                                await master.seed(parts.lookup.users(ids))
                            else:
                                await begin(parts, master, leadership, ids, until_spent=until_spent)
                return await sessions.watched(parts, master.run(), master.leave)
        finally:
            with Releasing() as releasing, suppress(TwittomaticError):
                releasing.begin()
                await leadership.resign()


class Standby:
    """Looks at a crawl until it is to be led, or ends.

    Args:
        connection: To the server.
        keys: Of the crawl, with the modules that it must have.
        leadership: Of this process.
        has_targets: Whether it could begin the crawl.
    """

    def __init__(
        self, connection: Connection, keys: CrawlKeys, leadership: Leadership, *, has_targets: bool
    ) -> None:
        self._connection = connection
        self._keys = keys
        self._leadership = leadership
        self._has_targets = has_targets
        self._stood_by = False
        self._said = ""

    async def wait(self) -> CrawlStatus | int:
        """Return the crawl once it is led here, or the exit code when that is not to be."""
        loop = asyncio.get_running_loop()
        began_at = loop.time()
        with on_signals(lambda: None) as told:
            while True:
                status = await read_status(self._connection, self._keys.crawl)
                self._stood_by = self._stood_by or status.master is not None
                verdict = self._decide(status, lonely=loop.time() - began_at > _LONELY_S)
                if verdict is Action.FINISH:
                    return 0
                if verdict is Action.PAUSE:
                    return PAUSED
                if (verdict is Action.LEAD or status.master) and await self._leadership.lead():
                    ours = msgspec.structs.replace(
                        await read_status(self._connection, self._keys.crawl), master=None
                    )
                    if self._decide(ours, lonely=verdict is Action.LEAD) is Action.LEAD:
                        return ours
                    await self._leadership.resign()  # it came to its end in this moment
                elif await wait_event(told, _GLANCE_S):
                    return INTERRUPTED

    def _decide(self, status: CrawlStatus, *, lonely: bool) -> Action:
        if status.phase in (Phase.RUNNING, Phase.PAUSED) and status.traversal != self._keys.traversal:
            raise SettingsError(
                f"Crawl “{status.crawl}” does {flags(status.traversal)}, not {flags(self._keys.traversal)}; "
                "stand by with the same flags, or name another crawl with --crawl."
            )
        verdict, sentence = stance(
            status, stood_by=self._stood_by, has_targets=self._has_targets, lonely=lonely
        )
        if sentence != self._said:
            click.echo(sentence, err=verdict is Action.PAUSE)
            _log.info(sentence)
        self._said = sentence
        return verdict
