"""A crawl's plan: gathered, and bought for where it must be."""

from __future__ import annotations

from collections.abc import Sequence

import click
import msgspec

from twittomatic.cli.compose import Parts
from twittomatic.clock import SystemClock
from twittomatic.crawler.counting import Counting
from twittomatic.crawler.plan import Found, Plan, Subject, needs_counts, plan
from twittomatic.crawler.remainder import Remainder
from twittomatic.modules.selection import Selection
from twittomatic.networks.base import Counts


class Quoting:
    """The plan of one crawl, better with every profile that is read.

    Args:
        parts: Of the crawl.
        user_ids: Its targets.
        assumed: Counts of those whose profiles nobody read.
        nameless: Screen names that nobody resolved.
        remainder: How the crawl stands with them, if it was begun.
    """

    def __init__(
        self,
        parts: Parts,
        user_ids: Sequence[str],
        *,
        assumed: Counts | None = None,
        nameless: Sequence[str] = (),
        remainder: Remainder | None = None,
    ) -> None:
        self._parts = parts
        self._ids = user_ids
        self._assumed = assumed
        self._nameless = nameless
        self._remainder = remainder
        self._clock = SystemClock()
        self._counting = Counting(
            parts.options,
            network=parts.network,
            counts=parts.counts,
            layout=parts.layout,
            known_files=parts.known_files,
        )
        self._subjects: list[Subject] = []
        self._found: Found | None = None

    async def gather(self) -> None:
        """Take what is known without a request."""
        options, now = self._parts.options, self._clock.now()
        self._subjects = await self._counting.subjects(self._ids, now)
        if self._found is None and options.max_depth and "A" in options.modules:
            selection = Selection(options.select, "", self._parts.network.lifted)
            self._found = await self._counting.found(
                self._subjects,
                now,
                lambda profile: not options.select or selection.score(profile) is not None,
            )
        if self._remainder:
            modules = options.all_modules
            self._subjects = [self._remainder.of(subject, modules) for subject in self._subjects]

    async def unknown(self) -> list[str]:
        """Return the targets of whom not even the dataset's profiles tell enough."""
        options = self._parts.options
        wanted = [subject.user_id for subject in self._subjects if needs_counts(subject, options)]
        if wanted and await self._counting.search(wanted, self._clock.now()):
            await self.gather()
            wanted = [subject.user_id for subject in self._subjects if needs_counts(subject, options)]
        return wanted

    async def buy(self, user_ids: Sequence[str]) -> None:
        """Buy the profiles of targets."""
        await self._parts.lookup.count(user_ids, lambda sentence: click.echo(sentence, err=True))
        await self.gather()

    def plan(self) -> Plan:
        """Return the plan as far as it is known."""
        parts = self._parts
        subjects = [*self._subjects, *[Subject(user_id=f"@{name}") for name in self._nameless]]
        if self._assumed is not None:
            subjects = [self._with_assumed(subject) for subject in subjects]
        return plan(
            subjects,
            parts.options,
            parts.network,
            kinds=[credential.kind for credential in parts.credentials],
            bought=parts.lookup.bought,
            found=self._found,
        )

    def _with_assumed(self, subject: Subject) -> Subject:
        counts, assumed = subject.counts or Counts(), self._assumed or Counts()
        return msgspec.structs.replace(
            subject,
            counts=Counts(
                followers=assumed.followers if counts.followers is None else counts.followers,
                posts=assumed.posts if counts.posts is None else counts.posts,
                unavailable=counts.unavailable,
            ),
        )
