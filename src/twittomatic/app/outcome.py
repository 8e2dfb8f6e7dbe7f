"""How a command on a crawl ended, and what a finished crawl left undone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto

from twittomatic.model import Module
from twittomatic.state.admin import JobAdmin
from twittomatic.state.connection import Connection
from twittomatic.state.crawl import CrawlState
from twittomatic.state.jobs import EarlyEnd
from twittomatic.state.keys import CrawlKeys
from twittomatic.state.status import CrawlStatus

_EXAMPLES = 10  # jobs, or lists; a crawl that lost its network can have millions


class Outcome(Enum):
    """How a command ended."""

    FINISHED = auto()
    PAUSED = auto()  # by the network or the budget; the same command resumes it
    INTERRUPTED = auto()  # by a signal or `Crawl.stop`; the same command resumes it


@dataclass(frozen=True, kw_only=True)
class Undone:
    """What a finished crawl could not download.

    Attributes:
        dead: Jobs that failed too often.
        dead_jobs: Some of them, `module:user_id`, each with its last reason.
        early: Lists that ended before all records that the profile claims had come.
        early_lists: Some of them, `module:user_id`.
    """

    dead: int = 0
    dead_jobs: Mapping[str, str] = field(default_factory=dict)
    early: int = 0
    early_lists: Mapping[str, EarlyEnd] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.dead or self.early)


@dataclass(frozen=True, kw_only=True)
class Result:
    """How a command on a crawl ended.

    Attributes:
        outcome: How.
        reason: Why the crawl is paused.
        undone: What is missing although the crawl is finished.
        status: Status of the crawl at the end; None if this process did not work on it.
    """

    outcome: Outcome
    reason: str = ""
    undone: Undone = Undone()
    status: CrawlStatus | None = field(default=None, repr=False)  # a screenful

    @property
    def is_complete(self) -> bool:
        """Whether the crawl is finished, and nothing is left undone."""
        return self.outcome is Outcome.FINISHED and not self.undone


async def undone(connection: Connection, keys: CrawlKeys, modules: Sequence[Module]) -> Undone:
    """Return what a finished crawl left undone.

    Args:
        connection: Connection to the state server.
        keys: The crawl's keys.
        modules: The modules that count; others are not this command's concern.
    """
    jobs = (await CrawlState(connection, keys).status()).jobs
    dead = sum(jobs[module].dead for module in modules)
    dead_jobs = {}
    if dead:
        found = await JobAdmin(connection, keys).some_dead(modules, _EXAMPLES)
        dead_jobs = {name: tries[-1].reason for name, tries in found.items()}
    early, lists = 0, {}
    async for name, end in JobAdmin(connection, keys).early_ends(modules):
        early += 1
        if early <= _EXAMPLES:
            lists[name] = end
    return Undone(dead=dead, dead_jobs=dead_jobs, early=early, early_lists=lists)
