"""analyzer: selects the followers that become targets, and sends each to the frontier once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import suppress
from itertools import groupby, islice, repeat
from pathlib import Path
from typing import TypeVar

import msgspec

from twittomatic.errors import Interrupted, StorageError
from twittomatic.faultpoint import reach
from twittomatic.model import MODULES, Checkpoint, Counter, Ending, Job, Module, Target, User, is_address
from twittomatic.modules.context import Context
from twittomatic.modules.finish import finish_job
from twittomatic.modules.pager import new_stem
from twittomatic.modules.threads import to_thread_shielded
from twittomatic.networks.base import Page
from twittomatic.state.jobs import settled
from twittomatic.storage.commit import measured
from twittomatic.storage.formats import member, read_ids, read_lines, to_ids
from twittomatic.storage.idset import IdSet
from twittomatic.storage.part import PartFile, discard
from twittomatic.storage.profiles import StoredProfile, find_profiles
from twittomatic.storage.records import record_id

_FILES = MODULES[Module.ANALYZER].files
_BATCH = 1000  # profiles evaluated at a time, in a thread
_T = TypeVar("_T")


async def run(context: Context, job: Job) -> None:
    """Send the followers of a user that SELECT accepts to the frontier, one hop deeper.

    Their profiles are read from `.usr`. Missing ones are copied from the rest of the dataset, or else bought,
    and added to the file. Without SELECT and PRIORITY no profile is needed.

    Raises:
        TwittomaticError: see `twittomatic.errors`; committed profiles are kept.
    """
    analysis = _Analysis(context, job)
    if not context.layout.file(job.user_id, "fws").exists():
        await context.jobs.complete(job, counters={Counter.UNAVAILABLE: 1})
    elif job.checkpoint.ended is not None:  # an attempt that died had found all
        await finish_job(context, job, job.checkpoint, _FILES)
    elif context.selection.is_needed or context.network.needs_address:
        await analysis.select()
    else:
        await analysis.take_all()


class _Analysis:
    def __init__(self, context: Context, job: Job) -> None:
        self._context = context
        self._job = job
        self._followers = context.layout.file(job.user_id, "fws")
        self._profiles = context.layout.file(job.user_id, "usr")
        self._seen = IdSet()
        self._checkpoint: Checkpoint = job.checkpoint
        self._part: PartFile | None = None
        self._is_counted = False  # whether a checkpoint may count on the part file

    async def take_all(self) -> None:
        async for ids in _in_thread(read_ids(self._followers)):
            await self._context.frontier.discover(
                list(map(str, ids.tolist())), self._job.depth + 1, finder=self._job
            )
            reach("targets.discovered")
            self._stop_if_halted()
        await self._context.jobs.complete(self._job)

    async def select(self) -> None:
        source, size = self._profiles, None
        if self._checkpoint.part:
            source = self._part_path(self._checkpoint.part)
            size = self._checkpoint.files["usr"].size
        if source.exists() or size is not None:
            async for lines in _in_thread(_batches(read_lines(source, size=size), _BATCH)):
                await self._consider(lines)
        missing = [
            user_id
            async for ids in _in_thread(read_ids(self._followers))
            for user_id in ids[~self._seen.contains(ids)].tolist()
        ]
        if missing or self._checkpoint.part:
            await self._look_up(list(map(str, missing)))
            await finish_job(self._context, self._job, self._checkpoint, _FILES)
        else:
            await self._context.jobs.complete(self._job)

    async def _consider(self, profiles: Sequence[bytes]) -> None:
        """Send the selected users to the frontier."""
        targets = await asyncio.to_thread(self._targets, profiles)
        frontier, depth = self._context.frontier, self._job.depth + 1
        if self._context.selection.ranks:
            await frontier.rank(targets, depth, finder=self._job)
        else:
            await frontier.discover([target.entry for target in targets], depth, finder=self._job)
        reach("targets.discovered")
        self._stop_if_halted()

    def _targets(self, profiles: Sequence[bytes]) -> list[Target]:
        ids = to_ids([record_id(profile) for profile in profiles])
        self._seen.add(ids)
        scores, network = map(self._context.selection.score, profiles), self._context.network
        addresses = map(network.address_of, profiles) if network.needs_address else repeat("", len(profiles))
        return [
            Target(user_id=str(user_id), address=address, depth=self._job.depth + 1, score=score)
            for user_id, address, score in zip(ids.tolist(), addresses, scores, strict=True)
            if score is not None and (is_address(address) or not network.needs_address)
        ]

    async def _look_up(self, missing: Sequence[str]) -> None:
        """Copy missing profiles from elsewhere in the dataset, and buy the rest.

        On a network with addresses the rest cannot be bought, because addresses are only in profiles.
        """
        try:
            part = await to_thread_shielded(self._open)
            found = find_profiles(self._context.layout, missing)
            async for profiles in _in_thread(_batches(found, _BATCH)):
                await self._copy_known(profiles, part)
            ids = to_ids(missing)
            missing = list(map(str, ids[~self._seen.contains(ids)].tolist()))
            start = 0
            while start < len(missing) and not self._context.network.needs_address:
                wanted = missing[start : start + self._context.network.users_per_request]
                start += await self._look_up_some(wanted, part)
                self._stop_if_halted()
            self._is_counted = True  # the last checkpoint counts on it, even if this attempt bought nothing
        finally:
            if self._part:
                self._part.close()
                if not self._is_counted:
                    with suppress(StorageError):  # leftovers are removed when the crawl is finished
                        await to_thread_shielded(discard, self._part.path)
        self._checkpoint = msgspec.structs.replace(
            self._checkpoint, ended=Ending.COMPLETE, ended_at=self._context.journal_time()
        )
        await self._context.jobs.commit(self._job, self._checkpoint, {})

    async def _copy_known(self, found: Sequence[StoredProfile], part: PartFile) -> None:
        """Copy profiles of the dataset, each with the time when it was downloaded."""
        records = [one.record for one in found]
        pages = groupby(found, key=lambda one: one.came_at)
        data = b"".join(member([one.record for one in page], at=came_at) for came_at, page in pages)
        await to_thread_shielded(lambda: part.append(data, len(records)))
        self._checkpoint = msgspec.structs.replace(self._checkpoint, files={"usr": part.state})
        self._is_counted = True
        await self._context.jobs.commit(self._job, self._checkpoint, {})
        await self._consider(records)

    async def _look_up_some(self, wanted: Sequence[str], part: PartFile) -> int:
        context, before = self._context, self._checkpoint
        fetched = await context.fetcher.page(
            lambda size: context.network.users_by_id([User(user_id) for user_id in wanted[:size]]),
            len(wanted),
            purpose=self._job.module,
            lease=context.jobs.lease_of(self._job),
        )
        records = self._new(wanted, fetched.page)
        if records:
            data = member(records, at=context.clock.now())
            await to_thread_shielded(lambda: part.append(data, len(records)))
        self._checkpoint = msgspec.structs.replace(
            before,
            files={"usr": part.state},
            requests=before.requests + 1,
            cost=before.cost + fetched.cost,
            received=before.received + len(fetched.page.ids),
        )
        module = self._job.module
        counters = {Counter.PAGES.of(module): 1, Counter.RECORDS.of(module): len(records)}
        self._is_counted = True
        if fetched.page.unreadable:
            counters[Counter.UNREADABLE] = len(fetched.page.unreadable)
        committed = asyncio.ensure_future(context.jobs.commit(self._job, self._checkpoint, counters))
        await settled(committed, fetched.settle())
        await self._consider(records)
        return fetched.size

    def _new(self, wanted: Sequence[str], page: Page) -> list[bytes]:
        """Return the requested profiles on a page, each once; the network may send others too."""
        new = dict.fromkeys(wanted, b"")
        for user_id, record in zip(page.ids, page.records, strict=True):
            if user_id in new:
                new[user_id] = new[user_id] or record
        return [record for record in new.values() if record]

    def _open(self) -> PartFile:
        """Begin a part file with the existing profiles, or take over a predecessor's."""
        before, stem = self._checkpoint, new_stem(self._job)
        if before.part:
            part = self._part = PartFile.take_over(
                self._part_path(stem), self._part_path(before.part), before.files["usr"]
            )
        else:
            part = self._part = PartFile.begin(self._part_path(stem))
            if self._profiles.exists():
                part.append_file(self._profiles, measured(self._profiles))
        self._checkpoint = msgspec.structs.replace(
            before, part=stem, files={"usr": part.state}, began_at=before.began_at or self._context.now()
        )
        return part

    def _part_path(self, stem: str) -> Path:
        return self._context.layout.part(self._context.crawl, stem, "usr")

    def _stop_if_halted(self) -> None:
        if self._context.halt.is_set():
            raise Interrupted("The crawl is paused, or this process is leaving.")


def _batches(values: Iterator[_T], size: int) -> Iterator[list[_T]]:
    while batch := list(islice(values, size)):
        yield batch


async def _in_thread(values: Iterator[_T]) -> AsyncIterator[_T]:
    """Iterate in a thread over an iterator that reads a file, so the event loop is not blocked."""
    end = object()
    while (value := await asyncio.to_thread(next, values, end)) is not end:
        yield value  # type: ignore[misc]
