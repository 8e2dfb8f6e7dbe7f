"""A crawl's plan: gathered, and bought for where it must be."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

import click
import msgspec

from twittomatic.app.runtime import Runtime
from twittomatic.clock import SystemClock
from twittomatic.model import Module
from twittomatic.modules.selection import Selection
from twittomatic.networks.base import Counts
from twittomatic.planning.estimate import Found, Plan, Tally, TargetEstimate, needs_counts
from twittomatic.planning.known import KnownTargets
from twittomatic.planning.userids import UserIds

_BATCH = 10_000  # targets that are Python objects at a time


class QuoteBuilder:
    """The plan of one crawl, better with every profile that is read.

    Args:
        parts: Of the crawl.
        user_ids: Its targets.
        assumed: Counts of those whose profiles nobody read.
        nameless: Screen names that nobody resolved.
        remainder: Takes off some targets what the crawl has done with them, if it was begun.
    """

    def __init__(
        self,
        parts: Runtime,
        user_ids: Sequence[str],
        *,
        assumed: Counts | None = None,
        nameless: Sequence[str] = (),
        remainder: Callable[[Sequence[TargetEstimate]], Awaitable[Sequence[TargetEstimate]]] | None = None,
    ) -> None:
        self._parts = parts
        self._ids = user_ids
        self._assumed = assumed
        self._nameless = nameless
        self._remainder = remainder
        self._clock = SystemClock()
        self._counting = KnownTargets(
            parts.options,
            network=parts.network,
            counts=parts.counts,
            layout=parts.layout,
            known_files=parts.known_files,
        )
        self._found: Found | None = None
        self._tally = self._new_tally()
        self._unknown = UserIds()

    async def gather(self) -> None:
        """Take what is known without a request; the targets are looked at some thousand at a time."""
        options = self._parts.options
        if self._found is None and options.max_depth and options.includes(Module.ANALYZER):
            self._found = await self._look_at_followers()
        self._tally, self._unknown = self._new_tally(), UserIds()
        async for subjects in self._batches():
            self._unknown.extend(subject.user_id for subject in subjects if needs_counts(subject, options))
            for subject in subjects:
                self._tally.add(self._with_assumed(subject))
        for name in self._nameless:
            self._tally.add(self._with_assumed(TargetEstimate(user_id=f"@{name}")))

    async def unknown(self) -> Sequence[str]:
        """Return the targets of whom not even the dataset's profiles tell enough."""
        if self._unknown and await self._counting.search(self._unknown, self._clock.now()):
            await self.gather()
        return self._unknown

    async def _look_at_followers(self) -> Found:
        """Look at the followers of those targets whose list is in the dataset."""
        selection = Selection(self._parts.options.select, "", self._parts.network)
        crawled = [
            subject
            async for subjects in self._batches(done=False)
            for subject in subjects
            if Module.FOLLOWER in subject.kept
        ]
        return await self._counting.found(
            crawled,
            self._clock.now(),
            lambda profile: not self._parts.options.select or selection.score(profile) is not None,
            targets=self._ids,
        )

    async def _batches(self, *, done: bool = True) -> AsyncIterator[Sequence[TargetEstimate]]:
        """Yield the targets as they stand.

        Args:
            done: Whether what the crawl has done with them already counts as if it were in the dataset.
        """
        for start in range(0, len(self._ids), _BATCH):
            ids = self._ids[start : start + _BATCH]
            subjects = await self._counting.subjects(ids, self._clock.now())
            yield await self._remainder(subjects) if done and self._remainder else subjects

    def _new_tally(self) -> Tally:
        kinds = [credential.kind for credential in self._parts.credentials]
        return Tally(self._parts.options, self._parts.network, kinds=kinds, found=self._found)

    async def buy(self, user_ids: Sequence[str]) -> None:
        """Buy the profiles of targets."""
        await self._parts.lookup.count(user_ids, lambda sentence: click.echo(sentence, err=True))
        await self.gather()

    def plan(self) -> Plan:
        """Return the plan as far as it is known."""
        return self._tally.plan(bought=self._parts.lookup.bought)

    def _with_assumed(self, subject: TargetEstimate) -> TargetEstimate:
        if self._assumed is None:
            return subject
        counts, assumed = subject.counts or Counts(), self._assumed
        return msgspec.structs.replace(
            subject,
            counts=Counts(
                followers=assumed.followers if counts.followers is None else counts.followers,
                posts=assumed.posts if counts.posts is None else counts.posts,
                unavailable=counts.unavailable,
            ),
        )
