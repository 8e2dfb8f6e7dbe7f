"""Find out what is already known about targets and their lists, without a request."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence

import msgspec

from twittomatic.crawler.options import CrawlOptions
from twittomatic.errors import StorageError
from twittomatic.model import MODULES, Checkpoint, Module
from twittomatic.networks.base import Counts, Network
from twittomatic.planning.estimate import Discovered, TargetEstimate
from twittomatic.planning.userids import UserIds
from twittomatic.state.admin import JobAdmin
from twittomatic.state.cache import CountCache
from twittomatic.storage.completeness import CompleteLists
from twittomatic.storage.formats import read_lines
from twittomatic.storage.paths import Layout
from twittomatic.storage.profiles import find_profiles
from twittomatic.storage.records import record_id


class KnownTargets:
    """Collect what a plan needs from the state and the dataset.

    Args:
        options: The crawl's options.
        network: Reads the profiles.
        counts: Cache of the counts in profiles.
        layout: Paths of the dataset.
        complete_lists: Index of its journal.
    """

    def __init__(
        self,
        options: CrawlOptions,
        *,
        network: Network,
        counts: CountCache,
        layout: Layout,
        complete_lists: CompleteLists,
    ) -> None:
        self._options = options
        self._network = network
        self._counts = counts
        self._layout = layout
        self._files = complete_lists

    async def estimates(self, user_ids: Sequence[str], now: float) -> list[TargetEstimate]:
        """Return what is known about some targets.

        Args:
            user_ids: Decimal, without leading zeros.
            now: Seconds since the epoch.
        """
        counts = await self._counts.read(user_ids, now)
        return await asyncio.to_thread(lambda: [self._estimate(user_id, counts, now) for user_id in user_ids])

    async def search(self, user_ids: Sequence[str], now: float) -> dict[str, Counts]:
        """Look users up in the profiles of the dataset, all of which are read, and return their counts."""
        counts = await asyncio.to_thread(
            lambda: {
                found.user_id: self._network.counts_of(found.record)
                for found in find_profiles(self._layout, user_ids)
            }
        )
        await self._counts.keep(counts, now)
        return counts

    async def found(
        self,
        estimates: Sequence[TargetEstimate],
        now: float,
        selects: Callable[[bytes], bool],
        *,
        targets: Sequence[str],
    ) -> Discovered:
        """Read the followers of targets whose list is complete in the dataset, with all profiles.

        Args:
            estimates: The targets that have such a list.
            now: Seconds since the epoch.
            selects: Returns whether SELECT selects a profile.
            targets: Ids of all targets, which are left out of the result.
        """
        return await asyncio.to_thread(self._found, estimates, now, selects, targets)

    def _found(
        self,
        estimates: Sequence[TargetEstimate],
        now: float,
        selects: Callable[[bytes], bool],
        targets: Sequence[str],
    ) -> Discovered:
        looked: set[str] = set()
        users: dict[str, Counts] = {}
        for estimate in estimates:
            path = self._layout.file(estimate.user_id, "usr")
            if Module.FOLLOWER not in estimate.kept or not path.exists():
                continue
            count, selected = 0, {}
            try:
                for line in read_lines(path):
                    count += 1
                    if selects(line):
                        selected[record_id(line)] = self._network.counts_of(line)
                whole = count >= self._files.state(self._layout.file(estimate.user_id, "fws")).lines
            except (StorageError, msgspec.MsgspecError):
                continue  # `verify` reports it
            if whole:
                looked.add(estimate.user_id)
                users.update(selected)
        for user_id in targets:
            users.pop(user_id, None)
        found = [self._estimate(user_id, users, now) for user_id in users]
        return Discovered(of=looked, users=found)

    def _estimate(self, user_id: str, known: dict[str, Counts], now: float) -> TargetEstimate:
        options, age = self._options, self._options.refresh_older_than_s
        since = None if age is None else now - age
        lists = {
            module: self._layout.file(user_id, spec.list_ext)
            for module, spec in MODULES.items()
            if spec.list_ext and spec.replaces is None
        }
        kept = {
            module
            for module, file in lists.items()
            if self._files.is_whole(file, most=options.most(module), since=since)
        }
        counts = known.get(user_id)
        if Module.FOLLOWER in kept:
            lines = self._files.state(lists[Module.FOLLOWER]).lines
            counts = msgspec.structs.replace(counts or Counts(), followers=lines)
        continued = {
            module: file
            for module, file in lists.items()
            if module not in kept and self._files.unfinished(file, since=since)
        }
        return TargetEstimate(
            user_id=user_id,
            counts=counts,
            kept=kept,
            has_timeline=lists[Module.TIMELINE].exists(),
            bought={module: self._files.state(file).lines for module, file in continued.items()},
            continued=continued,
        )


class Remaining:
    """Subtract what an unfinished crawl has already done: only the rest is quoted when it continues.

    Args:
        waiting: Ids of the targets that are still in the frontier.
        jobs: Has the jobs of the other targets; a target without a job is done.
        modules: The crawl's modules.
    """

    def __init__(self, waiting: UserIds, jobs: JobAdmin, modules: Sequence[Module]) -> None:
        self._waiting = waiting
        self._jobs = jobs
        self._modules = modules

    async def of(self, estimates: Sequence[TargetEstimate]) -> Sequence[TargetEstimate]:
        """Return targets as if everything done or bought for them were in the dataset.

        Args:
            estimates: Some targets.
        """
        waits = self._waiting.contains([estimate.user_id for estimate in estimates])
        others = [estimate.user_id for estimate, waiting in zip(estimates, waits, strict=True) if not waiting]
        begun = await self._jobs.checkpoints_of(others, self._modules) if others else {}
        return [
            estimate if waiting else self._without_done(estimate, begun.get(estimate.user_id, {}))
            for estimate, waiting in zip(estimates, waits, strict=True)
        ]

    def _without_done(self, estimate: TargetEstimate, begun: Mapping[Module, Checkpoint]) -> TargetEstimate:
        done = {module for module in self._modules if module not in begun or begun[module].ended is not None}
        bought = {
            module: checkpoint.files[ext].lines
            for module, checkpoint in begun.items()
            if (ext := MODULES[module].list_ext) in checkpoint.files
        }
        return msgspec.structs.replace(
            estimate, kept={*estimate.kept, *done}, bought={**estimate.bought, **bought}
        )
