"""The end of a job: commit its files, write its journal lines, complete it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, cast

import msgspec

from twittomatic.errors import CorruptFile
from twittomatic.faultpoint import reach
from twittomatic.model import EARLY, Checkpoint, Counter, Ending, FileState, Job, usd
from twittomatic.modules.context import Context
from twittomatic.modules.pager import existing_lines, new_stem, remove_parts
from twittomatic.modules.threads import to_thread_shielded
from twittomatic.state.events import Event, FileCommitted, TargetClosed
from twittomatic.state.jobs import EarlyEnd
from twittomatic.storage.commit import commit, holds
from twittomatic.storage.formats import member
from twittomatic.storage.journal import LONGEST_TOKEN, Entry
from twittomatic.storage.order import append_in_order, order_of
from twittomatic.storage.part import PartFile


async def finish_job(context: Context, job: Job, checkpoint: Checkpoint, extensions: Sequence[str]) -> None:
    """Commit the files of a list that has ended, and complete its job.

    Everything here may be repeated after a crash: a file that is already in place stays there, and the newest
    journal line counts.

    Args:
        context: The worker's.
        job: Leased by the caller.
        checkpoint: The final one, committed.
        extensions: Its files, in the order in which they become visible.

    Raises:
        CorruptFile: a part file that the checkpoint counts on is missing.
        LeaseLost: another worker has the job now.
    """
    events: list[Event] = []
    if job.checkpoint.ended is not None:
        checkpoint = await reclaim(context, job, checkpoint)
    if checkpoint.ended is Ending.UNAVAILABLE and not await _is_worth_a_file(
        context, job, checkpoint, extensions
    ):
        await asyncio.to_thread(_close_without_file, context, job, checkpoint, extensions)
        events.append(
            TargetClosed(module=job.module, user_id=job.user_id, reason=checkpoint.reason or "unavailable")
        )
        await context.jobs.complete(job, events=events, counters={Counter.UNAVAILABLE: 1})
        return
    if checkpoint.ended in EARLY and await _would_lose(context, job, checkpoint, extensions):
        await asyncio.to_thread(_close_without_file, context, job, checkpoint, extensions)
        lines = checkpoint.files.get(extensions[-1], FileState()).lines
        await context.jobs.complete(
            job,
            follows=context.follows(job.module),
            early=early_end(job, checkpoint, lines),
            counters={Counter.KEPT.of(job.module): 1},
        )
        return
    if not _is_token(checkpoint.token):
        checkpoint = msgspec.structs.replace(checkpoint, token=None)
    if not any(state.size for state in checkpoint.files.values()):
        checkpoint = await _with_empty_files(context, job, checkpoint, extensions)
    checkpoint = await in_order(context, job, checkpoint)
    checkpoint = await _with_older_posts(context, job, checkpoint)
    async with or_lease_lost(context, job, checkpoint):
        events.extend(await to_thread_shielded(_commit_files, context, job, checkpoint, extensions))
    reach("job.closed")
    counters = {f"files:{job.module}": 1}
    await context.jobs.complete(
        job,
        follows=context.follows(job.module),
        early=early_end(job, checkpoint, checkpoint.files[extensions[-1]].lines),
        events=events,
        counters=counters,
    )


def early_end(job: Job, checkpoint: Checkpoint, lines: int) -> EarlyEnd | None:
    """Return how a list with `lines` records ended too early, None if it did not."""
    if checkpoint.ended not in EARLY:
        return None
    return EarlyEnd(
        ending=checkpoint.ended,
        lines=lines,
        claimed=checkpoint.claimed,
        more=checkpoint.token is not None or not lines,
        depth=job.depth,
    )


def _is_token(token: str | None) -> bool:
    """Return whether the journal can store a pagination token."""
    return token is None or len(token) <= LONGEST_TOKEN


async def reclaim(context: Context, job: Job, checkpoint: Checkpoint) -> Checkpoint:
    """Take over a list that an earlier attempt ended, and set the time of its journal line to now.

    Raises:
        LeaseLost: another worker has the job now.
    """
    mine = msgspec.structs.replace(checkpoint, ended_at=context.journal_time())
    await context.jobs.commit(job, mine, {})
    return mine


async def in_order(context: Context, job: Job, checkpoint: Checkpoint) -> Checkpoint:
    """Sort a timeline whose posts came out of order into a new part file, newest first.

    The returned checkpoint counts on that file and is committed, so an attempt that dies later leaves a
    sorted list, wherever its file is by then.

    Raises:
        CorruptFile: the part file is missing or broken.
        LeaseLost: another worker has the job now.
    """
    if not checkpoint.unordered:
        return checkpoint
    stem = new_stem(job)
    source, sorted_part = (
        context.layout.part(context.crawl, part, "twt") for part in (checkpoint.part, stem)
    )

    def sort() -> FileState:
        with PartFile.begin(sorted_part) as file:
            return append_in_order(file, source, size=checkpoint.files["twt"].size)

    async with or_lease_lost(context, job, checkpoint):
        state = await to_thread_shielded(sort)
    mine = msgspec.structs.replace(checkpoint, part=stem, files={"twt": state}, unordered=False)
    reach("order.sorted")
    await context.jobs.commit(job, mine, {})
    reach("order.committed")
    await asyncio.to_thread(remove_parts, context, checkpoint.part, ("twt",))
    return mine


async def _with_older_posts(context: Context, job: Job, checkpoint: Checkpoint) -> Checkpoint:
    """Append the posts of the timeline in the dataset that are older than all that this list reached.

    A timeline that is downloaded again begins at the newest post. When it ends at MAX_POSTS or at the
    network's ceiling, it did not reach all posts that are in the dataset already, which were paid for. The
    returned checkpoint counts on the new part file and is committed, as in `in_order`.

    Raises:
        CorruptFile: the part file is missing, or the timeline in the dataset changed meanwhile.
        LeaseLost: another worker has the job now.
    """
    reached = checkpoint.last_id
    if checkpoint.ended not in (Ending.CUT, Ending.CEILING) or "twt" not in checkpoint.files or not reached:
        return checkpoint
    final = context.layout.file(job.user_id, "twt")
    try:
        oldest = (await asyncio.to_thread(order_of, final)).oldest
    except CorruptFile:  # `verify` reports it; the new list replaces it
        return checkpoint
    if oldest is None or int(oldest) >= int(reached):
        return checkpoint
    stem = new_stem(job)
    source, part = (context.layout.part(context.crawl, one, "twt") for one in (checkpoint.part, stem))

    def append() -> FileState:
        with PartFile.take_over(part, source, checkpoint.files["twt"]) as file:
            return append_in_order(file, final, before=reached)

    async with or_lease_lost(context, job, checkpoint):
        state = await to_thread_shielded(append)
    mine = msgspec.structs.replace(checkpoint, part=stem, files={"twt": state}, last_id=oldest)
    await context.jobs.commit(job, mine, {})
    await asyncio.to_thread(remove_parts, context, checkpoint.part, ("twt",))
    return mine


@asynccontextmanager
async def or_lease_lost(context: Context, job: Job, checkpoint: Checkpoint) -> AsyncIterator[None]:
    """Raise LeaseLost for a missing part file if another worker now has the job."""
    try:
        yield
    except CorruptFile:
        # It changes nothing, and raises LeaseLost if the lease is lost.
        await context.jobs.commit(job, checkpoint, {})
        raise


async def _is_worth_a_file(
    context: Context, job: Job, checkpoint: Checkpoint, extensions: Sequence[str]
) -> bool:
    """Return whether a list that broke off because its target became unavailable should become a file.

    It never replaces a list in the dataset, however short, because that one may be complete. A list that
    ended too early follows another rule (`_would_lose`): the network served all that it was going to serve.
    """
    if not any(state.lines for state in checkpoint.files.values()):
        return False
    if checkpoint.continues:  # it begins with all records of the existing file
        return True
    finals = [context.layout.file(job.user_id, ext) for ext in extensions]
    return not any(
        await asyncio.to_thread(lambda: [final.exists() and not _held(final, checkpoint) for final in finals])
    )


async def _would_lose(context: Context, job: Job, checkpoint: Checkpoint, extensions: Sequence[str]) -> bool:
    """Return whether a list that ended too early would replace one with more records."""
    if checkpoint.continues:  # it begins with all records of the existing file
        return False
    final = context.layout.file(job.user_id, extensions[-1])
    mine = checkpoint.files.get(extensions[-1], FileState())
    return await asyncio.to_thread(existing_lines, context, final) > mine.lines


def _held(final: Any, checkpoint: Checkpoint) -> bool:
    return holds(final, checkpoint.files.get(final.suffix[1:], FileState()))


def _close_without_file(
    context: Context, job: Job, checkpoint: Checkpoint, extensions: Sequence[str]
) -> None:
    context.journal.append(journal_entry(context, job, checkpoint, None, FileState()))
    remove_parts(context, checkpoint.part, extensions)


def _commit_files(
    context: Context, job: Job, checkpoint: Checkpoint, extensions: Sequence[str]
) -> list[Event]:
    entries: list[Entry] = []
    events: list[Event] = []
    for ext in extensions:
        file = context.layout.relative(context.layout.file(job.user_id, ext))
        state = _place(context, job, checkpoint, ext)
        paid = ext == extensions[-1]  # the same pages brought all files, and are counted once
        entries.append(journal_entry(context, job, checkpoint, file, state, paid=paid))
        events.append(committed_event(job, checkpoint, file, state, new=state))
    context.journal.append(*entries)
    return events


def _place(context: Context, job: Job, checkpoint: Checkpoint, ext: str) -> FileState:
    """Move a part file into the dataset, unless an earlier attempt did."""
    part = context.layout.part(context.crawl, checkpoint.part, ext)
    final = context.layout.file(job.user_id, ext)
    state = checkpoint.files[ext]
    try:
        commit(part, final, size=state.size)
    except CorruptFile:
        if not holds(final, state):
            raise
    return state


async def _with_empty_files(
    context: Context, job: Job, checkpoint: Checkpoint, extensions: Sequence[str]
) -> Checkpoint:
    """Create empty files for a list without records, named by this attempt, which alone can place them."""
    stem = new_stem(job)

    def begin(ext: str) -> FileState:
        with PartFile.begin(context.layout.part(context.crawl, stem, ext)) as file:
            return file.append(member([]), 0)

    files = {ext: await to_thread_shielded(begin, ext) for ext in extensions}
    mine = msgspec.structs.replace(checkpoint, part=stem, files=files)
    await context.jobs.commit(job, mine, {})
    if checkpoint.part:
        await asyncio.to_thread(remove_parts, context, checkpoint.part, extensions)
    return mine


def committed_event(
    job: Job, checkpoint: Checkpoint, file: str, state: FileState, *, new: FileState
) -> FileCommitted:
    """Return the event of a commit: `file` now has `state`, and its first part, `new`, is new."""
    return FileCommitted(
        file=file,
        module=job.module,
        user_id=job.user_id,
        records=new.lines,
        begin=state.size,
        end=state.size - new.size,
        first_id=checkpoint.first_id or "",
        last_id=checkpoint.last_id or "",
    )


def journal_entry(
    context: Context,
    job: Job,
    checkpoint: Checkpoint,
    file: str | None,
    state: FileState,
    *,
    paid: bool = True,
) -> Entry:
    """Return the journal entry of a commit, or, without a file, of a closed target."""
    return Entry(
        file=file,
        module=job.module,
        user_id=job.user_id,
        lines=state.lines,
        bytes=state.size,
        crc32=f"{state.crc:08x}",
        requests=checkpoint.requests if paid else 0,
        cost_usd=usd(checkpoint.cost) if paid else 0.0,
        began_at=checkpoint.began_at or context.now(),
        ended_at=checkpoint.ended_at or context.journal_time(),
        ending=checkpoint.ended or Ending.COMPLETE,
        reason=cast("Any", checkpoint.reason),
        claimed=checkpoint.claimed,
        received=checkpoint.received,
        first_id=checkpoint.first_id,
        last_id=checkpoint.last_id,
        token=checkpoint.token if checkpoint.ended in EARLY else None,
        depth=job.depth,
        worker=context.worker,
    )
