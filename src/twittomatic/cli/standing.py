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

_GLANCE_S = 0.25  # a twelfth of the time that a silent leadership lasts
_LONELY_S = 5.0  # for a master that starts at the same time to begin the crawl
_log = logging.getLogger(__name__)


class Action(Enum):
    """What a standby does next."""

    WAIT = auto()
    LEAD = auto()
    FINISH = auto()
    PAUSE = auto()


class CrawlView(msgspec.Struct, frozen=True, kw_only=True):
    """What a standby sees of a crawl.

    Attributes:
        crawl: Its name.
        phase: As in Redis, empty where nobody has begun it.
        reason: Why it is paused.
        paused_by: `user` or `network`.
        modules: What it does to each target.
        seeding: Whether a master died before all its targets were in the frontier.
        leader: Who leads, empty while nobody does.
        options: JSON of its options.
    """

    crawl: str
    phase: str = ""
    reason: str = ""
    paused_by: str = ""
    modules: str = ""
    seeding: bool = False
    leader: str = ""
    options: str = ""


def stance(look: CrawlView, *, stood_by: bool, has_targets: bool, lonely: bool) -> tuple[Action, str]:
    """Decide what a standby does, and say why in one sentence.

    Args:
        look: The crawl.
        stood_by: Whether it ever saw somebody lead.
        has_targets: Whether it could begin the crawl.
        lonely: Whether nobody has led for as long as a master takes to start.
    """
    crawl = f"crawl “{look.crawl}”"
    if look.leader:
        return Action.WAIT, f"Standing by; {look.leader} leads."
    if look.phase == Phase.FINISHED:
        if stood_by:
            return Action.FINISH, f"{crawl.capitalize()} is finished."
        return Action.WAIT, f"Standing by; {crawl} is finished, unless a master begins it again."
    if look.phase == Phase.PAUSED and look.paused_by == "network":
        if stood_by:
            return Action.PAUSE, f"Paused: {look.reason}"
        return Action.WAIT, f"Standing by; {crawl} is paused until a master goes on with it: {look.reason}"
    if not look.phase and not (has_targets and (stood_by or lonely)):
        return Action.WAIT, f"Standing by; nobody has begun {crawl}."
    if look.seeding and not has_targets:
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
                if found.seeding or not found.phase:
                    async with leadership.kept():
                        with preparing(parts):
                            ids = await sessions.ids_of(parts, modules, wanted)
                            if found.phase == Phase.PAUSED:
                                await master.seed(ids)
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

    async def wait(self) -> CrawlView | int:
        """Return the crawl once it is led here, or the exit code when that is not to be."""
        loop = asyncio.get_running_loop()
        began_at = loop.time()
        with on_signals(lambda: None) as told:
            while True:
                look = await self._look()
                self._stood_by = self._stood_by or bool(look.leader)
                verdict = self._decide(look, lonely=loop.time() - began_at > _LONELY_S)
                if verdict is Action.FINISH:
                    return 0
                if verdict is Action.PAUSE:
                    return PAUSED
                if (verdict is Action.LEAD or look.leader) and await self._leadership.lead():
                    ours = msgspec.structs.replace(await self._look(), leader="")
                    if self._decide(ours, lonely=verdict is Action.LEAD) is Action.LEAD:
                        return ours
                    await self._leadership.resign()  # it came to its end in this moment
                elif await wait_event(told, _GLANCE_S):
                    return INTERRUPTED

    def _decide(self, look: CrawlView, *, lonely: bool) -> Action:
        if look.phase in (Phase.RUNNING, Phase.PAUSED) and look.modules != self._keys.traversal:
            raise SettingsError(
                f"Crawl “{look.crawl}” does {flags(look.modules)}, not {flags(self._keys.traversal)}; "
                "stand by with the same flags, or name another crawl with --crawl."
            )
        verdict, sentence = stance(
            look, stood_by=self._stood_by, has_targets=self._has_targets, lonely=lonely
        )
        if sentence != self._said:
            click.echo(sentence, err=verdict is Action.PAUSE)
            _log.info(sentence)
        self._said = sentence
        return verdict

    async def _look(self) -> CrawlView:
        names = ("phase", "reason", "paused_by", "modules", "seeding", "options")
        values, leader = await asyncio.gather(
            self._connection.call("HMGET", self._keys.crawl_hash, *names),
            self._connection.call("HGET", self._keys.leader, "name"),
        )
        seen = dict(zip(names, (value or "" for value in values), strict=True))
        seeding = seen.pop("seeding") == "1"
        return CrawlView(crawl=self._keys.crawl, leader=leader or "", seeding=seeding, **seen)
