"""Lists of the dataset that a job need not download again: complete ones, and beginnings to continue."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import msgspec

from twittomatic.errors import CorruptFile
from twittomatic.model import Checkpoint, Counter, Job
from twittomatic.modules.context import Context
from twittomatic.modules.pager import new_stem
from twittomatic.modules.threads import to_thread_shielded
from twittomatic.state.jobs import EarlyEnd
from twittomatic.storage.journal import Entry
from twittomatic.storage.order import order_of
from twittomatic.storage.part import PartFile


async def reuse_existing(context: Context, job: Job, extension: str, *, most: int | None) -> bool:
    """Complete a job without a request if its file already holds all that the job would download.

    A job that has a checkpoint continues: its pages are paid for, and newer than the file.

    Args:
        context: The worker's.
        job: Leased by the caller.
        extension: Extension of the list's file, without the dot.
        most: Records to keep, None for all.

    Returns:
        Whether the job is complete.
    """
    if job.checkpoint != Checkpoint():
        return False
    final = context.layout.file(job.user_id, extension)
    if not await asyncio.to_thread(context.complete_lists.is_whole, final, most=most, since=context.oldest()):
        return False
    await context.jobs.complete(
        job,
        follows=context.follows(job.module),
        early=await asyncio.to_thread(_early_end, context, job, final, most),
        counters={Counter.KEPT.of(job.module): 1},
    )
    return True


def _early_end(context: Context, job: Job, final: Path, most: int | None) -> EarlyEnd | None:
    """Return how a reused list ended too early: it counts for this crawl as it did for the one before."""
    entry = context.complete_lists.early(final)
    if entry is None or (most is not None and entry.lines >= most):
        return None
    return EarlyEnd(ending=entry.ending, lines=entry.lines, claimed=entry.claimed, depth=job.depth)


async def continue_existing(context: Context, job: Job, extensions: Sequence[str]) -> Job:
    """Continue a list of the dataset that ended too early, at the pagination token in its journal line.

    The existing files are copied into part files, and the new file replaces the old one when it is complete,
    so no record is bought or written twice. A list older than REFRESH_OLDER_THAN is downloaded again.

    Args:
        context: The worker's.
        job: Leased by the caller; its file is known to lack records.
        extensions: The files of its list, the list itself last.

    Returns:
        The job with a checkpoint at the end of that list, or the job as it is.

    Raises:
        LeaseLost: another worker has the job now.
        StorageUnavailable: the files cannot be read or copied.
    """
    if job.checkpoint != Checkpoint():
        return job
    final = context.layout.file(job.user_id, extensions[-1])
    entry = await asyncio.to_thread(context.complete_lists.unfinished, final, since=context.oldest())
    if entry is None:
        return job
    try:
        checkpoint = await to_thread_shielded(_copied, context, job, entry, extensions)
    except CorruptFile:  # `verify` reports it; the list is downloaded again
        return job
    await context.jobs.commit(job, checkpoint, {})
    return msgspec.structs.replace(job, checkpoint=checkpoint)


def _copied(context: Context, job: Job, entry: Entry, extensions: Sequence[str]) -> Checkpoint:
    stem, files = new_stem(job), {}
    for ext in extensions:
        final = context.layout.file(job.user_id, ext)
        part = context.layout.part(context.crawl, stem, ext)
        with PartFile.take_over(part, final, context.complete_lists.state(final)) as file:
            files[ext] = file.state
    checkpoint = Checkpoint(
        part=stem,
        files=files,
        token=entry.token,
        began_at=context.now(),
        claimed=entry.claimed,
        first_id=entry.first_id,
        last_id=entry.last_id,
        continues=entry.ending,
    )
    if "twt" not in extensions:
        return checkpoint
    order = order_of(context.layout.file(job.user_id, "twt"))
    return msgspec.structs.replace(
        checkpoint, first_id=order.newest, last_id=order.oldest, unordered=not order.kept
    )
